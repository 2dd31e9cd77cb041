"""`kill -9` at every step of a payment: nothing is charged twice, nothing is lost, and the payer can go on."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import Event
from tests.chaos import shop as shops
from tests.chaos.killing import DIE_AT, DIED_FILE
from tests.chaos.shop import AMOUNT, Shop, at_work, card, kind, mismatches, pay, unfinished, wait_until, wallet
from tests.serving import Served, serve, work

UNSETTLED, PAID = "409 IKW-RES-003", "409 IKW-RES-004"
KILLING = "tests.chaos.killing"
FURTHER = pytest.mark.long  # in test_live_kill.py real providers stand in for them on every commit
NEVER = "600"  # seconds: an enquiry that comes too late for any test


@pytest.mark.long(engine="sqlite")  # on SQLite a process dies at every single statement: tests/checkout/test_crashes.py
@pytest.mark.parametrize(
    ("step", "method", "second_try"),
    [
        ("claiming", card(), "200"),  # nothing was stored: the second try is the first
        pytest.param("before the charge", card(), UNSETTLED, marks=FURTHER),
        pytest.param("the charge is known", wallet(), UNSETTLED, marks=FURTHER),
        ("the money is taken", card(), UNSETTLED),
        pytest.param("the money is taken", wallet("004"), UNSETTLED, marks=FURTHER),
        pytest.param("before the answer is applied", wallet("005"), UNSETTLED, marks=FURTHER),
        ("applying a success", card(), UNSETTLED),
        pytest.param("applying a failure", card("tok_test_declined"), UNSETTLED, marks=FURTHER),
        ("the answer is applied", card(), PAID),
        pytest.param("the answer is applied", card("tok_test_declined"), "200", marks=FURTHER),
    ],
)
def test_a_server_killed_at_any_step_of_a_payment_neither_loses_nor_repeats_it(
    *, step: str, method: dict[str, Any], second_try: str, shop: Shop, database_url: str, tmp_path: Path
) -> None:
    with dying(step, tmp_path, settings(database_url), "--no-worker") as served:
        session = shop.opened(served)
        press_until_death(served, session, method)
        assert kind(pay(served, session, card())) == second_try
        with at_work(served):
            finish(shop, served, session)


@pytest.mark.parametrize(
    ("step", "settled_without_the_payer"), [("before the code is sent", False), ("the code is sent", True)]
)
def test_a_server_killed_while_a_code_is_sent_takes_the_money_once(
    step: str, settled_without_the_payer: bool, shop: Shop, database_url: str, tmp_path: Path
) -> None:
    with dying(step, tmp_path, settings(database_url, sandbox_prompt_seconds="30"), "--no-worker") as served:
        session = shop.opened(served)
        assert pay(served, session, wallet("009")).json()["next_action"]["type"] == "mobile_money_otp"
        press_until_death(served, session, wallet("009", otp="123456"))
        assert kind(pay(served, session, wallet("009", otp="123456"))) == UNSETTLED
        with at_work(served):
            if not settled_without_the_payer:
                wait_until(partial(awaits_code, served, session), "the payer is asked for the code again")
                assert pay(served, session, wallet("009", otp="123456")).status_code == 200
            finish(shop, served, session)


@pytest.mark.parametrize("step", ["a callback arrives", "a callback is verified", "a callback is applied"])
def test_a_callback_cut_off_by_a_kill_comes_again_and_is_applied_once(
    step: str, shop: Shop, database_url: str, tmp_path: Path
) -> None:
    with dying(step, tmp_path, shops.environment(database_url, enquiry_seconds=NEVER)) as served:
        session = shop.opened(served)
        press_until_death(served, session, wallet())
        finish(shop, served, session)


def test_an_enquiry_cut_off_by_a_kill_is_made_again(shop: Shop, database_url: str, tmp_path: Path) -> None:
    with dying("an enquiry is answered", tmp_path, settings(database_url)) as served:
        session = shop.opened(served)
        press_until_death(served, session, wallet("004"))
        finish(shop, served, session)


@pytest.mark.long(engine="sqlite")  # on SQLite a process dies at every single statement: tests/checkout/test_crashes.py
@pytest.mark.parametrize(
    "step",
    [
        pytest.param("before the refund", marks=FURTHER),
        "the refund is given",
        "applying a refund",
        pytest.param("the refund is applied", marks=FURTHER),
    ],
)
def test_money_on_its_way_back_through_a_kill_goes_back_once(
    step: str, shop: Shop, database_url: str, tmp_path: Path
) -> None:
    with dying(step, tmp_path, settings(database_url)) as served:
        session = shop.opened(served)
        press_until_death(served, session, wallet("012"))
        finish(shop, served, session)
        assert sorted(entry["refunded"] for entry in ledger.entries()) == [0, AMOUNT // 2]


@pytest.mark.long(engine="sqlite")  # on SQLite a process dies at every single statement: tests/checkout/test_crashes.py
@pytest.mark.parametrize(
    ("step", "method"),
    [
        ("an enquiry is answered", wallet("004")),
        ("applying a success", wallet("004")),
        ("the refund is given", wallet("012")),
    ],
)
def test_a_killed_worker_leaves_its_work_to_the_next_one(
    step: str, method: dict[str, Any], shop: Shop, database_url: str, tmp_path: Path
) -> None:
    traps = {DIE_AT: step, DIED_FILE: str(tmp_path / "died")}
    with serve(settings(database_url) | traps, 1, 4, "--no-worker") as served:
        session = shop.opened(served)
        assert pay(served, session, method).status_code == 200
        with work(served, KILLING) as doomed:
            doomed.wait(shops.PATIENCE_SECONDS)
        with work(served):
            finish(shop, served, session)


def settings(database_url: str, **chosen: str) -> dict[str, str]:
    """A server's settings: soon after a kill, a charge that never arrived has failed, a dead one's lease is over."""
    return shops.environment(database_url, **{"charge_timeout_seconds": "1.5"} | chosen)


@contextmanager
def dying(step: str, folder: Path, environment: dict[str, str], *options: str) -> Iterator[Served]:
    """A server that dies at `step`, once; started again it is the program as it is."""
    traps = {DIE_AT: step, DIED_FILE: str(folder / "died")}
    with serve(environment | traps, 1, 4, *options, module=KILLING) as served:
        yield served
        assert "Traceback" not in served.log_text(), served.log_text()


def press_until_death(served: Served, session_id: str, method: dict[str, Any]) -> None:
    """Press the button, wait for the server to die of it, and start it again."""
    with suppress(requests.ConnectionError):
        pay(served, session_id, method)
    served.wait_for_death()
    served.module = "ikawaari"
    served.start()


def finish(shop: Shop, served: Served, session_id: str) -> None:
    """Wait for the enquiry; pay again if that payment failed; then the money was taken once and everybody agrees."""
    while shop.settled(served, session_id)["payment_status"] == "unpaid":
        assert pay(served, session_id, card()).status_code == 200
    wait_until(lambda: not unfinished(), "nothing is under way")
    session = shop.retrieve(served, session_id)
    entries = list(ledger.entries())
    assert [session["status"], session["payment_status"]] == ["complete", "paid"]
    assert [attempt["status"] for attempt in session["attempts"]].count("succeeded") == 1
    assert sum(entry["amount"] - entry["refunded"] for entry in entries) == AMOUNT
    assert mismatches(entries) == []
    assert Event.select().where(Event.type == "checkout.session.completed").count() == 1


def awaits_code(served: Served, session_id: str) -> bool:
    """Whether the page asks for a code."""
    view = requests.get(f"{served.url}/api/checkout/{session_id}", timeout=10).json()
    return (view["next_action"] or {}).get("type") == "mobile_money_otp"
