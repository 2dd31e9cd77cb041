"""Logs: nothing in them opens anything or names anybody, and one that cannot be written costs no answer."""

import fcntl
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import structlog

import ikawaari
from ikawaari import logs
from ikawaari.config import Config
from tests import warm
from tests.conftest import disconnect
from tests.merchant_api.calls import HOME

LOG: Any = structlog.get_logger()
SESSION = "cs_8dK2mQx7RtVb4nYc1LzWp5SgHfA"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"/{SESSION}/pay", "/cs_…/pay"),
        ("/r/" + "aB3_-xYz" * 8 + "?lang=fr", "/r/…?lang=fr"),
        (f"Key (id)=({SESSION}) already exists", "Key (id)=(cs_…) already exists"),
        ("Bearer ik_live_8dK2mQx7RtVb4nYc1", "Bearer ik_live_…"),
        ("ik_app_test_8dK2mQx7", "ik_app_test_…"),
        ("whsec_8dK2mQx7 and tok_4242", "whsec_… and tok_…"),
        ("ctoken_8dK2mQx7 and sk_live_8dK2mQx7", "ctoken_… and sk_live_…"),
        (
            "&payment_intent_client_secret=pi_8dK2mQx7_secret_Vb4nYc1&",
            "&payment_intent_client_secret=pi_8dK2mQx7_secret_…&",
        ),
        ("/sandbox/8dK2mQx7?x=1", "/sandbox/…?x=1"),
        ("(phone)=(+221771234567)", "(phone)=(…)"),
        ("dial 77 123 45 67 89 now", "dial … now"),
        ("of 32cc8497-6455-4639-8577-2eaf63d50c2b, 27632066-9734-41b8-8e2e-56a54444b519", None),
        ("2026-11-26 10:15:00.000001", None),
        ("2026-11-26 221771234567", "2026-11-26 …"),
        ("4242424242424242", "…"),
        ("4242-4242-4242-4242", "…"),
        ("awa.diop@example.sn", "…"),
        ("postgresql://ikawaari:hunter2@db:5432/x", "postgresql://ikawaari:…@db:5432/x"),
        ("pi_8dK2mQx7 of 5000 XOF, 99999999 more", None),
    ],
)
def test_what_opens_something_or_names_somebody_is_masked(text: str, masked: str | None) -> None:
    assert logs.masked(text) == (text if masked is None else masked)


def test_the_text_of_an_exception_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Config())
    try:
        raise ValueError(f"DETAIL: Key (id, email)=({SESSION}, awa@example.sn)")
    except ValueError:
        LOG.exception("unexpected_error", path=f"/{SESSION}")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["path"]) == ("unexpected_error", "/cs_…")
    assert "Traceback" in line["exception"]
    assert SESSION not in str(line)
    assert "awa" not in str(line)


def test_a_number_without_its_countrys_code_is_masked_in_a_trace_and_an_id_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(Config())
    attempt_id = "27632066-9734-41b8-8e2e-56a54444b519"
    try:
        raise ValueError(f"no wallet: 771234567, 70 12 34 56, 70.12.34.56; 5000 XOF on 2026-11-26 for {attempt_id}")
    except ValueError:
        LOG.exception("unexpected_error", attempt_id=attempt_id, amount=10_000_000)
    line = json.loads(capsys.readouterr().err)
    assert f"no wallet: …, …, …; 5000 XOF on 2026-11-26 for {attempt_id}" in line["exception"]
    assert (line["attempt_id"], line["amount"]) == (attempt_id, 10_000_000)


def test_a_number_without_its_countrys_code_is_masked_in_a_providers_words(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Config())
    LOG.error("provider_status_unknown", provider="mtn", status="NO_WALLET 77 123 45 67", details="received 10000000")
    LOG.error("cinetpay_status_unknown", code="70123456", word="5000")
    words, code = map(json.loads, capsys.readouterr().err.splitlines())
    assert (words["status"], words["details"]) == ("NO_WALLET …", "received 10000000")
    assert (code["code"], code["word"]) == ("…", "5000")


def test_a_secret_that_no_pattern_knows_is_hidden_in_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Config())
    logs.hide(["", "short", "short and more"])
    try:
        raise ValueError("refused: short and more, short")
    except ValueError:
        LOG.exception("unexpected_error")
    finally:
        logs.hide([])
    assert "ValueError: refused: …, …" in json.loads(capsys.readouterr().err)["exception"].splitlines()


# ---------------------------------------------------------------- what a line belongs to


def test_a_line_says_to_which_request_or_work_and_attempt_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Config())
    logs.begin(request_id="req_1")
    LOG.info("before")
    logs.ATTEMPT_ID.set("attempt 1")
    LOG.info("paying")
    logs.begin(work="attempt.enquire")
    LOG.info("later")
    logs.begin()
    LOG.info("nothing")
    before, paying, later, nothing = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (before["request_id"], before.get("attempt_id"), before.get("work")) == ("req_1", None, None)
    assert (paying["request_id"], paying["attempt_id"]) == ("req_1", "attempt 1")
    assert (later["work"], later.get("request_id"), later.get("attempt_id")) == ("attempt.enquire", None, None)
    assert not {"request_id", "attempt_id", "work"} & set(nothing)


def test_threads_do_not_mix_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Config())
    gate = threading.Barrier(8)

    def answer(number: int) -> None:
        logs.begin(request_id=f"req_{number}")
        gate.wait()
        logs.ATTEMPT_ID.set(f"attempt {number}")
        gate.wait()
        LOG.info("paying", number=number)

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == 8
    for line in lines:
        assert (line["request_id"], line["attempt_id"]) == (f"req_{line['number']}", f"attempt {line['number']}")


def test_what_a_library_says_is_a_line_of_ours_and_masked(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Config())
    logs.configure(Config())  # again: it is still one line
    logs.hide(["of no pattern"])
    library = logging.getLogger("a.library")
    try:
        library.warning("retry of /pay?phone=%s for %s, of no pattern", "+221771234567", "awa@example.sn")
        misfit = logging.LogRecord("a.library", logging.WARNING, "", 0, "%d arguments that do not fit", ("no",), None)
        logs.Foreign().handle(misfit)  # not by the logger: pytest's own handler raises
        library.info("too much detail")
    finally:
        logs.hide([])
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{"))
    assert (first["event"], first["level"]) == ("retry of /pay?phone=… for …, …", "warning")
    assert (first["logger"], second["event"]) == ("a.library", "%d arguments that do not fit")


def test_warnings_and_threads_that_fail_are_logged_too(tmp_path: Path) -> None:
    ended = warm.run("tests.failing", [], {**os.environ, "IKAWAARI_DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3"})
    warned, thread, process = (json.loads(line) for line in ended.stderr.splitlines())
    assert (warned["logger"], "…" in warned["event"], "221771234567" in ended.stderr) == ("py.warnings", True, False)
    assert (thread["event"], process["event"]) == ("thread_failed", "process_failed")
    assert "ValueError: to …" in thread["exception"]
    assert "ValueError: to …" in process["exception"]


def test_masking_is_linear() -> None:
    started = time.process_time()
    for text in ("1" * 200_000, "a" * 200_000, "1 " * 100_000, "a@" * 100_000, "://a:" * 40_000, "cs_" * 60_000):
        logs.masked(text)
    assert time.process_time() - started < 5


# ---------------------------------------------------------------- nowhere to write


def full() -> Any:
    """A disk without room."""
    return open("/dev/full", "w")


def closed() -> Any:
    """A file that was closed."""
    with open("/dev/null", "w") as file:
        return file


def broken() -> Any:
    """A pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def stuck() -> Any:
    """A pipe whose reader has stopped."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4_096)
    os.write(writer, b"x" * 4_096)
    STUCK.append(reader)
    return os.fdopen(writer, "w")


STUCK: list[int] = []
NOWHERE: dict[str, Any] = {"full": full, "closed": closed, "broken": broken, "stuck": stuck, "none": lambda: None}


@pytest.fixture(params=NOWHERE)
def lose_stderr(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Let what is written to the standard error go nowhere from now on."""
    nowhere = NOWHERE[request.param]()
    yield lambda: monkeypatch.setattr(sys, "stderr", nowhere)
    monkeypatch.undo()
    while STUCK:
        os.close(STUCK.pop())
    if nowhere is not None:
        nowhere.close()


def test_a_line_that_cannot_be_written_is_dropped_and_counted(lose_stderr: Callable[[], None]) -> None:
    before = logs.WRITER.dropped
    logs.configure(Config())
    lose_stderr()
    for _ in range(2):
        LOG.error("something", text="x" * 10_000)
    assert logs.WRITER.dropped == before + 2


def test_an_answer_stays_what_it_is_when_the_log_cannot_be_written(lose_stderr: Callable[[], None]) -> None:
    before = logs.WRITER.dropped
    client = ikawaari.create_app(Config(database_url="postgresql://nobody@127.0.0.1:1/none", **HOME)).test_client()
    lose_stderr()
    answer = client.get(f"/api/checkout/{SESSION}")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "IKW-SYS-002")  # type: ignore[index]
    assert logs.WRITER.dropped > before
    disconnect()


def test_a_line_that_a_pipe_cannot_take_at_once_is_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe, os.fdopen(reader) as end:
        monkeypatch.setattr(sys, "stderr", pipe)
        logs.WRITER.msg("é" * 20_000)
        monkeypatch.undo()
        assert end.readline() == "é" * 20_000 + "\n"


def test_no_line_of_another_process_gets_into_a_line_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, lines = tmp_path / "log", {letter * 50_000 for letter in "abcd"}
    with log.open("a") as file, ThreadPoolExecutor(len(lines)) as processes:
        monkeypatch.setattr(sys, "stderr", file)
        writers = [(logs.LogWriter(), line) for line in lines for _ in range(20)]  # each with a lock of its own
        list(processes.map(lambda one: one[0].msg(one[1]), writers))
        monkeypatch.undo()
    assert set(log.read_text().splitlines()) == lines
