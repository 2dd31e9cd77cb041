"""What holds for every provider's answers, whatever is done to them on the way: on each adapter and its simulator.

The rules: what says nothing usable is unknown, an answer about something else is not believed, money is told as the
provider says it, exactly or not at all, and a word that nobody knows ends nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from ikawaari import ids
from ikawaari.providers.callbacks import CallbackRefused
from ikawaari.providers.channel import Channel
from ikawaari.providers.outcomes import Outcome, Result
from ikawaari.providers.provider import Verb
from ikawaari.providers.values import Charge
from ikawaari.simulators.web import Answer, Request
from tests.providers.bench import Bench
from tests.providers.between import Between, Change, between, with_values

AMOUNTS = {"amount", "amount_received"}
NOTHING = [
    *[(status, body) for status in (429, 500, 502, 503, 504) for body in (b"", b"{}", b"<html>")],
    *[(301, b""), (302, b"<html>"), (307, b""), (408, b""), (200, b""), (200, b"<html>"), (200, b"{"), (200, b"[]")],
    *[(200, b"{}"), (200, b'"text"'), (200, b"null")],
]


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def way(bench: Bench) -> Iterator[Between]:
    """The way from the adapter to its simulator."""
    with between(bench.talk.base_url) as way:
        bench.account = bench.account_at(way.base_url)
        yield way


def _is_create(request: Request) -> bool:
    """Whether a request may start something."""
    return request.method == "POST" and not {"token", "login", "check"} & set(request.path.split("/"))


def _is_look_up(request: Request) -> bool:
    return request.method == "GET" or request.path.endswith("/check")


def _answered(status: int, body: bytes) -> Change:
    """Each create is carried out, and answered so."""
    headers = {"Location": "/elsewhere"} if status in (301, 302, 307) else {}
    told = Answer(status, body, "text/html" if b"<" in body else "application/json", headers)
    return lambda request, answer: told if _is_create(request) else answer


def _found(status: int, body: bytes) -> Change:
    """Each look-up is answered so."""
    return lambda request, answer: Answer(status, body) if _is_look_up(request) else answer


def _changed(change: Callable[[str, object], object]) -> Change:
    """Every answer has other values."""
    return lambda _request, answer: replace(answer, body=with_values(answer.body, change))


def _about(mine: str, other: str) -> Change:
    """Every answer is about another one."""
    return lambda _request, answer: replace(answer, body=answer.body.replace(mine.encode(), other.encode()))


def _look_up(bench: Bench, charge: Charge) -> Outcome:
    return bench.provider.lookup(bench.account, charge, bench.now())


# ---------------------------------------------------------------- what says nothing


def test_an_answer_to_a_create_that_says_nothing_is_unknown(bench: Bench, way: Between) -> None:
    found = dict[object, Result]()
    for status, body in NOTHING:
        way.change = _answered(status, body)
        charge = bench.charge()
        found[status, body] = bench.provider.charge(bench.account, charge, bench.now()).result
    assert {said: result for said, result in found.items() if result is not Result.UNKNOWN} == {}
    assert [request.path for request in way.asked if request.path == "/elsewhere"] == []
    assert all((request.header("User-Agent") or "").startswith("ikawaari/") for request in way.asked)


def test_an_answer_to_a_look_up_that_says_nothing_is_unknown(bench: Bench, way: Between) -> None:
    charge, _ = bench.paid()
    found = dict[object, set[Result]]()
    for status, body in NOTHING:
        way.change = _found(status, body)
        forms = (charge, replace(charge, reference=None, provider_data={}))
        found[status, body] = {_look_up(bench, form).result for form in forms}
    assert {said: results for said, results in found.items() if results != {Result.UNKNOWN}} == {}


def test_an_answer_about_a_refund_that_says_nothing_ends_nothing(refunding: Bench, way: Between) -> None:
    charge, _ = refunding.paid()
    asked, found = dict[tuple[int, bytes], Result](), dict[tuple[int, bytes], Result]()
    for status, body in NOTHING:
        order = refunding.refund_of(charge)
        way.change = _answered(status, body)
        asked[status, body] = refunding.provider.refund(refunding.account, order, refunding.now()).result
        way.change = _found(status, body)
        found[status, body] = refunding.provider.lookup_refund(refunding.account, order, refunding.now()).result
    # Wave's answer to a refund that it takes is an empty one.
    assert set(asked.values()) <= {Result.UNKNOWN, Result.PROCESSING}
    assert {said: result for said, result in asked.items() if said[0] != 200 and result is not Result.UNKNOWN} == {}
    assert {said: result for said, result in found.items() if result is not Result.UNKNOWN} == {}


def test_who_was_asked_too_often_says_for_how_long_to_whatever_it_was_asked(bench: Bench, way: Between) -> None:
    charge, _ = bench.paid()
    order, told = bench.refund_of(charge), list[timedelta]()
    channel = Channel(bench.provider, bench.account, told_to_wait=lambda _, wait: told.append(wait))
    calls: dict[str, Callable[[], object]] = {
        "charge": lambda: channel.charge(bench.charge(), bench.now()).result,
        "lookup": lambda: channel.lookup(charge, bench.now()).result,
        "check": lambda: channel.check(bench.now()).is_usable,
    }
    if Verb.REFUND in bench.provider.verbs:
        calls["refund"] = lambda: channel.refund(order, bench.now()).result
        calls["lookup_refund"] = lambda: channel.lookup_refund(order, bench.now()).result
    if channel.cancels:
        calls["cancel"] = lambda: channel.cancel(charge, bench.now()).result
    if Verb.CONDITIONS in bench.provider.verbs:
        calls["conditions"] = lambda: len(channel.conditions(bench.now()))
    way.change = lambda _request, _answer: Answer(429, b"{}", headers={"Retry-After": "7"})
    found = {name: call() for name, call in calls.items()}
    assert {found["charge"], found["lookup"], found.get("cancel", Result.UNKNOWN)} == {Result.UNKNOWN}
    # MTN's refunds need a token of their own: without one nothing was started.
    assert found.get("refund", Result.UNKNOWN) in {Result.UNKNOWN, Result.REFUSED}
    assert found.get("lookup_refund", Result.UNKNOWN) is Result.UNKNOWN
    assert (found["check"], found.get("conditions", 0)) == (False, 0)
    assert (len(told), set(told)) == (len(calls), {timedelta(seconds=7)})


# ---------------------------------------------------------------- about whom


def test_an_answer_about_another_charge_is_not_believed(bench: Bench, way: Between) -> None:
    charge, _ = bench.paid()
    way.change = _about(bench.provider.sent_id(charge.id), bench.provider.sent_id(ids.new_attempt()))
    assert _look_up(bench, charge).result is Result.UNKNOWN
    assert _look_up(bench, replace(charge, reference=None)).result in {Result.UNKNOWN, Result.NOT_FOUND}


def test_an_answer_about_another_refund_is_not_believed(refunding: Bench, way: Between) -> None:
    bench = refunding
    charge, _ = bench.paid()
    order = bench.refund_of(charge)
    outcome = bench.provider.refund(bench.account, order, bench.now())
    bench.settle_refunds()
    known = replace(order, reference=outcome.reference, provider_data=outcome.provider_data or {})
    assert bench.provider.lookup_refund(bench.account, known, bench.now()).result is Result.SUCCEEDED
    mine, another = _about(order.id, ids.new_attempt()), _about(charge.id, ids.new_attempt())
    way.change = lambda request, answer: mine(request, another(request, answer))
    others = {bench.provider.lookup_refund(bench.account, one, bench.now()).result for one in (known, order)}
    assert others <= {Result.UNKNOWN, Result.NOT_FOUND}


# ---------------------------------------------------------------- money


def _is_told(bench: Bench, way: Between, charge: Charge) -> bool:
    """Whether look-ups say what was taken."""
    names = set[str]()

    def note(name: str, value: object) -> object:
        names.add(name)
        return value

    way.change = _changed(note)
    _look_up(bench, charge)
    return bool(AMOUNTS & names)


@pytest.mark.parametrize("more", [0.5, 0.01])
def test_an_amount_that_the_currency_does_not_have_is_not_rounded(bench: Bench, way: Between, more: float) -> None:
    charge, _ = bench.paid()
    if not _is_told(bench, way, charge):
        pytest.skip("its look-ups have no amount")
    tail = str(more)[1:]

    def change(name: str, value: object) -> object:
        if name not in AMOUNTS:
            return value
        return f"{value.partition('.')[0]}{tail}" if isinstance(value, str) else int(str(value)) + more

    way.change = _changed(change)
    assert _look_up(bench, charge).result is Result.UNKNOWN


def test_another_amount_is_told_as_the_provider_says_it(bench: Bench, way: Between) -> None:
    charge, _ = bench.paid()
    if not _is_told(bench, way, charge):
        pytest.skip("its look-ups have no amount")
    way.change = _changed(
        lambda name, value: value if name not in AMOUNTS else "4000" if isinstance(value, str) else 4_000
    )
    found = _look_up(bench, charge)
    assert (found.result, found.money) == (Result.SUCCEEDED, replace(charge.money, amount=4_000))


@pytest.mark.parametrize("zeros", ["", ".0", ".00", ".0000"])
def test_zeros_at_the_end_of_an_amount_change_nothing(bench: Bench, way: Between, zeros: str) -> None:
    charge, _ = bench.paid()

    def change(name: str, value: object) -> object:
        return f"{value.partition('.')[0]}{zeros}" if name in AMOUNTS and isinstance(value, str) else value

    way.change = _changed(change)
    assert _look_up(bench, charge).money == charge.money


@pytest.mark.parametrize("currency", ["CDF", "XXX"])
def test_another_currency_is_never_taken_for_the_charges(bench: Bench, way: Between, currency: str) -> None:
    charge, _ = bench.paid()
    if not _is_told(bench, way, charge):
        pytest.skip("its look-ups have no amount")

    def change(name: str, value: object) -> object:
        is_small = isinstance(value, str) and value.islower()
        return value if name != "currency" else currency.lower() if is_small else currency

    way.change = _changed(change)
    found = _look_up(bench, charge)
    if found.money is None:
        assert found.result is Result.UNKNOWN
    else:
        assert found.money.currency == currency == "CDF"


def test_no_decimals_are_sent_in_francs(bench: Bench, way: Between) -> None:
    bench.provider.charge(bench.account, bench.charge(amount=4_985), bench.now())
    sent = [request.body for request in way.asked if b"4985" in request.body]
    assert sent
    assert not [body for body in sent if b"4985." in body]


# ---------------------------------------------------------------- words


def test_a_status_that_nobody_knows_is_waited_for_and_is_an_error_in_the_log(bench: Bench, way: Between) -> None:
    charge, _ = bench.paid()

    def change(name: str, value: object) -> object:
        if not isinstance(value, str | int) or (name, value) not in bench.success:
            return value
        return "NEWLY_INVENTED" if isinstance(value, str) else 7_777

    way.change = _changed(change)
    with capture_logs() as logged:
        assert _look_up(bench, charge).result is Result.PROCESSING
    assert [one for one in logged if one["log_level"] == "error"]


# ---------------------------------------------------------------- callbacks


def test_a_callback_is_read_without_asking_about_the_payment(bench: Bench, way: Between) -> None:
    bench.paid()
    request = bench.callback(bench.receiver.wait(1)[0])
    way.asked.clear()
    for body in (request.body, request.body + b" "):
        try:
            bench.provider.parse_callback(bench.account, replace(request, body=body), bench.now())
        except CallbackRefused:
            assert body != request.body
    assert [asked.path for asked in way.asked if "public-key" not in asked.path] == []
