"""Commands that run the server: serve, worker, migrate, openapi."""

import json
import signal
import sys
import threading
from dataclasses import asdict
from types import FrameType

import click

import ikawaari
from ikawaari import demo_data, logs, monitoring, serving, store, worker
from ikawaari.checkout import provider_states
from ikawaari.cli.root import in_one_line, main, on_the_database
from ikawaari.config import Config
from ikawaari.serving import reloading

_INSECURE = (
    "Warning: --insecure. Others can reach this server, and their requests can be read and changed in transit. "
    "It refuses live keys, and webhooks to internal addresses."
)


@main.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="HOST:PORT to listen on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1), help="Threads of each process.")
@click.option("--no-worker", is_flag=True, help="Leave due work to `ikawaari worker`.")
@click.option("--demo", is_flag=True, help="Create a demo merchant and serve a demo shop at /; on this machine only.")
@click.option("--insecure", is_flag=True, help="Let others reach the server over http; never with live keys.")
@click.option("--reload", is_flag=True, help="Start again when a file of the program changes. For development.")
@in_one_line
def serve(bind: str, workers: int, threads: int, no_worker: bool, reload: bool, **kind: bool) -> None:
    """Serve the API and the page, and do due work."""
    if reload:
        reloading.run([word for word in sys.argv[1:] if word != "--reload"], lambda text: click.echo(text, err=True))
        return
    config = serving.configure(bind, **kind)
    if not config.takes_live_keys:
        click.echo(_INSECURE, err=True)
    serving.refuse_unknown_providers(config)
    if config.demo:
        click.echo(demo_data.seed(config))
    serving.run(bind, workers=workers, threads=threads, with_worker=not no_worker)


@main.command("worker")
@click.option("--metrics", default="", metavar="HOST:PORT", help="Serve /metrics there; needs IKAWAARI_METRICS_TOKEN.")
@on_the_database
def work(metrics: str) -> None:
    """Do due work until stopped."""
    config = Config.from_environment()
    logs.take_over()
    monitoring.start_traces(config)
    provider_states.refuse_unknown()
    if metrics:
        monitoring.listen(metrics, config)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    store.shared_clock.check_skew()
    for thread in worker.start(stop, config):
        thread.join()
    monitoring.finish()


@main.command()
@click.option("--check", is_flag=True, help="Change nothing: list the rows that would prevent the migration.")
@on_the_database
def migrate(check: bool) -> None:
    """Bring the database's schema up to date: everything, or nothing."""
    if check:
        findings = store.check_migration()
        for one in findings:
            click.echo(json.dumps(asdict(one)))
        sys.exit(1 if findings else 0)
    try:
        for name in ikawaari.migrate():
            click.echo(name)
    except store.Unfit as unfit:
        raise click.ClickException(f"{unfit}; `ikawaari migrate --check` lists them all") from None


@main.command()
@on_the_database
def openapi() -> None:
    """Print the OpenAPI document."""
    app = ikawaari.create_app()
    click.echo(app.test_client().get("/openapi.json").get_data(as_text=True))
