"""What an operator's Prometheus reads: what the processes of a server count, and figures of the database.

The library is imported only where metrics are on, because that takes a command longer than everything else it imports.
docs/decisions/metrics.md has the reasons.
"""

from importlib import import_module

from flask import Flask

from ikawaari.config import PREFIX as _PREFIX
from ikawaari.config import Config, UnsafeConfiguration


def register(app: Flask, config: Config) -> None:
    """Count in this process, and serve `GET /metrics`, if the configuration says who may read it."""
    if config.metrics_token:
        import_module("ikawaari.monitoring.web").register(app, config)


def listen(bind: str, config: Config) -> None:
    """Count in this process, and serve `GET /metrics` on an address of its own. Raises UnsafeConfiguration."""
    if not config.metrics_token:
        raise UnsafeConfiguration(f"--metrics needs {_PREFIX}METRICS_TOKEN, which says who may read them")
    import_module("ikawaari.monitoring.listener").start(bind, config)
