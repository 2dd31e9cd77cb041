"""The command `ikawaari`: serve, work, migrate, and keep merchants and their credentials. A file for each group."""

from ikawaari.cli import keys, merchants, sandbox, secrets, serving
from ikawaari.cli.root import main

__all__ = ["keys", "main", "merchants", "sandbox", "secrets", "serving"]
