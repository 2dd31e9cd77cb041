"""A merchant's shop on a served checkout, its customers, and the comparison of the provider's ledger with ours."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests

from ikawaari import clock, worker
from ikawaari.checkout import merchant_view, polls
from ikawaari.config import Config
from ikawaari.merchants import credentials, merchants
from ikawaari.merchants.credentials import Scope
from ikawaari.providers import registry, sandbox
from ikawaari.states import UNSETTLED, IntentStatus, PaymentStatus, RefundStatus
from ikawaari.store.models import CheckoutSession, PaymentAttempt, PaymentIntent, Refund
from tests.serving import Served

AMOUNT = 5000
PATIENCE_SECONDS = 30
_TIMEOUT_SECONDS = 60  # of one request: a hundred wait for eight threads
_FAST = {
    "IKAWAARI_CHARGE_TIMEOUT_SECONDS": "20",
    "IKAWAARI_ENQUIRY_SECONDS": "0.5",
    "IKAWAARI_WORKER_POLL_SECONDS": "0.1",
    "IKAWAARI_SANDBOX_DELAY_SECONDS": "0.3",
    "IKAWAARI_SANDBOX_PROMPT_SECONDS": "3",
    "IKAWAARI_MERCHANT_RATE_LIMIT": "1000000",
    "IKAWAARI_PROMPTS_PER_PHONE": "0",  # here a crowd shares one telephone, and pays at once
    "IKAWAARI_DECLINES_PER_CARD": "0",  # and a few cards
    "IKAWAARI_EVENT_DAYS": "0",  # what a run of months has told is compared at its end
    "IKAWAARI_UNPAID_SESSION_DAYS": "0",
}


class Shop:
    """A merchant with a test key, on a database that the models of this process stand on too."""

    def __init__(self) -> None:
        now = clock.now()
        merchant = merchants.create("Boutique Teranga", now)
        key = credentials.create(merchant, livemode=False, scopes=list(Scope), now=now, rate_limit=1_000_000)
        self.headers = {"Authorization": f"Bearer {key}"}

    def open(self, served: Served, key: str | None = None, **fields: Any) -> requests.Response:
        """Open a session, of 5,000 XOF unless `fields` say otherwise; `key` is the Idempotency-Key."""
        body = {"amount": AMOUNT, "currency": "XOF"} | fields
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        return requests.post(
            f"{served.url}/api/v1/checkout/sessions",
            json={name: value for name, value in body.items() if value is not None},
            headers=headers,
            timeout=_TIMEOUT_SECONDS,
        )

    def opened(self, served: Served, **fields: Any) -> str:
        """The id of a new session."""
        answer = self.open(served, **fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def retrieve(self, served: Served, session_id: str) -> dict[str, Any]:
        """The session as its merchant sees it."""
        url = f"{served.url}/api/v1/checkout/sessions/{session_id}"
        answer = requests.get(url, headers=self.headers, timeout=_TIMEOUT_SECONDS)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def settled(self, served: Served, session_id: str) -> dict[str, Any]:
        """The session once no attempt of it is under way."""

        def is_settled() -> bool:
            return bool(self.retrieve(served, session_id)["payment_status"] != PaymentStatus.PROCESSING)

        wait_until(is_settled, f"{session_id} is settled")
        return self.retrieve(served, session_id)


def environment(database_url: str, **chosen: str) -> dict[str, str]:
    """A server's settings on that database: nothing takes long; `chosen` overrides, without the prefix."""
    overrides = {f"IKAWAARI_{name.upper()}": value for name, value in chosen.items()}
    return {"IKAWAARI_DATABASE_URL": database_url, **_FAST, **overrides}


def wallet(ending: str = "100", line: int = 1234, **more: str) -> dict[str, Any]:
    """Orange Money in Senegal, by a number with that ending. A crowd has many lines: no phone is asked for ever."""
    number = f"+22177{line:04}{ending}"
    return {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", "phone_number": number, **more}}


def card(token: str = "tok_test_card") -> dict[str, Any]:
    """A card."""
    return {"type": "card", "card": {"token": token}}


def pay(served: Served, session_id: str, method: Mapping[str, Any], amount: int | None = None) -> requests.Response:
    """One press on the button."""
    body: dict[str, Any] = {"payment_method": method}
    if amount is not None:
        body["collected"] = {"amount": amount}
    return requests.post(f"{served.url}/api/checkout/{session_id}/pay", json=body, timeout=_TIMEOUT_SECONDS)


def at_once(calls: Sequence[Callable[[], requests.Response]]) -> list[requests.Response]:
    """Make all calls at the same moment, each in a thread of its own."""
    barrier = threading.Barrier(len(calls))
    answers: list[requests.Response] = []

    def run(call: Callable[[], requests.Response]) -> None:
        barrier.wait()
        answers.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(calls), "a call got no answer"
    return answers


def kinds(answers: Sequence[requests.Response]) -> Counter[str]:
    """How often each status, with its error's code, was answered."""
    return Counter(kind(answer) for answer in answers)


def kind(answer: requests.Response) -> str:
    """`200`, or `409 IKW-RES-003`."""
    code = answer.json().get("error", {}).get("code", "")
    return f"{answer.status_code} {code}".strip()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Ask again and again until `condition` holds."""
    deadline, pause = time.monotonic() + seconds, 0.05
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(pause)
        pause = min(1.5 * pause, 0.25)  # a crowd that asks and asks leaves little to those who do the work


@contextmanager
def at_work(served: Served) -> Iterator[None]:
    """A worker in a thread of this process, with the server's own settings, for as long as the block lasts."""
    config = Config.from_environment(served.environment)
    registry.configure([sandbox.Sandbox(config)])
    polls.configure(config)
    merchant_view.configure(config)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop, config, worker.MONEY))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def unfinished() -> list[str]:
    """Attempts and refunds whose money may still move."""
    attempts = PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED))
    refunds = Refund.select().where(Refund.status == RefundStatus.PENDING)
    return [f"attempt {row.id} {row.status}" for row in attempts] + [f"refund {row.id}" for row in refunds]


def mismatches(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the provider's ledger and our books tell different stories, in words; empty when they agree."""
    theirs = {entry["attempt"]: entry for entry in entries}
    attempts = list(PaymentAttempt.select())
    found = [
        f"the provider has a charge that we do not know: {name}" for name in theirs.keys() - {a.id for a in attempts}
    ]
    for attempt in attempts:
        found += _of_attempt(attempt, theirs.get(attempt.id))
    for intent in PaymentIntent.select():
        found += _of_intent(intent, [attempt for attempt in attempts if attempt.intent_id == intent.id])
    return found


def _of_attempt(attempt: PaymentAttempt, entry: Mapping[str, Any] | None) -> list[str]:
    taken, given_back = (entry["amount"], entry["refunded"]) if entry else (0, 0)
    found = []
    if taken != (attempt.amount_received or 0):
        found.append(f"attempt {attempt.id}: they took {taken}, we know of {attempt.amount_received}")
    if given_back != _refunded(attempt):
        found.append(f"attempt {attempt.id}: they gave back {given_back}, we know of {_refunded(attempt)}")
    if attempt.status in UNSETTLED:
        found.append(f"attempt {attempt.id} is not settled: {attempt.status}")
    return found


def _of_intent(intent: PaymentIntent, attempts: Sequence[PaymentAttempt]) -> list[str]:
    paying = [attempt for attempt in attempts if attempt.counted]
    kept = sum((attempt.amount_received or 0) - _refunded(attempt) for attempt in attempts)
    expected = intent.amount if intent.status == IntentStatus.SUCCEEDED else 0
    session = CheckoutSession.get_by_id(intent.session_id)
    found = []
    if len(paying) != (1 if expected else 0):
        found.append(f"intent {intent.id} is {intent.status} with {len(paying)} paying attempts")
    if not kept == expected == intent.amount_received:
        found.append(f"intent {intent.id} is {intent.status}: kept {kept} of {intent.amount}")
    if (session.payment_status == PaymentStatus.PAID) != bool(expected):
        found.append(f"session {session.id} is {session.payment_status}, its intent {intent.status}")
    return found


def _refunded(attempt: PaymentAttempt) -> int:
    done = Refund.select().where(Refund.attempt == attempt.id, Refund.status == RefundStatus.SUCCEEDED)
    return sum(refund.amount for refund in done)
