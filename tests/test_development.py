"""What developers have at hand: a shell, a server that restarts by itself, and a log that counts statements."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

import ikawaari
from ikawaari.cli import main
from ikawaari.config import Config
from ikawaari.serving import reloading
from ikawaari.store.database import database
from tests import factories
from tests.conftest import disconnect
from tests.serving import ROOT, copied, serve
from tests.statements import sent

# ---------------------------------------------------------------- the shell


def typed(url: str, *lines: str) -> str:
    """What the shell prints when these lines are typed."""
    environment = {"IKAWAARI_DATABASE_URL": url, "IKAWAARI_SECRET_KEY": "test-secret-key-0123456789abcdef"}
    ran = CliRunner().invoke(main, ["shell"], input="".join(f"{line}\n" for line in lines), env=environment)
    disconnect()
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_the_shell_has_models_and_domain_at_hand_and_is_connected(
    new_sqlite: Callable[[Path], str], tmp_path: Path
) -> None:
    said = typed(
        new_sqlite(tmp_path),
        "Merchant.select().count()",
        "with store.atomic(): print(merchants.create('Boutique', clock.now()).name)",
        "",
        "Merchant.select().count()",
        "attempts.pay.__module__, sessions.open_session.__module__, money.Money(5, 'XOF').amount",
    )
    assert "connected to its database (SQLite)" in said
    answers = [line.removeprefix(">>> ") for line in said.replace("... ", "").splitlines()]
    assert [line for line in answers if line][-4:] == [
        "0",
        "Boutique",
        "1",
        "('ikawaari.checkout.attempts', 'ikawaari.checkout.sessions', 5)",
    ]


# ---------------------------------------------------------------- the log that counts


@pytest.fixture
def lines(config: Config, capfd: pytest.CaptureFixture[str]) -> Callable[[str, str], list[dict[str, Any]]]:
    """The request lines that a request to `path` logs at a log level."""

    def logged(level: str, path: str) -> list[dict[str, Any]]:
        client = ikawaari.create_app(replace(config, log_level=level)).test_client()
        client.get(path)
        capfd.readouterr()
        with sent() as statements:
            client.get(path)
        found = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
        found = [line for line in found if line["event"] == "request"]
        assert not found or found[0]["statements"] == len(statements)
        return found

    return logged


def test_at_debug_a_request_logs_how_many_statements_it_sent(lines: Callable[..., list[dict[str, Any]]]) -> None:
    (line,) = lines("DEBUG", "/readyz")
    assert (line["method"], line["route"], line["status"], line["level"]) == ("GET", "/readyz", 200, "debug")
    assert line["statements"] >= 1
    (line,) = lines("debug", "/nowhere")
    assert (line["route"], line["status"], line["statements"]) == (None, 404, 0)


def test_at_any_other_level_nothing_is_counted(lines: Callable[..., list[dict[str, Any]]]) -> None:
    assert lines("INFO", "/readyz") == []
    assert "execute_sql" not in vars(database.obj)


def test_the_line_names_no_session(config: Config, capfd: pytest.CaptureFixture[str]) -> None:
    client = ikawaari.create_app(replace(config, log_level="DEBUG")).test_client()
    session = factories.session()
    capfd.readouterr()
    assert client.get(f"/{session.id}").status_code == 200
    text = capfd.readouterr().err
    assert '"route": "/<session:session_id>"' in text
    assert session.id not in text


# ---------------------------------------------------------------- the server that restarts


def test_a_change_is_seen_and_named() -> None:
    page, script = ROOT / "templates" / "a.html", ROOT / "static" / "a.js"
    assert reloading._changed({page: 1}, {page: 1}) is None
    assert reloading._changed({page: 1}, {page: 2}) == Path("templates/a.html")
    assert reloading._changed({page: 1, script: 1}, {page: 1}) == Path("static/a.js")
    assert reloading._changed({}, {page: 1}) == Path("templates/a.html")
    watched = {path.suffix for path in reloading._state()}
    assert {".py", ".html", ".css", ".js"} <= watched


@pytest.mark.long
def test_a_server_restarts_when_a_file_changes_and_survives_a_broken_one(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    health = folder / "ikawaari" / "hosted" / "health.py"
    good = health.read_text()
    with serve({}, 1, 2, "--demo", "--reload", folder=folder) as served:
        assert status_of(served.url) == "ok"
        health.write_text("def broken(\n")
        wait_for(lambda: status_of(served.url) is None)
        health.write_text(good.replace('"status": "ok"', '"status": "better"'))
        wait_for(lambda: status_of(served.url) == "better")
        assert "ikawaari/hosted/health.py has changed: restarting" in served.log_text()


def status_of(url: str) -> str | None:
    """What /healthz says; None: nobody is there."""
    try:
        return str(requests.get(f"{url}/healthz", timeout=5).json()["status"])
    except requests.RequestException:
        return None


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
