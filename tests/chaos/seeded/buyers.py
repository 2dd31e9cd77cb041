"""The customers of a run, many at once and some of them impatient, and the merchants who return, cancel and renew."""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import requests

from tests.chaos.seeded.plan import LINK_AMOUNT, LINK_USES, Purchase, link_currency
from tests.chaos.seeded.shops import SHOPS, Wallet
from tests.chaos.seeded.stage import Merchant, Stage

MOST_BUYERS = 24  # at the same time
PATIENCE_SECONDS = 5.0  # real ones, before a customer goes away
_LOOK_SECONDS = 0.3
_REQUEST_SECONDS = 20
_PAUSE_SECONDS = 0.25  # before a request that was not answered well is sent again
_INSISTENCE = 200  # tries of one request: a number, because a busy machine starts a killed server late
_DAILY = {"interval": "day", "interval_count": 1}
_MOST_SUBSCRIPTIONS = 5  # of a merchant, which are left to be renewed
_CURRENCIES = {shop.name: link_currency(shop) for shop in SHOPS}
_BROWSER = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile"}
# The database is away, also for a page; or no account takes the payment at the moment.
_BUSY = {"503 IKW-SYS-002", "503 page", "503 IKW-SYS-003"}


class Trade:
    """What goes on in a run: `answers` are counted by status."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.answers: Counter[str] = Counter()
        self.broken: list[str] = []
        self.phones: set[str] = set()
        self.pressed: Counter[str] = Counter()  # impatience, by kind
        self._waiting: queue.SimpleQueue[Purchase] = queue.SimpleQueue()
        self._buyers: list[threading.Thread] = []
        self._placed = 0
        self._own = threading.local()

    @property
    def http(self) -> requests.Session:
        """This thread's connections."""
        if not hasattr(self._own, "http"):
            self._own.http = requests.Session()
            self._own.http.trust_env = False
        session: requests.Session = self._own.http
        return session

    def open(self, purchases: list[Purchase]) -> None:
        """Let buyers carry these out, a few at a time."""
        self._placed = len(purchases)
        buyers = min(MOST_BUYERS, 1 + len(purchases) // 5)
        for purchase in purchases:
            self._waiting.put(purchase)
        self._buyers = [threading.Thread(target=self._buy_all, daemon=True) for _ in range(buyers)]
        for buyer in self._buyers:
            buyer.start()

    def begun(self) -> int:
        """How many purchases have begun."""
        return self._placed - self._waiting.qsize()

    def is_over(self) -> bool:
        """Whether everybody has gone."""
        return not any(buyer.is_alive() for buyer in self._buyers)

    def end_subscriptions(self, leaving: int = 0) -> None:
        """Merchants end what would be renewed for ever, but the newest."""
        for merchant in self.stage.merchants.values():
            running = [one for one in self._listed(merchant, "billing/subscriptions") if one["status"] != "canceled"]
            for one in running[leaving:]:
                self._insist_post(merchant, f"/api/v1/billing/subscriptions/{one['id']}/cancel", {}, done=409)

    def tidy(self) -> None:
        """What merchants do between two rounds."""
        self.end_subscriptions(_MOST_SUBSCRIPTIONS)
        for merchant in self.stage.merchants.values():
            for one in self._listed(merchant, "refunds?status=failed"):
                if not one["automatic"]:
                    self._return_again(merchant, one)

    def _return_again(self, merchant: Merchant, failed: Any) -> None:
        """Once more, whether or not it goes after all."""
        body, key = {"attempt": failed["attempt"], "amount": failed["amount"]}, f"{failed['id']}-again"
        self.attempt(lambda: self.post(merchant, "/api/v1/refunds", body, key))

    def events(self, merchant: Merchant) -> Iterator[Any]:
        """All events of a merchant, as its API lists them."""
        cursor = ""
        while True:
            path = f"/api/v1/events?limit=100{cursor}"
            page = self.insist(lambda p=path: self.get(merchant, p))  # type: ignore[misc]
            yield from page["data"]
            if not page["has_more"]:
                return
            cursor = f"&cursor={page['next_cursor']}"

    def _listed(self, merchant: Merchant, what: str) -> list[Any]:
        path = f"/api/v1/{what}{'&' if '?' in what else '?'}limit=100"
        data: list[Any] = self.insist(lambda: self.get(merchant, path))["data"]
        return data

    def _buy_all(self) -> None:
        while True:
            try:
                purchase = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                Buyer(self, purchase).buy()
            except Exception as error:  # the run goes on, and it has failed
                self.broken.append(f"purchase {purchase.number}: {error!r}")

    # ------------------------------------------------------------ requests

    def get(self, merchant: Merchant, path: str) -> requests.Response:
        """A merchant reads."""
        return self.http.get(f"{self.stage.served.url}{path}", headers=merchant.headers, timeout=_REQUEST_SECONDS)

    def post(self, merchant: Merchant, path: str, body: Any, key: str | None = None) -> requests.Response:
        """A merchant writes."""
        headers = {**merchant.headers, **({"Idempotency-Key": key} if key else {})}
        url = f"{self.stage.served.url}{path}"
        return self.http.post(url, json=body, headers=headers, timeout=_REQUEST_SECONDS)

    def _insist_post(self, merchant: Merchant, path: str, body: Any, done: int) -> None:
        self.insist(lambda: self.post(merchant, path, body), done)

    def insist(self, call: Callable[[], requests.Response], *done: int) -> Any:
        """Until it is answered well, or by a status of `done`: what was cut off may have been carried out."""
        answer = None
        for _ in range(_INSISTENCE):
            answer = self.attempt(call)
            if answer is not None and (answer.ok or answer.status_code in done):
                return answer.json()
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError(answer.text if answer is not None else "no answer")

    def attempt(self, call: Callable[[], requests.Response]) -> requests.Response | None:
        """Once; None if there was no answer."""
        try:
            answer = call()
        except requests.RequestException:
            self.answers["cut off"] += 1
            return None
        self.answers[_kind(answer)] += 1
        return answer


def unexpected(answers: Mapping[str, int]) -> Iterator[str]:
    """Answers that nobody may ever get."""
    for answer, times in answers.items():
        if answer.startswith("5") and answer not in _BUSY:
            yield f"{times} answers were {answer}"


class Buyer:
    """Carries out one purchase."""

    def __init__(self, trade: Trade, purchase: Purchase) -> None:
        self.trade, self.purchase = trade, purchase
        self.merchant = trade.stage.merchants[purchase.shop]
        self.url = trade.stage.served.url
        self.decisions = list(purchase.decisions)
        self.method = purchase.wallet, purchase.phone
        self.change = purchase.changes_to
        self.cancels = purchase.cancels
        self.tries = 0

    def buy(self) -> None:
        """Open a session, pay it, and let the merchant return some of it."""
        self._note_phones()
        for order in self.purchase.orders:
            self.merchant.order(order)
        session_id = self._open()
        if session_id is None:
            return
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            view = self.trade.insist(lambda: self._view(session_id), 410)
            if view.get("status") == "complete":
                self._return(session_id)
                return
            if "error" in view or not self._goes_on(session_id, view):
                return
            time.sleep(_LOOK_SECONDS)

    def _note_phones(self) -> None:
        changed = self.change[1] if self.change else ""
        self.trade.phones |= {phone[1:] for phone in (self.purchase.phone, changed) if phone}

    def _goes_on(self, session_id: str, view: Any) -> bool:
        """Do what the page wants. False when the customer goes away."""
        if view["payment_status"] == "unpaid":
            if view["status"] == "expired" or self.tries == self.purchase.tries:
                return False
            self.tries += 1
            self._press(session_id)
            return not self.purchase.leaves
        if self.cancels:
            self._cancel(session_id)
        elif self.change:
            self._leave_payment(session_id)
        action = view["next_action"]
        if action and action["type"] == "redirect_to_url":
            return self._decide(action["redirect_to_url"]["url"])
        return True

    def _press(self, session_id: str) -> None:
        """The button; twice at once by who has a nervous finger."""
        if not self.purchase.presses_twice or self.tries > 1:
            self.trade.attempt(lambda: self._pay(session_id))
            return
        self.trade.pressed["pressed twice"] += 1
        other = threading.Thread(target=lambda: self.trade.attempt(lambda: self._pay(session_id)), daemon=True)
        other.start()
        self.trade.attempt(lambda: self._pay(session_id))
        other.join()

    def _leave_payment(self, session_id: str) -> None:
        """Call the payment off on the page, to pay by another method."""
        assert self.change is not None
        session = self.trade.insist(lambda: self.trade.get(self.merchant, f"/api/v1/checkout/sessions/{session_id}"))
        if session["attempts"]:
            self.trade.pressed["changed the method"] += 1
            form = {"payment": session["attempts"][-1]["id"][:8]}
            url = f"{self.url}/{session_id}/cancel"
            self.trade.attempt(lambda: self._submit(url, form))
        self.method, self.change = self.change, None

    def _cancel(self, session_id: str) -> None:
        """The merchant cancels the order while its customer pays."""
        self.cancels = False
        self.trade.pressed["canceled"] += 1
        path = f"/api/v1/checkout/sessions/{session_id}/expire"
        self.trade.attempt(lambda: self.trade.post(self.merchant, path, {}))

    def _decide(self, url: str) -> bool:
        """Approve or refuse on the provider's page."""
        if not self.decisions:
            return False
        decision = self.decisions.pop(0)
        words = {"pay": "complete", "decline": "fail"} if self.method[0].card else {}
        with suppress(requests.RequestException):
            self._submit(url, {"decision": words.get(decision, decision)})
        return True

    def _submit(self, url: str, form: dict[str, str]) -> requests.Response:
        return self.trade.http.post(url, data=form, headers=_BROWSER, timeout=_REQUEST_SECONDS, allow_redirects=False)

    def _open(self) -> str | None:
        """A session of the merchant's, or of the link's; None if the link takes no more."""
        one = self.purchase
        if one.link is not None:
            return self._visit(one.link)
        body: dict[str, Any] = {"amount": one.amount, "currency": one.wallet.currency}
        if one.subscribes:
            body |= {"mode": "subscription", "recurring": _DAILY}
        key = f"purchase-{one.number}"
        path = "/api/v1/checkout/sessions"
        return str(self.trade.insist(lambda: self.trade.post(self.merchant, path, body, key))["id"])

    def _visit(self, link: int) -> str | None:
        """All visitors of a link create it by the same request, so that there is one."""
        body = {"currency": _CURRENCIES[self.purchase.shop], "maxUses": LINK_USES}
        body |= {"description": "Kermesse", "lineItems": [{"name": "Billet", "amount": LINK_AMOUNT}]}
        path, key = "/api/v2/payment_links", f"link-{link}"
        made = self.trade.insist(lambda: self.trade.post(self.merchant, path, body, key))
        for _ in range(_INSISTENCE):
            answer = self.trade.attempt(lambda: self._follow(made["url"]))
            if answer is not None and answer.status_code == 303:
                return answer.headers["Location"].partition("?")[0].rpartition("/")[2]
            if answer is not None and answer.status_code == 410:
                return None
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError(answer.text if answer is not None else "no answer")

    def _follow(self, url: str) -> requests.Response:
        """Without the cookie of the last visitor, who used this connection."""
        self.trade.http.cookies.clear()
        return self.trade.http.get(url, headers=_BROWSER, timeout=_REQUEST_SECONDS, allow_redirects=False)

    def _view(self, session_id: str) -> requests.Response:
        return self.trade.http.get(f"{self.url}/api/checkout/{session_id}", timeout=_REQUEST_SECONDS)

    def _pay(self, session_id: str) -> requests.Response:
        wallet, phone = self.method
        url = f"{self.url}/api/checkout/{session_id}/pay"
        body = {"payment_method": _card(self.merchant, wallet) if wallet.card else _money(wallet, phone)}
        return self.trade.http.post(url, json=body, timeout=_REQUEST_SECONDS)

    def _return(self, session_id: str) -> None:
        if not self.purchase.returns:
            return
        path = f"/api/v1/checkout/sessions/{session_id}"
        found = self.trade.insist(lambda: self.trade.get(self.merchant, path))
        for number, amount in enumerate(self.purchase.returns):
            body = {"payment_intent": found["payment_intent"], "amount": amount}
            self.trade.attempt(lambda b=body, k=f"{session_id}-{number}": self._refund(b, k))  # type: ignore[misc]

    def _refund(self, body: dict[str, Any], key: str) -> requests.Response:
        return self.trade.post(self.merchant, "/api/v1/refunds", body, key)


def _card(merchant: Merchant, wallet: Wallet) -> dict[str, Any]:
    return {"type": "card", "card": {"token": merchant.card_token(str(wallet.card))}}


def _money(wallet: Wallet, phone: str) -> dict[str, Any]:
    given = {"operator": wallet.operator, "phone_number": phone, "otp": wallet.otp}
    return {"type": "mobile_money", "mobile_money": {name: value for name, value in given.items() if value}}


def _kind(answer: requests.Response) -> str:
    """`200`, `409 IKW-RES-003`, or `410 page`."""
    if answer.ok:
        return str(answer.status_code)
    if "json" not in answer.headers.get("Content-Type", ""):
        return f"{answer.status_code} page"
    return f"{answer.status_code} {answer.json().get('error', {}).get('code', '')}".strip()
