"""The command `ikawaari`. Each group of commands has a file."""

from ikawaari.cli import (
    attempts,
    audit,
    cases,
    held,
    incidents,
    keys,
    merchants,
    providers,
    reconcile,
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
    "cases",
    "held",
    "incidents",
    "keys",
    "main",
    "merchants",
    "providers",
    "reconcile",
    "report",
    "sandbox",
    "secrets",
    "serving",
    "shell",
    "simulate",
]
