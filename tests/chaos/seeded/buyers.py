"""The customers of a run, and the merchants who return and renew."""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests

from tests.chaos.seeded import books
from tests.chaos.seeded.plan import BUYERS, Purchase, Round
from tests.chaos.seeded.stage import Merchant, Stage

PATIENCE_SECONDS = 4.0  # real ones, before a customer goes away
_TICK_SECONDS, _TICK_MOVES = 0.1, 0.8  # in the time of one, clocks move by the other: eight times as fast
_REQUEST_SECONDS = 20
_INSISTENCE = 300  # tries of one request: a number, because a busy machine starts a killed server late
_DAILY = {"interval": "day", "interval_count": 1}


class Trade:
    """What goes on in a run: `answers` are counted by status."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.answers: Counter[str] = Counter()
        self.kills = 0
        self.broken: list[str] = []
        self.phones: set[str] = set()

    def carry_out(self, one: Round) -> None:
        """All purchases of a round, a few at a time, with its deaths in between; then everybody has gone."""
        waiting: queue.SimpleQueue[Purchase] = queue.SimpleQueue()
        for purchase in one.purchases:
            waiting.put(purchase)
        buyers = [threading.Thread(target=self._buy_all, args=(waiting,), daemon=True) for _ in range(BUYERS)]
        for buyer in buyers:
            buyer.start()
        kills = list(one.kills)
        while any(buyer.is_alive() for buyer in buyers):
            self.stage.pass_time(_TICK_MOVES)
            time.sleep(_TICK_SECONDS)
            self.broken += books.contradictions()
            if kills and len(one.purchases) - waiting.qsize() >= kills[0].begun:
                self.stage.kill(kills.pop(0).victim)
                self.kills += 1

    def end_subscriptions(self) -> None:
        """Merchants end what would be renewed for ever."""
        for merchant in self.stage.merchants.values():
            page = self._insist(lambda m=merchant: self._get(m, "/api/v1/billing/subscriptions?limit=100"))  # type: ignore[misc]
            for one in (one for one in page["data"] if one["status"] != "canceled"):
                path = f"/api/v1/billing/subscriptions/{one['id']}/cancel"
                self._insist(lambda m=merchant, p=path: self._post(m, p, {}), 409)  # type: ignore[misc]

    def return_again(self) -> None:
        """Merchants ask once more for what failed, whether or not it goes after all."""
        for merchant in self.stage.merchants.values():
            page = self._insist(lambda m=merchant: self._get(m, "/api/v1/refunds?status=failed&limit=100"))  # type: ignore[misc]
            for one in page["data"]:
                if not one["automatic"]:
                    body, key = {"attempt": one["attempt"], "amount": one["amount"]}, f"{one['id']}-again"
                    self._try(lambda m=merchant, b=body, k=key: self._post(m, "/api/v1/refunds", b, k))  # type: ignore[misc]

    def _buy_all(self, waiting: "queue.SimpleQueue[Purchase]") -> None:
        while True:
            try:
                purchase = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                Buyer(self, purchase).buy()
            except Exception as error:  # the run goes on, and the test fails
                self.broken.append(f"purchase {purchase.number}: {error!r}")

    # ------------------------------------------------------------ requests

    def _get(self, merchant: Merchant, path: str) -> requests.Response:
        return requests.get(f"{self.stage.served.url}{path}", headers=merchant.headers, timeout=_REQUEST_SECONDS)

    def _post(self, merchant: Merchant, path: str, body: Any, key: str | None = None) -> requests.Response:
        headers = {**merchant.headers, **({"Idempotency-Key": key} if key else {})}
        url = f"{self.stage.served.url}{path}"
        return requests.post(url, json=body, headers=headers, timeout=_REQUEST_SECONDS)

    def _insist(self, call: Callable[[], requests.Response], done: int = 200) -> Any:
        """Until it is answered well, or by the status `done`: what was cut off may have been carried out."""
        answer = None
        for _ in range(_INSISTENCE):
            answer = self._try(call)
            if answer is not None and (answer.ok or answer.status_code == done):
                return answer.json()
            time.sleep(0.1)
        raise AssertionError(answer.text if answer is not None else "no answer")

    def _try(self, call: Callable[[], requests.Response]) -> requests.Response | None:
        try:
            answer = call()
        except requests.RequestException:
            self.answers["cut off"] += 1
            return None
        code = answer.json().get("error", {}).get("code", "") if not answer.ok else ""
        self.answers[f"{answer.status_code} {code}".strip()] += 1
        return answer


class Buyer:
    """Carries out one purchase."""

    def __init__(self, trade: Trade, purchase: Purchase) -> None:
        self.trade, self.purchase = trade, purchase
        self.merchant = trade.stage.merchants[purchase.shop]
        self.decisions = list(purchase.decisions)
        self.tries = 0

    def buy(self) -> None:
        """Open a session, pay it, and let the merchant return some of it."""
        if self.purchase.phone:
            self.trade.phones.add(self.purchase.phone[1:])
        for order in self.purchase.orders:
            self.merchant.order(order)
        session_id = str(self._open()["id"])
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            view = self.trade._insist(lambda: self._view(session_id))
            if view["status"] == "complete":
                self._return(session_id)
                return
            if not self._goes_on(session_id, view):
                return
            time.sleep(0.1)

    def _goes_on(self, session_id: str, view: Any) -> bool:
        """Do what the page wants. False when the customer goes away."""
        if view["payment_status"] == "unpaid":
            if self.tries == self.purchase.tries:
                return False
            self.tries += 1
            self.trade._try(lambda: self._pay(session_id))
            return not self.purchase.leaves
        action = view["next_action"]
        if action and action["type"] == "redirect_to_url":
            return self._decide(action["redirect_to_url"]["url"])
        return True

    def _decide(self, url: str) -> bool:
        if not self.decisions:
            return False
        decision = self.decisions.pop(0)
        words = {"pay": "complete", "decline": "fail"} if self.purchase.wallet.card else {}
        form = {"decision": words.get(decision, decision)}
        requests.post(url, data=form, timeout=_REQUEST_SECONDS, allow_redirects=False)
        return True

    def _open(self) -> Any:
        one = self.purchase
        body: dict[str, Any] = {"amount": one.amount, "currency": one.wallet.currency}
        if one.subscribes:
            body |= {"mode": "subscription", "recurring": _DAILY}
        return self.trade._insist(lambda: self.trade._post(self.merchant, "/api/v1/checkout/sessions", body))

    def _view(self, session_id: str) -> requests.Response:
        return requests.get(f"{self.trade.stage.served.url}/api/checkout/{session_id}", timeout=_REQUEST_SECONDS)

    def _pay(self, session_id: str) -> requests.Response:
        wallet = self.purchase.wallet
        url = f"{self.trade.stage.served.url}/api/checkout/{session_id}/pay"
        if wallet.card:
            body: Any = {"type": "card", "card": {"token": self.merchant.card_token(wallet.card)}}
            return requests.post(url, json={"payment_method": body}, timeout=_REQUEST_SECONDS)
        given = {"operator": wallet.operator, "phone_number": self.purchase.phone}
        money = {name: value for name, value in {**given, "otp": wallet.otp}.items() if value}
        body = {"type": "mobile_money", "mobile_money": money}
        return requests.post(url, json={"payment_method": body}, timeout=_REQUEST_SECONDS)

    def _return(self, session_id: str) -> None:
        if not self.purchase.returns:
            return
        found = self.trade._insist(lambda: self.trade._get(self.merchant, f"/api/v1/checkout/sessions/{session_id}"))
        for number, amount in enumerate(self.purchase.returns):
            body = {"payment_intent": found["payment_intent"], "amount": amount}
            key = f"{session_id}-{number}"
            self.trade._try(lambda b=body, k=key: self.trade._post(self.merchant, "/api/v1/refunds", b, k))  # type: ignore[misc]
