"""Every setting, command, error, event and route has its line in the papers, and every line is true."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from flask.testing import FlaskClient

import ikawaari
from ikawaari.cli import main
from ikawaari.config import PREFIX, ROOT, Config
from ikawaari.errors import CODES
from ikawaari.events.types import MEANINGS
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import TABLES
from tests.docs import operators, papers

HOME = Path(ikawaari.__file__).parent
MERCHANTS, OPERATIONS, ARCHITECTURE = "docs/merchants.md", "docs/operations.md", "docs/architecture.md"
DECISIONS = [path for path in papers.PAPERS if path.parent.name == "decisions" and path.name != "README.md"]
# Beside the document: for people, and for load balancers.
UNDOCUMENTED = {"/healthz", "/readyz", "/docs", "/openapi.json"}

FOREIGN = {"base.Worker"}  # gunicorn's


@pytest.fixture
def engine() -> str:
    """The document is the same on both."""
    return "sqlite"


def test_the_settings_are_those_of_the_configuration() -> None:
    told = [row[0].strip("`") for row in papers.rows(papers.section(OPERATIONS, "Settings"))]
    assert sorted(told) == sorted(PREFIX + field.name.upper() for field in fields(Config))


def test_the_defaults_are_those_of_the_configuration() -> None:
    told = {row[0].strip("`"): row[1] for row in papers.rows(papers.section(OPERATIONS, "Settings"))}
    for field in fields(Config):
        if field.type in {int, float, bool}:
            assert float(told[PREFIX + field.name.upper()]) == float(field.default), field.name  # type: ignore[arg-type]


def test_the_errors_are_those_of_the_table() -> None:
    told = papers.rows(papers.section(MERCHANTS, "Errors"))
    table = [
        [row.id, str(int(row.status)), row.meaning + (" Retryable." if row.retryable else "")] for row in CODES.values()
    ]
    assert told == table


@pytest.mark.parametrize("paper", operators.TABLES)
def test_the_table_of_operators_is_what_the_adapters_say(paper: str) -> None:
    """`make docs` writes it."""
    assert papers.text_of(paper) == operators.written(paper, operators.live_providers())


def test_every_table_of_the_database_is_kept_as_long_as_the_paper_says() -> None:
    named = [re.findall(r"`(\w+)`", row[1]) for row in papers.rows(papers.section(OPERATIONS, "What is kept how long"))]
    assert all(named)
    tables = {model._meta.table_name for model in (*TABLES, ledger.Charge, ledger.Refund, ledger.OutgoingCallback)}
    assert {name for row in named for name in row} == tables


def test_the_events_are_those_that_are_sent() -> None:
    told = {row[0].strip("`"): row[1] for row in papers.rows(papers.section(MERCHANTS, "Events"))}
    assert told == dict(MEANINGS)


def test_the_routes_are_those_of_the_document(client: FlaskClient) -> None:
    document = json.loads(client.get("/openapi.json").text)
    told = {row[0].strip("`"): row[2].strip("`") for row in papers.rows(papers.section(MERCHANTS, "Routes"))}
    assert told == dict(_routes(document))
    assert all(f"`GET {path}`" in papers.section(MERCHANTS, "Routes") for path in UNDOCUMENTED)


def _routes(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each route of the OpenAPI document, and the scope that it asks for."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                scopes = [scope for wanted in operation.get("security", ()) for scope in wanted.get("bearer", ())]
                yield f"{method.upper()} {path}", scopes[0] if scopes else "none"


# ---------------------------------------------------------------- commands


def test_the_commands_are_those_of_the_program() -> None:
    told: dict[str, set[str]] = {}
    for cell, _ in papers.rows(papers.section(OPERATIONS, "Commands")):
        for written in re.findall(r"`ikawaari ([^`]+)`", cell):
            name = re.match(r"[a-z]+(?: [a-z]+)*", written)
            assert name is not None
            told[name[0]] = set(re.findall(r"--[a-z-]+", written))
    assert told == {name: _options(command) for name, command in _commands(main)}


@pytest.mark.parametrize("path", papers.PAPERS, ids=papers.name_of)
def test_every_command_to_be_typed_exists_with_its_options(path: Path) -> None:
    known = dict(_commands(main))
    for line in papers.commands(path.read_text()):
        words = line.split()[1:]
        name = next((" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in known), None)
        assert name is not None, line
        assert set(re.findall(r"(?<= )--[a-z-]+", line)) <= _options(known[name]), line


def _commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def _options(command: click.Command) -> set[str]:
    return {text for param in command.params if isinstance(param, click.Option) for text in param.opts}


# ---------------------------------------------------------------- the papers themselves


def test_the_readme_is_short() -> None:
    assert len(papers.text_of("README.md").splitlines()) <= 120


@pytest.mark.parametrize("path", papers.PAPERS, ids=papers.name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in papers.links(path.read_text()):
        name, _, anchor = target.partition("#")
        to = (path.parent / name).resolve() if name else path
        assert to.exists(), target
        assert not anchor or anchor in papers.anchors(to.read_text()), target


@pytest.mark.parametrize("path", papers.PAPERS, ids=papers.name_of)
def test_every_block_is_of_a_kind_that_a_test_runs(path: Path) -> None:
    assert {language for language, _ in papers.blocks(path.read_text())} <= {"", "sh", "python", "js", "json"}


def test_the_map_names_every_module_and_folder() -> None:
    told = papers.section(ARCHITECTURE, "Map of the code")
    files = [path for path in HOME.iterdir() if path.name not in {"__pycache__", "__main__.py", "translations"}]
    names = [f"`{path.name}/`" if path.is_dir() else f"`{path.name}`" for path in files]
    names[names.index("`__init__.py`")] = "`ikawaari/__init__.py`"
    assert [name for name in names if name not in told] == []
    written = re.findall(r"`((?:[a-z_]+/)+|[a-z_]+\.py)`", told)
    there = [
        ROOT,
        HOME,
        HOME / "store",
        HOME / "providers",
        HOME / "simulators",
        HOME / "merchant_api",
        ROOT / "templates/checkout",
        ROOT / "tests",
    ]
    assert [name for name in written if not any((folder / name).exists() for folder in there)] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_every_decision_is_dated_and_listed(path: Path) -> None:
    title, empty, dated = path.read_text().splitlines()[:3]
    assert title.startswith("# ")
    assert empty == ""
    assert re.fullmatch(r"\*20[0-9]{2}-[01][0-9]-[0-3][0-9](; changed 20[0-9]{2}-[01][0-9]-[0-3][0-9])?\.\*", dated)
    assert papers.text_of("docs/decisions/README.md").count(f"| [{path.stem}]({path.name}) |") == 1


@pytest.mark.parametrize("path", papers.PAPERS, ids=papers.name_of)
def test_every_name_of_the_code_is_in_its_module(path: Path) -> None:
    """`attempts.pay`: a function of a module. A page that outlives it would mislead."""
    sources: dict[str, str] = {}
    for module in HOME.rglob("*.py"):
        sources[module.stem] = sources.get(module.stem, "") + module.read_text()
    named = re.findall(r"`([a-z_]+)\.([a-zA-Z_]+)`", path.read_text())
    missing = [f"{module}.{name}" for module, name in named if module in sources and name not in sources[module]]
    assert [name for name in missing if name not in FOREIGN and not name.endswith((".py", ".txt", ".md"))] == []


def test_the_changelog_has_no_entry_twice() -> None:
    entries = re.findall(r"^- .*(?:\n  .*)*", papers.text_of("CHANGELOG.md"), re.MULTILINE)
    assert len(entries) == len(set(entries)) > 50


# ---------------------------------------------------------------- figures


PERFORMANCE = "docs/performance.md"


@pytest.mark.parametrize(
    ("what", "heading", "kinds", "column"),
    [
        ("new sessions", "Over HTTP", "POST session", "per s"),
        ("the page", "Over HTTP", "the page(, gzip)?", "per s"),
        ("payments", "Over HTTP", "pay by card", "per s"),
        ("webhooks", "Webhooks", "SQLite FULL|PostgreSQL", "per s"),
        ("speed with a million sessions stored", "With a million sessions stored", ".+", "SQLite FULL"),
        ("speed with a million sessions stored", "With a million sessions stored", ".+", "PostgreSQL"),
    ],
)
def test_an_operator_is_promised_no_more_than_was_measured(what: str, heading: str, kinds: str, column: str) -> None:
    promised = {row[0]: row[1] for row in papers.rows(papers.section(OPERATIONS, "Sizing"))}
    measured = papers.section(PERFORMANCE, heading)
    (place,) = {
        [cell.strip() for cell in line.split("|")[1:]].index(column)
        for line in measured.splitlines()
        if line.startswith("|") and f"| {column} |" in line
    }
    found = [row[place] for row in papers.rows(measured) if re.fullmatch(kinds, row[0])]
    assert len(found) > 1
    assert _least(promised[what]) <= min(map(_least, found))


def _least(cell: str) -> float:
    """The first number of a cell, which is the least where there are two."""
    return float(re.findall(r"[\d.,]*\d", cell)[0].replace(",", ""))


# ---------------------------------------------------------------- reliability


@pytest.mark.parametrize(
    "row", papers.rows(papers.section("docs/reliability.md", "What is promised")), ids=lambda row: row[0][:40]
)
def test_each_promise_names_a_test_that_holds_it_and_is_there(row: list[str]) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[2])
    assert named
    assert ", ".join(f"`{path}::{test}`" for path, test in named) == row[2]
    for path, test in named:
        assert f"\ndef {test}(" in (ROOT / path).read_text(), f"{path}::{test}"


def test_our_own_figures_beside_the_promises_of_others_are_those_of_the_run() -> None:
    ours = papers.rows(papers.section("docs/reliability.md", "What others promise"))[0]
    shown = re.findall(r"\*([^*]+)\*", " ".join(ours))
    assert len(shown) == len(ours) - 1
    figures = re.findall(r"[\d,]*\d", " ".join(shown))
    assert set(figures) <= set(re.findall(r"[\d,]*\d", papers.section("docs/reliability.md", "Figures")))


def test_each_test_file_that_is_named_elsewhere_is_there() -> None:
    named = {name for path in papers.PAPERS for name in re.findall(r"`(tests/[\w/]+\.\w+)", path.read_text())}
    assert len(named) > 20
    assert [name for name in named if "NAME" not in name and not (ROOT / name).exists()] == []
