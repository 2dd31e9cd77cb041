"""The domain: sessions, intents, attempts, refunds, subscriptions. Money moves in `attempts` and nowhere else."""
