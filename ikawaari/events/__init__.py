"""Events: the outbox, the webhook endpoints, and the delivery to them."""
