"""The house with everybody around it: one merchant, the sandbox's payers, a worker, and a clock that tests move.

Nothing in here stands in for code of ours. The clock stands still until `later`; the sandbox's callbacks go over HTTP
to a small server, which is out of order until `callbacks_arrive`.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import time_machine
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import ikawaari
from ikawaari import clock, store, worker
from ikawaari.checkout import attempts, callbacks, snapshots
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.base import Account
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import CheckoutSession, Event, PaymentAttempt, PaymentIntent, Refund
from ikawaari.store.owner import Owner
from tests import factories

T = TypeVar("T")
START = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
LONG_AFTER = (5, 10, 30, 60, 120, 600, 3600, 86_400, 90_000)  # seconds; by their end nothing is left to do
PATH = "/callbacks/sandbox"


class World:
    """One merchant's corner of the house, and the outside world, at the time that the clock shows."""

    def __init__(self, config: Config, traveller: time_machine.Traveller, http: HTTPServer) -> None:
        self.config = config
        self.merchant = factories.merchant()
        self.callbacks: list[str] = []
        self._traveller = traveller
        self._http = http

    @property
    def owner(self) -> Owner:
        """The merchant in test mode."""
        return factories.owner(self.merchant)

    @property
    def now(self) -> datetime:
        """What the clock shows."""
        return clock.now()

    def later(self, seconds: float) -> datetime:
        """Move the clock on."""
        self._traveller.shift(timedelta(seconds=seconds))
        return self.now

    def work(self) -> None:
        """Have a worker do all that is due now."""
        for _ in range(50):
            if not worker.run_once(self.now):
                return
        raise AssertionError("work that never ends")

    def wait(self, *seconds: float) -> None:
        """Move the clock on, step by step, with a worker at work after each."""
        for step in seconds:
            self.later(step)
            self.work()

    def callbacks_arrive(self) -> None:
        """From now on the sandbox's callbacks reach us."""
        self._http.expect_request(PATH).respond_with_handler(self._receive)

    def callbacks_get_lost(self) -> None:
        """From now on they do not, as at the beginning."""
        self._http.clear()

    def session(self, **overrides: Any) -> CheckoutSession:
        """An open session of the merchant; overrides as in `factories.session`."""
        return factories.session(self.merchant, **overrides)

    def pay(self, session: CheckoutSession, ending: str = "500", **overrides: Any) -> None:
        """Try to pay with the phone number that ends so."""
        attempts.pay(session.id, factories.pay_request(factories.phone(ending), **overrides), self.now)

    def pay_by_card(self, session: CheckoutSession, token: str = "tok_test_card") -> None:
        """Try to pay with a card."""
        attempts.pay(session.id, factories.card_request(token), self.now)

    def told(self) -> list[str]:
        """The types of all events about money, in their order; who paid is told beside them."""
        types = [event.type for event in Event.select().order_by(Event.sequence)]
        return [name for name in types if not name.startswith("customer.")]

    def _receive(self, request: Request) -> Response:
        message = message_of(request.data, list(request.headers.items()))
        try:
            callbacks.receive("sandbox", message, self.now)
        finally:
            release()
        self.callbacks.append(request.get_json()["status"])
        return Response()


def message_of(body: bytes, headers: Sequence[tuple[str, str]] = ()) -> callbacks.Message:
    """A callback of the sandbox, as the edge passes it on."""
    return callbacks.Message(
        method="POST", path="/callbacks/sandbox", authority="127.0.0.1:8000", headers=headers, body=body
    )


@contextmanager
def opened(config: Config, http: HTTPServer, delay_seconds: float = 3.0) -> Iterator[World]:
    """A world on the database of `config`, whose payers take so long."""
    config = replace(config, api_url=http.url_for("").rstrip("/"), sandbox_delay_seconds=delay_seconds)
    ikawaari.start(config)
    with time_machine.travel(START, tick=False) as traveller:
        yield World(config, traveller, http)
    close()


def close() -> None:
    """Close this thread's connections, and the pools."""
    store.disconnect()
    ledger.disconnect()


def release() -> None:
    """Give this thread's connections back, as a request does at its end."""
    store.release()
    ledger.release()


def together(count: int, function: Callable[[int], T]) -> list[T | Exception]:
    """Run `function` in so many threads at the same moment; what each returned or raised."""
    gate = threading.Barrier(count)

    def one(number: int) -> T | Exception:
        gate.wait()
        try:
            return function(number)
        except Exception as error:
            return error
        finally:
            release()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


class Trouble(Exception):
    """Something went wrong in the middle."""


def halfway(*steps: Callable[[], object]) -> None:
    """Do all the steps in one transaction that then comes to nothing. Raises Trouble."""
    with store.atomic():
        for step in steps:
            step()
        raise Trouble


# ---------------------------------------------------------------- what the house says now


def fresh(session: CheckoutSession) -> CheckoutSession:
    """The session as it is stored."""
    return CheckoutSession.get_by_id(session.id)


def intent(session: CheckoutSession) -> PaymentIntent:
    """Its intent."""
    return PaymentIntent.get(PaymentIntent.session == session.id)


def tries(session: CheckoutSession) -> list[PaymentAttempt]:
    """Its attempts, oldest first."""
    return snapshots.attempts_of(snapshots.intent_of(session))


def latest(session: CheckoutSession) -> PaymentAttempt:
    """Its latest attempt."""
    return tries(session)[-1]


def statuses(session: CheckoutSession) -> tuple[str, str, str, str]:
    """Of the latest attempt, the intent, the session, and of the session's payment."""
    stored = fresh(session)
    return latest(session).status, intent(session).status, stored.status, stored.payment_status


PAID = ("succeeded", "succeeded", "complete", "paid")
FAILED = ("failed", "failed", "open", "unpaid")
WAITING = ("requires_action", "requires_action", "open", "processing")
UNKNOWN = ("unknown", "processing", "open", "processing")


def refunds() -> list[Refund]:
    """Every refund, oldest first."""
    return list(Refund.select().order_by(Refund.created_at, Refund.id))


# ---------------------------------------------------------------- does it add up


def audit(theirs: dict[str, tuple[int, int]] | None = None) -> None:
    """Assert that the provider's ledger and ours tell the same, once nothing is on its way any more.

    `theirs`: what was taken and given back of each attempt, in minor units; without it, the sandbox's.
    """
    if theirs is None:
        theirs = {entry["attempt"]: (entry["amount"], entry["refunded"]) for entry in ledger.entries()}
    for attempt in PaymentAttempt.select():
        taken, given_back = theirs.pop(attempt.id, (0, 0))
        assert taken == (attempt.amount_received or 0), f"{attempt.id} is {attempt.status}, the provider took {taken}"
        assert given_back == attempt.returned == _refunded(Refund.attempt == attempt.id)
        _audit_books(attempt)
    assert not theirs, "the provider has charges that nobody here asked for"
    for row in PaymentIntent.select():
        _audit_intent(row)
    once = Counter((event.type, event.object_id) for event in Event.select())
    assert all(once[of] == 1 for of in once if of[0] in ONCE), once


def _audit_books(attempt: PaymentAttempt) -> None:
    """Received = counted + returned + held + closed; what counts is what is left of the intent's payment."""
    payment = _refunded((Refund.attempt == attempt.id) & ~Refund.held)
    parts = attempt.counted - payment + attempt.returned + attempt.held + attempt.closed
    assert (attempt.amount_received or 0) == parts
    pending = Refund.select().where(Refund.attempt == attempt.id, Refund.status == "pending")
    assert attempt.promised == sum(row.amount for row in pending)


ONCE = {
    "payment_intent.created",
    "payment_intent.succeeded",
    "checkout.session.created",
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.late_payment",
    "refund.created",
    "refund.succeeded",
    "subscription.created",
}


def _audit_intent(row: PaymentIntent) -> None:
    paying = [one for one in PaymentAttempt.select().where(PaymentAttempt.intent == row.id) if one.counted]
    received = sum(one.counted for one in paying)
    assert row.amount_received == received
    assert row.amount_refunded == min(received, _refunded((Refund.intent == row.id) & ~Refund.held))
    assert (row.status == "succeeded") == (received > 0)
    assert sum(one.status == "succeeded" for one in paying) == (1 if received else 0)


def _refunded(which: Any) -> int:
    return sum(row.amount for row in Refund.select().where(which, Refund.status == "succeeded"))


# ---------------------------------------------------------------- providers that die


class Killed(BaseException):
    """The process ended here. No code of ours catches it."""


class Dying(Sandbox):
    """The sandbox, called by a process that is killed before or after the charge."""

    when = ""

    def charge(self, account: Account, request: Any, now: datetime) -> Any:
        """Die as `when` says, once."""
        when, self.when = self.when, ""
        if when == "before":
            raise Killed
        outcome = super().charge(account, request, now)
        if when == "after":
            raise Killed
        return outcome


def dying(config: Config, when: str) -> None:
    """Have the next charge kill its caller: `before` or `after` the money moves."""
    provider = Dying(config)
    provider.when = when
    registry.configure([provider])


def names(results: Sequence[object]) -> Counter[str]:
    """How often each kind of result or error came: `None`, `Conflict`, …"""
    return Counter(type(result).__name__ if isinstance(result, Exception) else str(result) for result in results)
