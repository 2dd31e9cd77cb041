"""The sandbox's ledger is brought up to date in place, and keeps a charge together with what comes of it at once."""

import json
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from ikawaari import clock
from ikawaari.providers.sandbox import ledger, world
from ikawaari.providers.sandbox.ledger import Charge, OutgoingCallback
from ikawaari.providers.sandbox.script import Ending

_OWN = {"id", "reference", "charge_id", "event_id"}  # what each charge, and each callback, has of its own


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.postgres
def test_an_older_ledger_learns_to_keep_long_addresses(database: None) -> None:
    ledger.database.execute_sql("ALTER TABLE sandbox_charges ALTER COLUMN return_url TYPE VARCHAR(255)")
    for _ in range(2):
        ledger.prepare()
        types = {column.name: column.data_type for column in ledger.database.get_columns("sandbox_charges")}
        assert (types["return_url"], types["merchant"]) == ("text", "character varying")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("ending", "late"), list(product(Ending, [timedelta(0), timedelta(minutes=10)])))
def test_what_a_payer_does_at_once_is_what_it_would_do_later(ending: Ending, late: timedelta) -> None:
    """Whether it is stored with the charge, or afterwards."""
    begun = clock.now()
    for number, (takes_half, noisy, calls_back) in enumerate(product([False, True], repeat=3)):
        at_once, later = [
            _charge(f"{name}{number}", ending, begun, takes_half=takes_half, noisy=noisy, calls_back=calls_back)
            for name in ("once", "later")
        ]
        now = begun + late
        callbacks = world.play(at_once, now)
        assert ledger.insert(at_once)
        world.queue(callbacks)
        assert ledger.insert(later)
        world.advance(later, now)
        assert _stored(at_once) == _stored(later)
        assert _told(at_once) == _told(later)


@pytest.mark.usefixtures("database")
def test_a_charge_of_one_id_is_stored_once() -> None:
    assert ledger.insert(_charge("first", Ending.SUCCEEDS, clock.now()))
    again = _charge("first", Ending.SUCCEEDS, clock.now())
    again.amount = 7
    assert not ledger.insert(again)
    assert Charge.get_by_id("first").amount == 5001


def _charge(number: str, ending: Ending, now: datetime, **columns: Any) -> Charge:
    return Charge(
        id=number,
        reference=f"sbx_{number}",
        intent_id="pi_1",
        amount=5001,
        currency="XOF",
        status="pending",
        failure="insufficient_funds",
        ending=ending,
        flow="ussd_push",
        kind="wallet",
        refunds=None,
        return_url="https://shop.example/",
        merchant="Baobab",
        created_at=now,
        acts_at=now,
        deadline_at=now + timedelta(minutes=5),
        **columns,
    )


def _stored(charge: Charge) -> dict[str, Any]:
    row = Charge.get_by_id(charge.id).__data__
    assert row == charge.__data__
    return {name: value for name, value in row.items() if name not in _OWN | {"created_at", "acts_at", "deadline_at"}}


def _told(charge: Charge) -> list[tuple[dict[str, Any], timedelta]]:
    found = [(json.loads(row.body), row.due_at) for row in OutgoingCallback.select().order_by(OutgoingCallback.id)]
    return [
        ({name: value for name, value in body.items() if name not in _OWN}, due_at - charge.created_at)
        for body, due_at in found
        if body["charge_id"] == charge.id
    ]
