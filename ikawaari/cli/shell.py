"""The command `ikawaari shell`: Python with the models and the domain at hand, connected to the database."""

import code
import importlib
import pkgutil
import sys
from typing import Any

from ikawaari import clock, money, store
from ikawaari.cli.root import main, on_the_database
from ikawaari.store import models
from ikawaari.store.record import Record

_ROOMS = ("ikawaari.merchants", "ikawaari.events", "ikawaari.checkout")
_BANNER = """Ikawaari Checkout, connected to its database ({engine}).
At hand: the models (PaymentAttempt, CheckoutSession, …), the domain (attempts, sessions, …), store, clock, money.
Nothing here is a copy: write inside `with store.atomic():`, and change a status by `move` alone.
Example: PaymentAttempt.select().count()"""


@main.command()
@on_the_database
def shell() -> None:
    """Start Python with the models and the domain at hand, connected to the database. For development."""
    names = _at_hand()
    if sys.stdin.isatty():
        _complete_names(names)
    engine = "PostgreSQL" if store.is_postgres() else "SQLite"
    code.interact(_BANNER.format(engine=engine), local=names, exitmsg="")


def _complete_names(names: dict[str, Any]) -> None:
    """Let the tab key complete `names`. Its libraries are imported only here, for they may write to the terminal."""
    readline: Any = importlib.import_module("readline")
    rlcompleter: Any = importlib.import_module("rlcompleter")
    readline.set_completer(rlcompleter.Completer(names).complete)
    readline.parse_and_bind("tab: complete")


def _at_hand() -> dict[str, Any]:
    """Every model, and every module of the domain, by its own name."""
    names: dict[str, Any] = {"store": store, "clock": clock, "money": money}
    for room in _ROOMS:
        for module in pkgutil.iter_modules(importlib.import_module(room).__path__):
            names[module.name] = importlib.import_module(f"{room}.{module.name}")
    tables = {
        name: table for name, table in vars(models).items() if isinstance(table, type) and issubclass(table, Record)
    }
    return names | tables
