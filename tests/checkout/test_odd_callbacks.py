"""A provider's callback is taken in once, whatever its words."""

import json

import pytest

from ikawaari.checkout import callbacks
from ikawaari.providers import registry
from ikawaari.providers.sandbox import Sandbox
from ikawaari.providers.sandbox.provider import SIGNATURE_HEADER
from ikawaari.store.models import Callback
from tests.world import World, fresh, latest, message_of


@pytest.mark.parametrize("event_id", ["a\x00b", "e" * 5_000, "\ud800", "\x1b"], ids=ascii)
@pytest.mark.parametrize("stranger", [False, True], ids=["known", "unknown"])
def test_a_callback_with_odd_words_is_taken_in_once(world: World, event_id: str, stranger: bool) -> None:
    session = world.session()
    world.pay(session, "011")
    attempt = latest(session)
    sandbox = registry.named("sandbox")
    assert isinstance(sandbox, Sandbox)
    told = {
        "event_id": event_id,
        "charge_id": "x\x00" * 400 if stranger else attempt.id,
        "reference": "r",
        "status": "succeeded",
    }
    body = json.dumps(told | {"amount": 5_000, "currency": "XOF", "failure": None}).encode() + b" "
    headers = [(SIGNATURE_HEADER, sandbox.sign(body, world.now))]
    message = message_of(body, headers)
    for _ in range(2):
        callbacks.receive("sandbox", message, world.now)
    assert Callback.select().count() == (0 if stranger else 1)  # a stranger's news must not count as seen
    assert (fresh(session).payment_status == "paid") != stranger
