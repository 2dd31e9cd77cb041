"""What operators see from outside: metrics for Prometheus, and traces.

Their libraries are imported only where they are on, because that takes a command longer than much else that it imports.
docs/decisions/metrics.md has the reasons.
"""

from importlib import import_module

from flask import Flask

from ikawaari import tracing
from ikawaari.config import PREFIX as _PREFIX
from ikawaari.config import Config, UnsafeConfiguration
from ikawaari.edge import measuring
from ikawaari.meters import REQUESTS


def register(app: Flask, config: Config) -> None:
    """Trace, count in this process, and serve `GET /metrics`, as far as the configuration says so."""
    start_traces(config)
    if tracing.is_on():
        app.wsgi_app = measuring.Traced(app.wsgi_app)  # type: ignore[method-assign]
    if config.metrics_token:
        import_module("ikawaari.monitoring.web").register(app, config)


def start_traces(config: Config) -> None:
    """Send spans of this process, if the configuration says so. Raises UnsafeConfiguration if the libraries lack."""
    if not config.traces or tracing.is_on():
        return
    try:
        traces = import_module("ikawaari.monitoring.traces")
    except ModuleNotFoundError as missing:
        raise UnsafeConfiguration(
            f"{_PREFIX}TRACES needs more libraries: pip install -c constraints.txt -e '.[traces]' ({missing})"
        ) from None
    traces.start()


def finish() -> None:
    """The process ends: count and send what was not yet."""
    REQUESTS.settle()
    if tracing.is_on():
        import_module("ikawaari.monitoring.traces").finish()


def listen(bind: str, config: Config) -> None:
    """Count in this process, and serve `GET /metrics` on an address of its own. Raises UnsafeConfiguration."""
    if not config.metrics_token:
        raise UnsafeConfiguration(f"--metrics needs {_PREFIX}METRICS_TOKEN, which says who may read them")
    import_module("ikawaari.monitoring.listener").start(bind, config)
