"""Idempotency keys: one call runs, its answer is kept, and a killed one is taken over."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import timedelta
from typing import Any

import pytest

from ikawaari import clock, store
from ikawaari.errors import Conflict
from ikawaari.merchants import credentials, idempotency
from ikawaari.merchants.idempotency import Answer, Call, Claim
from ikawaari.store.models import IdempotencyKey, Merchant
from tests import factories
from tests.world import World, names, together

pytestmark = pytest.mark.on_both

ANSWER = Answer(201, {"Content-Type": "application/json", "Location": "/é"}, '{"b": 1,  "a": "é"}\n')


def claim(merchant: Merchant, *, livemode: bool = False, **changes: Any) -> Claim | Answer:
    """Ask to run a call."""
    text = factories.credential(merchant, livemode=livemode)
    caller = credentials.authenticate(text, "", clock.now())
    now = changes.pop("now", clock.now())
    said = {"method": "POST", "path": "/p", "key": "k", "body_digest": "d"} | changes
    return idempotency.claim(Call(caller, **said), now)


def won(merchant: Merchant, **changes: Any) -> Claim:
    """The claim, which must be given."""
    mine = claim(merchant, **changes)
    assert isinstance(mine, Claim)
    return mine


def test_the_first_answer_comes_again_byte_for_byte(world: World) -> None:
    idempotency.finish(won(world.merchant), ANSWER)
    assert [claim(world.merchant) for _ in range(3)] == [ANSWER] * 3


def test_the_same_key_with_another_body_is_a_conflict(world: World) -> None:
    idempotency.finish(won(world.merchant), ANSWER)
    with pytest.raises(Conflict, match="IKW-REQ-007"):
        claim(world.merchant, body_digest="other")


@pytest.mark.parametrize("body_digest", ["d", "other"])
@pytest.mark.parametrize(("age", "wait"), [(0, 1), (1.9, 1), (2, 28), (2.5, 28), (10, 20), (29.5, 1)])
def test_while_the_first_call_runs_the_others_are_told_how_long_to_wait(
    world: World, age: float, wait: int, body_digest: str
) -> None:
    won(world.merchant)
    world.later(age)
    with pytest.raises(Conflict, match="IKW-REQ-008") as refusal:
        claim(world.merchant, body_digest=body_digest)
    assert (refusal.value.retryable, refusal.value.retry_after_seconds) == (True, wait)


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
    mine = won(world.merchant, body_digest="other")
    assert (mine.subject, mine.is_corrected) == (None, False)


@pytest.mark.parametrize(("body_digest", "is_corrected"), [("d", False), ("other", True)])
def test_what_was_stored_before_a_release_stays_with_the_key(
    world: World, body_digest: str, is_corrected: bool
) -> None:
    mine = won(world.merchant)
    idempotency.remember(mine, "pi_1")
    idempotency.release(mine)
    next_one = won(world.merchant, body_digest=body_digest)
    assert (next_one.subject, next_one.is_corrected) == ("pi_1", is_corrected)


def test_a_correction_that_stored_nothing_leaves_the_first_body_with_the_key(world: World) -> None:
    mine = won(world.merchant)
    idempotency.remember(mine, "pi_1")
    idempotency.release(mine)
    idempotency.release(won(world.merchant, body_digest="refused"))
    again = won(world.merchant)
    assert (again.subject, again.is_corrected) == ("pi_1", False)


def test_a_call_that_was_taken_for_dead_stores_nothing_any_more(world: World) -> None:
    slow = won(world.merchant)
    world.later(30)
    won(world.merchant)
    with pytest.raises(Conflict):
        idempotency.remember(slow, "pi_1")


def test_a_killed_call_is_taken_over_by_one(world: World) -> None:
    won(world.merchant)
    world.later(29)
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
        idempotency.finish(slow, ANSWER)
    idempotency.release(slow)
    idempotency.finish(quick, ANSWER)
    assert claim(world.merchant) == ANSWER


def test_keys_are_kept_for_a_day(world: World) -> None:
    idempotency.finish(won(world.merchant), ANSWER)
    idempotency.forget_calls(world.now + timedelta(hours=24, seconds=1))
    assert claim(world.merchant) == ANSWER
    idempotency.forget_calls(world.now + timedelta(hours=26))
    won(world.merchant)


def test_the_day_begins_when_the_call_runs_that_answers(world: World) -> None:
    first = won(world.merchant)
    idempotency.remember(first, "pi_1")
    idempotency.release(first)
    world.later(20 * 3600)
    idempotency.finish(won(world.merchant), ANSWER)
    idempotency.forget_calls(world.now + timedelta(hours=24))
    assert claim(world.merchant) == ANSWER


# ---------------------------------------------------------------- calls that use nothing but the database


def call_of(merchant: Merchant, **changes: Any) -> Call:
    """A call of the merchant, of which `claim` would claim the key."""
    said: dict[str, Any] = {"method": "POST", "path": "/p", "key": "k", "body_digest": "d"} | changes
    return Call(credentials.authenticate(factories.credential(merchant), "", clock.now()), **said)


def run(call: Call) -> bool:
    """Run the call. Whether its answer was stored."""
    now = clock.now()
    with idempotency.alone(call, now) as known:
        assert known is None
        idempotency.keep(call, known, ANSWER, now)
    return True


def test_the_answer_of_a_call_that_ran_alone_comes_again(world: World) -> None:
    assert run(call_of(world.merchant))
    with idempotency.alone(call_of(world.merchant), clock.now()) as known:
        assert known == ANSWER
    assert claim(world.merchant) == ANSWER
    with pytest.raises(Conflict), idempotency.alone(call_of(world.merchant, body_digest="other"), clock.now()):
        raise AssertionError("another body is another call")


def test_a_call_that_fails_leaves_its_key(world: World) -> None:
    with suppress(ZeroDivisionError), idempotency.alone(call_of(world.merchant), clock.now()):
        idempotency.keep(call_of(world.merchant), None, ANSWER, clock.now())
        raise ZeroDivisionError
    assert IdempotencyKey.select().count() == 0
    assert run(call_of(world.merchant))


def test_of_two_equal_calls_the_later_one_is_told_so(world: World, engine: str) -> None:
    """PostgreSQL notices it at the beginning, and SQLite, where nobody has a turn yet, at the end."""
    call, now = call_of(world.merchant), clock.now()
    too_late = pytest.raises(store.IntegrityError) if engine == "sqlite" else nullcontext()
    with ThreadPoolExecutor(1) as elsewhere, too_late, idempotency.alone(call, now):
        faster = elsewhere.submit(run, call)
        if engine == "sqlite":
            assert faster.result()
        else:
            with pytest.raises(Conflict) as told:
                faster.result()
            assert (told.value.code, told.value.retry_after_seconds) == ("IKW-REQ-008", 1)
        idempotency.keep(call, None, ANSWER, now)
    assert (idempotency.answer_of(call, now), IdempotencyKey.select().count()) == (ANSWER, 1)


def run_first(call: Call) -> None:
    """Run the call without looking up its key."""
    with store.atomic():
        idempotency.keep(call, None, ANSWER, clock.now())


def test_a_call_that_does_not_look_up_its_key_is_told_at_its_end_that_it_is_known(world: World) -> None:
    run_first(call_of(world.merchant))
    with pytest.raises(store.IntegrityError):
        run_first(call_of(world.merchant))
    assert (idempotency.answer_of(call_of(world.merchant), clock.now()), IdempotencyKey.select().count()) == (ANSWER, 1)


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_call_that_does_not_look_up_its_key_does_not_wait_for_an_equal_one_that_runs(world: World) -> None:
    """On SQLite it does, because there is one writer at a time."""
    call = call_of(world.merchant)
    with ThreadPoolExecutor(1) as elsewhere, store.atomic():
        idempotency.keep(call, None, ANSWER, clock.now())
        store.flush()
        with pytest.raises(store.IntegrityError):
            elsewhere.submit(run_first, call).result()
    assert IdempotencyKey.select().count() == 1


def test_a_call_of_an_older_version_that_was_killed_is_run_again(world: World) -> None:
    earlier = won(world.merchant)
    late, call = clock.now() + timedelta(seconds=31), call_of(world.merchant)
    with pytest.raises(Conflict), idempotency.alone(call, clock.now()):
        raise AssertionError("its lock still holds")
    with idempotency.alone(call, late) as mine:
        assert isinstance(mine, Claim)
        assert mine.row_id == earlier.row_id
        idempotency.keep(call, mine, ANSWER, late)
    assert claim(world.merchant) == ANSWER
    with pytest.raises(Conflict):
        idempotency.finish(earlier, ANSWER)
