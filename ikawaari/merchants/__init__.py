"""Merchants, their credentials, and how much they may ask of us."""
