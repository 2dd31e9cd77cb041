"""Merchants, their credentials, and their limits."""
