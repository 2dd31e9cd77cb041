"""Payment providers: the outside world, spoken to in values."""
