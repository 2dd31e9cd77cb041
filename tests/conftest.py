"""Fixtures for every test: a migrated database on both engines, the app on it, and what must not be skipped."""

import gc
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ikawaari.config import Config
from tests import browser_support, postgres, programs

REQUIRE_ALL = os.environ.get("IKAWAARI_REQUIRE_ALL", "") not in {"", "0"}
MAY_LACK_PROGRAMS = os.environ.get("IKAWAARI_MAY_LACK_PROGRAMS", "") not in {"", "0"}
REQUIRED = ("browser", "postgres", *(() if MAY_LACK_PROGRAMS else ("program",)))
RUN = pytest.StashKey[postgres.Run]()
SHARED = "ikawaari_run"
MARKS_BY_FIXTURE = {"browser": "browser", "page": "browser", "context": "browser", "postgres_server": "postgres"}


# ---------------------------------------------------------------- the run and what it needs


def pytest_addoption(parser: pytest.Parser) -> None:
    """The long tests wait for whoever asks for them."""
    parser.addoption("--long", action="store_true", help="run the tests marked `long`, too")


def pytest_configure(config: pytest.Config) -> None:
    """The process that pytest started with owns the run; xdist's workers join it."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(postgres.fast_folder()))  # tmp_path: no test waits for a disk
    shared = getattr(config, "workerinput", {}).get(SHARED)
    config.stash[RUN] = postgres.Run(Path(shared)) if shared else postgres.Run.open()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The owner ends the run."""
    if not hasattr(config, "workerinput"):
        config.stash[RUN].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where the run is."""
    node.workerinput[SHARED] = str(node.config.stash[RUN].path)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Half a million objects of the tests themselves live to the end: no collection of garbage looks at them again, and
    none looks for it as often as in a server, which must not grow.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who asks for a browser or for PostgreSQL carries the mark, also when its author forgot it. Long ones wait."""
    for item in items:
        for fixture, mark in MARKS_BY_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
    if not config.getoption("long"):
        short = [item for item in items if not _is_long(item)]
        repeats = _repeats_on_postgres(short)
        run = [item for item in short if item.nodeid not in repeats]
        chosen = {item.nodeid for item in run}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in chosen])
        items[:] = run


def _is_long(item: pytest.Item) -> bool:
    """Whether a mark says `long`, of the test or of its parameters: on every engine, or on the one that it names."""
    return any(mark.kwargs.get("engine") in {None, _engine_of(item)} for mark in item.iter_markers("long"))


def _repeats_on_postgres(items: list[pytest.Item]) -> set[str]:
    """The ids of those that run on SQLite, and with other parameters on PostgreSQL: what the engines do differently is
    our SQL, and that hardly depends on a test's parameters. Where it does, the test is marked `on_both`.
    """
    ids = {item.nodeid for item in items}
    begun: set[str] = set()
    repeats = set()
    for item in items:
        if _engine_of(item) == "postgres" and not item.get_closest_marker("on_both"):
            test = item.nodeid.partition("[")[0]
            if test in begun and item.nodeid.replace("postgres", "sqlite") in ids:
                repeats.add(item.nodeid)
            begun.add(test)
    return repeats


def _engine_of(item: pytest.Item) -> object:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return parameters.get("engine", parameters.get("database_url"))  # by its fixture's name in some modules


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, and say why."""
    if item.get_closest_marker("browser") and browser_support.launch_options() is None:
        pytest.skip(browser_support.HOW_TO_GET_ONE)
    if item.get_closest_marker("postgres"):
        try:
            item.config.stash[RUN].server()
        except postgres.Unavailable as reason:
            pytest.skip(f"no PostgreSQL: {reason}")
    for mark in item.iter_markers("program"):
        if programs.path_of(mark.args[0]) is None:
            pytest.skip(f"{mark.args[0]} is missing ({programs.HOW_TO_GET[mark.args[0]]})")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With IKAWAARI_REQUIRE_ALL=1 it is a failure to skip what needs a browser, PostgreSQL or another program."""
    report = yield
    required = any(map(item.get_closest_marker, REQUIRED))
    if REQUIRE_ALL and required and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"must not be skipped here: {report.longrepr}"
    return report


# ---------------------------------------------------------------- databases


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated database of this test's own."""
    if engine == "sqlite":
        yield request.getfixturevalue("new_sqlite")(tmp_path)
    else:
        server: postgres.Server = request.getfixturevalue("postgres_server")
        yield server.own_database(migrate)
    disconnect()  # whoever connected to it


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[postgres.Server]:
    """The run's PostgreSQL."""
    server = pytestconfig.stash[RUN].server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def new_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Makes a migrated SQLite file in a folder: a copy of one that this process migrated once."""
    template = tmp_path_factory.mktemp("template") / "ikawaari.sqlite3"
    migrate(f"sqlite:///{template}")

    def copy(folder: Path) -> str:
        return f"sqlite:///{shutil.copy(template, folder / template.name)}"

    return copy


@pytest.fixture(scope="module")
def shared_url(new_sqlite: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """One SQLite file for the tests of a module that do not mind each other: each connects anew."""
    return new_sqlite(tmp_path_factory.mktemp("shared"))


def migrate(url: str) -> None:
    """Bring the database of `url` to the newest schema, and the sandbox provider's ledger beside it."""
    from ikawaari import store
    from ikawaari.providers.sandbox import ledger

    store.connect(url)
    ledger.connect(url, pool=2)
    try:
        store.migrate()
        ledger.prepare()
    finally:
        disconnect()


def disconnect() -> None:
    """Close this thread's connections and the pools, if there are any."""
    from ikawaari import store
    from ikawaari.providers.sandbox import ledger

    store.disconnect()
    ledger.disconnect()


@pytest.fixture
def database(database_url: str) -> Iterator[None]:
    """The models and the sandbox's ledger stand on a fresh database: for tests of the domain, which need no app."""
    from ikawaari import store
    from ikawaari.providers.sandbox import ledger

    store.connect(database_url)
    ledger.connect(database_url, pool=20)
    yield
    disconnect()


# ---------------------------------------------------------------- the app


@pytest.fixture(scope="session", autouse=True)
def one_clock() -> None:
    """Tests move this process's clock: let it be the one that all machines share, on PostgreSQL too."""
    from ikawaari import clock, store

    store.shared_clock.use(clock.now)


@pytest.fixture
def config(database_url: str) -> Config:
    """The configuration of a test: no waiting, one known secret."""
    return Config(
        database_url=database_url,
        secret_key="test-secret-key-0123456789abcdef",
        api_url="http://localhost",
        pay_url="http://localhost",
        sandbox_delay_seconds=0,
        # TO FINISH: further settings that tests want different from a laptop's.
    )


@pytest.fixture
def app(config: Config) -> Flask:
    """The whole application on a fresh database."""
    from tests.apps import app_of

    return app_of(config)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application."""
    return app.test_client()


# ---------------------------------------------------------------- the browser


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """How pytest-playwright starts Chromium."""
    return browser_type_launch_args | (browser_support.launch_options() or {})
