"""The command `ikawaari`. Each group of commands has a file."""

from ikawaari.cli import (
    attempts,
    audit,
    held,
    incidents,
    keys,
    merchants,
    providers,
    report,
    sandbox,
    secrets,
    serving,
    shell,
    simulate,
)
from ikawaari.cli.root import main

__all__ = [
    "attempts",
    "audit",
    "held",
    "incidents",
    "keys",
    "main",
    "merchants",
    "providers",
    "report",
    "sandbox",
    "secrets",
    "serving",
    "shell",
    "simulate",
]
