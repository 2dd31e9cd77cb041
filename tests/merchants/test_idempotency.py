"""Idempotency keys: one call runs, its answer is kept, and a killed one is taken over."""

from datetime import timedelta
from typing import Any

import pytest

from ikawaari import clock
from ikawaari.errors import Conflict
from ikawaari.merchants import credentials, idempotency
from ikawaari.merchants.idempotency import Answer, Claim
from ikawaari.store.models import Merchant
from tests import factories
from tests.world import World, names, together

ANSWER = Answer(201, {"Content-Type": "application/json", "Location": "/é"}, '{"b": 1,  "a": "é"}\n')


def claim(merchant: Merchant, *, livemode: bool = False, **changes: Any) -> Claim | Answer:
    """Ask to run a call."""
    text = factories.credential(merchant, livemode=livemode)
    caller = credentials.authenticate(text, "", clock.now())
    call: dict[str, Any] = {
        "method": "POST",
        "path": "/p",
        "key": "k",
        "body_digest": "d",
        "now": clock.now(),
    } | changes
    return idempotency.claim(caller, **call)


def won(merchant: Merchant, **changes: Any) -> Claim:
    """The claim, which must be given."""
    mine = claim(merchant, **changes)
    assert isinstance(mine, Claim)
    return mine


def test_the_first_answer_comes_again_byte_for_byte(world: World) -> None:
    idempotency.keep(won(world.merchant), ANSWER)
    assert [claim(world.merchant) for _ in range(3)] == [ANSWER] * 3


def test_the_same_key_with_another_body_is_a_conflict(world: World) -> None:
    mine = won(world.merchant)
    with pytest.raises(Conflict, match="IKW-REQ-007"):
        claim(world.merchant, body_digest="other")
    idempotency.keep(mine, ANSWER)
    with pytest.raises(Conflict, match="IKW-REQ-007"):
        claim(world.merchant, body_digest="other")


def test_while_the_first_call_runs_the_others_are_told_to_wait(world: World) -> None:
    won(world.merchant)
    with pytest.raises(Conflict, match="IKW-REQ-008") as refusal:
        claim(world.merchant)
    assert (refusal.value.retryable, refusal.value.retry_after_seconds) == (True, 1)


def test_of_equal_calls_at_once_one_runs(world: World) -> None:
    results = together(8, lambda _: type(claim(world.merchant)).__name__)
    assert names(results) == {"Claim": 1, "Conflict": 7}


def test_a_key_is_of_one_merchant_mode_method_and_path(world: World) -> None:
    won(world.merchant)
    won(factories.merchant())
    won(world.merchant, livemode=True)
    won(world.merchant, method="PUT")
    won(world.merchant, path="/q")
    won(world.merchant, key="K")


def test_a_released_key_may_run_again_with_any_body(world: World) -> None:
    idempotency.release(won(world.merchant))
    won(world.merchant, body_digest="other")


def test_a_killed_call_is_taken_over_by_one(world: World) -> None:
    won(world.merchant)
    world.later(59)
    with pytest.raises(Conflict):
        claim(world.merchant)
    world.later(1)
    results = together(8, lambda _: type(claim(world.merchant)).__name__)
    assert names(results) == {"Claim": 1, "Conflict": 7}


def test_a_call_that_was_taken_for_dead_can_neither_answer_nor_release(world: World) -> None:
    slow = won(world.merchant)
    world.later(61)
    quick = won(world.merchant)
    with pytest.raises(Conflict):
        idempotency.keep(slow, ANSWER)
    idempotency.release(slow)
    idempotency.keep(quick, ANSWER)
    assert claim(world.merchant) == ANSWER


def test_keys_are_kept_for_a_day(world: World) -> None:
    idempotency.keep(won(world.merchant), ANSWER)
    idempotency.forget(world.now + timedelta(hours=24, seconds=1))
    assert claim(world.merchant) == ANSWER
    idempotency.forget(world.now + timedelta(hours=26))
    won(world.merchant)
