"""Customers who pay, fail and try again, while every process of the server is killed once a second."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from ikawaari.providers.sandbox import ledger
from ikawaari.providers.sandbox.ledger import Charge, OutgoingCallback
from ikawaari.store.models import CheckoutSession, Event, PaymentAttempt, Refund
from tests.chaos import shop as shops
from tests.chaos.shop import Shop, card, mismatches, pay, unfinished, wait_until, wallet
from tests.serving import Served, serve

SECONDS = float(os.environ.get("IKAWAARI_SOAK_SECONDS", "6"))
CUSTOMERS = 6
PATIENCE_SECONDS = 60  # for the last ones to get their answer, once nobody is killed any more
LIFE_SECONDS = (0.3, 1.5)  # of a server that is ready
ENDINGS = [
    "100",
    "100",
    "001",
    "002",
    "003",
    "004",
    "004",
    "005",
    "005",
    "006",
    "007",
    "008",
    "009",
    "010",
    "011",
    "012",
]
CARDS = ["tok_test_card", "tok_test_3ds", "tok_test_declined"]
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


class Customer:
    """Buys one thing after the other, and tries again whenever something went wrong; `seed` makes it choose."""

    def __init__(self, shop: Shop, served: Served, seed: int) -> None:
        self.shop = shop
        self.served = served
        self.random = random.Random(seed)
        self.answers: Counter[str] = Counter()
        self.line = 0  # another phone for each purchase: one alone is not asked for ever
        self.last: dict[str, Any] = {}
        self.paid = 0

    def buy_until(self, closing: threading.Event) -> None:
        """Buy until the shop closes, and finish what was begun."""
        while not closing.is_set():
            self.buy(self._open())

    def buy(self, session_id: str) -> None:
        """Pay a session, by whatever comes to mind; the third try is a good card."""
        tries, self.line = 0, self.random.randrange(10_000)
        while True:
            view = self._view(session_id)
            if view["status"] == "complete":
                self.paid += 1
                return
            if view["payment_status"] == "unpaid":
                tries += 1
                self._press(session_id, self._method() if tries < 3 else card())
            elif view["next_action"]:
                self._act(session_id, view["next_action"])
            else:
                self._wait(session_id)

    def _method(self) -> dict[str, Any]:
        if self.random.random() < 0.2:
            return card(self.random.choice(CARDS))
        return wallet(self.random.choice(ENDINGS), self.line)

    def _act(self, session_id: str, action: dict[str, Any]) -> None:
        if action["type"] == "mobile_money_otp":
            self._press(session_id, wallet("009", self.line, otp=self.random.choice(["123456", "123456", "999999"])))
        elif action["type"] == "redirect_to_url":
            decision = {"decision": self.random.choice(["approve", "approve", "refuse"])}
            url = action["redirect_to_url"]["url"]
            self._try(lambda: requests.post(url, data=decision, headers=SAME_SITE, timeout=10, allow_redirects=False))
            time.sleep(0.3)

    def _wait(self, session_id: str) -> None:
        """Number 011 never ends by itself: somebody has to tell."""
        if self.last == wallet("011", self.line):
            url = f"{self.served.url}/api/test/mobile-money/callback"
            told = {
                "payment_intent_id": self._intent(session_id),
                "status": self.random.choice(["succeeded", "failed"]),
            }
            self._try(lambda: requests.post(url, json=told, timeout=10))
        time.sleep(0.2)

    def _press(self, session_id: str, method: dict[str, Any]) -> None:
        self.last = method
        self._try(lambda: pay(self.served, session_id, method))

    def _open(self) -> str:
        """A call that was cut off holds its key for a minute, which nobody here waits for: every try has its own."""
        amount = self.random.randrange(100, 9999)
        return str(self._insist(lambda: self.shop.open(self.served, str(self.random.random()), amount=amount))["id"])

    def _intent(self, session_id: str) -> str:
        url = f"{self.served.url}/api/v1/checkout/sessions/{session_id}"
        return str(self._insist(lambda: requests.get(url, headers=self.shop.headers, timeout=10))["payment_intent"])

    def _view(self, session_id: str) -> dict[str, Any]:
        url = f"{self.served.url}/api/checkout/{session_id}"
        return self._insist(lambda: requests.get(url, timeout=10))

    def _insist(self, call: Callable[[], requests.Response]) -> dict[str, Any]:
        while True:
            answer = self._try(call)
            if answer is not None and answer.ok:
                body: dict[str, Any] = answer.json()
                return body
            time.sleep(0.1)

    def _try(self, call: Callable[[], requests.Response]) -> requests.Response | None:
        try:
            answer = call()
        except requests.RequestException:
            self.answers["cut off"] += 1
            return None
        self.answers[str(answer.status_code)] += 1
        return answer


def test_under_constant_kills_every_payment_ends_once_and_the_ledgers_agree(
    shop: Shop, database_url: str, engine: str
) -> None:
    with serve(shops.environment(database_url, charge_timeout_seconds="1"), 2, 4) as served:
        customers = [Customer(shop, served, seed) for seed in range(CUSTOMERS)]
        with buying(customers):
            kills = kill_again_and_again(served, time.monotonic() + SECONDS)
        wait_until(is_quiet, "nothing is under way", PATIENCE_SECONDS)
        log = served.log_text()
    entries = list(ledger.entries())
    found = mismatches(entries)
    answers = sum((customer.answers for customer in customers), Counter())
    print(f"{engine}: {figures(kills)}, mismatches {len(found)}; answers {dict(sorted(answers.items()))}")  # pytest -rP
    assert found == []
    assert not [status for status in answers if status.startswith("5")], answers
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]
    assert kills >= SECONDS / 10
    paid = sum(customer.paid for customer in customers)
    assert paid > 0
    assert CheckoutSession.select().where(CheckoutSession.payment_status == "paid").count() == paid
    assert Event.select().where(Event.type == "checkout.session.completed").count() == paid


@contextmanager
def buying(customers: list[Customer]) -> Iterator[None]:
    """The shop is open for as long as the block lasts; then everybody finishes."""
    closing = threading.Event()
    threads = [threading.Thread(target=customer.buy_until, args=(closing,), daemon=True) for customer in customers]
    for thread in threads:
        thread.start()
    yield
    closing.set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads), f"still not paid: {unfinished()}"


def kill_again_and_again(served: Served, until: float) -> int:
    """Kill and start until then; leave it running. Returns how often."""
    kills, chance = 0, random.Random(1)
    while time.monotonic() < until:
        time.sleep(chance.uniform(*LIFE_SECONDS))
        served.kill()
        kills += 1
        served.start()
    return kills


def is_quiet() -> bool:
    """Whether no money can move any more: not here, not at the provider, and no news is on its way."""
    pending = Charge.select().where(Charge.acts_at.is_null(False)).exists()
    return not unfinished() and not pending and not OutgoingCallback.select().exists()


def figures(kills: int) -> str:
    """What happened, in numbers."""
    counts = {
        "kills": kills,
        "sessions": CheckoutSession.select().count(),
        "attempts": PaymentAttempt.select().count(),
        "refunds": Refund.select().count(),
    }
    return ", ".join(f"{name} {count}" for name, count in counts.items())
