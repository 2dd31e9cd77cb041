"""Payment providers: the outside world, behind values."""
