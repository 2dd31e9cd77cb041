"""Short codes that lead a second device to a page: how they are read, how long they live, who may guess them."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from ikawaari import pruning
from ikawaari.checkout import devices
from ikawaari.errors import TooManyRequests
from ikawaari.store.models import DeviceCode
from tests import factories
from tests.world import World, together

WRONG = "22222222"


def guess(world: World, client: str = "a") -> str | None:
    return devices.session_of(WRONG, client, world.now)


def refused(results: list[Any]) -> int:
    return sum(isinstance(result, TooManyRequests) for result in results)


@pytest.mark.on_postgres
def test_a_code_leads_to_its_session_for_ten_minutes(world: World) -> None:
    session = factories.session(world.merchant, now=world.now)
    code = devices.new_code(session.id, world.now)
    assert devices.session_of(code, "a", world.now) == session.id
    world.later(599)
    assert devices.session_of(code, "a", world.now) == session.id
    world.later(1)
    assert devices.session_of(code, "a", world.now) is None


def test_a_code_is_eight_signs_that_nobody_takes_for_one_another(world: World) -> None:
    session = factories.session(world.merchant, now=world.now)
    codes = {devices.new_code(session.id, world.now) for _ in range(40)}
    assert len(codes) == 40
    assert {len(code) for code in codes} == {8}
    assert len(set(devices.ALPHABET)) == 31
    assert not set("0O1IL") & set(devices.ALPHABET)
    assert set("".join(codes)) <= set(devices.ALPHABET)


@pytest.mark.parametrize("typed", ["K7M4-4Q2X", " k7m4 4q2x\n", "k7m4\u20134q2x", "K7M44Q2X"])
def test_a_code_is_read_in_any_case_with_or_without_its_dash(typed: str) -> None:
    assert devices.read(typed) == "K7M44Q2X"


@pytest.mark.parametrize("short", ["", "K7M4-4Q2", "K7M4-4Q2XX", "K7M4-4Q20", "K7M4-4Q2I", "K7M4_4Q2X", "\uff2b" * 8])
def test_what_cannot_be_a_code_is_none(short: str) -> None:
    assert devices.read(short) is None


def test_the_database_alone_does_not_tell_a_code(world: World) -> None:
    code = devices.new_code(factories.session(world.merchant, now=world.now).id, world.now)
    assert code not in str(DeviceCode.get().__data__)


def test_several_pages_of_a_session_show_codes_and_the_oldest_ends(world: World) -> None:
    session, other = (factories.session(world.merchant, now=world.now) for _ in range(2))
    kept = devices.new_code(other.id, world.now)
    codes = []
    for _ in range(6):
        codes.append(devices.new_code(session.id, world.now))
        world.later(1)
    found = [devices.session_of(code, "a", world.now) for code in (*codes, kept)]
    assert found == [None, *[session.id] * 5, other.id]


@pytest.mark.on_postgres
def test_two_pages_that_draw_the_same_code_at_once_do_not_share_it(world: World) -> None:
    sessions = [factories.session(world.merchant, now=world.now).id for _ in range(8)]

    def draw_as_the_others() -> Any:
        numbers = count()
        return lambda: f"2222222{devices.ALPHABET[next(numbers)]}"

    codes = together(8, lambda number: devices.new_code(sessions[number], world.now, draw_as_the_others()))
    assert sorted(map(str, codes)) == [f"2222222{sign}" for sign in devices.ALPHABET[:8]]
    assert [devices.session_of(str(code), "a", world.now) for code in codes] == sessions


@pytest.mark.on_postgres
def test_thirty_wrong_codes_pass_in_a_minute_however_many_clients_guess_at_once(world: World) -> None:
    results = together(40, lambda number: guess(world, f"client {number}"))
    assert (refused(results), results.count(None)) == (10, 30)
    session = factories.session(world.merchant, now=world.now)
    code = devices.new_code(session.id, world.now)
    with pytest.raises(TooManyRequests) as caught:
        devices.session_of(code, "nobody has guessed here", world.now)
    world.later(float(caught.value.retry_after_seconds or 0))
    assert devices.session_of(code, "a", world.now) == session.id


@pytest.mark.on_postgres
def test_a_client_that_guesses_uses_up_its_own_ten_and_not_those_of_the_others(world: World) -> None:
    results = together(40, lambda _: guess(world))
    assert (refused(results), results.count(None)) == (30, 10)
    assert [guess(world, f"client {number}") for number in range(20)] == [None] * 20
    with pytest.raises(TooManyRequests):
        guess(world, "one more")


@pytest.mark.on_postgres
def test_right_codes_are_not_counted(world: World) -> None:
    session = factories.session(world.merchant, now=world.now)
    code = devices.new_code(session.id, world.now)
    for _ in range(5):
        assert together(8, lambda _: devices.session_of(code, "a", world.now)) == [session.id] * 8
    assert [guess(world) for _ in range(10)] == [None] * 10


def test_codes_that_have_ended_are_deleted(world: World) -> None:
    session = factories.session(world.merchant, now=world.now)
    devices.new_code(session.id, world.now - timedelta(minutes=11))
    devices.new_code(session.id, world.now)
    pruning.prune("device_codes", world.now)
    assert DeviceCode.select().count() == 1
