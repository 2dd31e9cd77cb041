"""What happened, told: the outbox, and later the endpoints that it is delivered to."""
