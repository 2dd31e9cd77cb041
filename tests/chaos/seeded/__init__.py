"""A run of payments over all simulated providers that a seed decides: what is bought, what goes wrong, who dies."""
