"""What goes on meanwhile: customers who pay through the balancer, and ask again as any client should."""

import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from ikawaari import clock
from tests.chaos import shop as shops

_REQUEST_SECONDS = 15
_PATIENCE_SECONDS = 90.0  # a request that fails for so long, or a payment that does not end, is a fault
_LONGEST_PAUSE = 1.0
_MINUTE, _LARGEST_SKEW = timedelta(minutes=1), timedelta(seconds=5)
_NOT_SENT = "provider_unavailable"
_SESSIONS = "/api/v1/checkout/sessions"
# How often, how (None: by card), and whether it is paid in the end. See the sandbox's script of endings.
_WAYS: tuple[tuple[int, str | None, bool], ...] = (
    (70, "100", True),
    (10, None, True),
    (7, "004", True),  # the charge has no answer
    (6, "006", True),  # called back thrice
    (7, "001", False),
)


@dataclass
class Trade:
    """The merchant's and his customers' side of a run."""

    url: str
    headers: Mapping[str, str]
    errors: list[tuple[float, str]] = field(default_factory=list)  # when, and which: what clients saw
    paid: list[tuple[float, float]] = field(default_factory=list)  # when it began, and how long it took
    declined: int = 0
    pressed_again: int = 0
    phones: set[str] = field(default_factory=set)  # as digits
    violations: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _buyers: list[threading.Thread] = field(default_factory=list)

    def begin(self, buyers: int, seed: int) -> None:
        """Let so many customers come, one after the other in as many threads."""
        for number in range(buyers):
            thread = threading.Thread(target=self._buy_on, args=(random.Random(seed * 1_000 + number),), daemon=True)
            self._buyers.append(thread)
            thread.start()

    def end(self) -> None:
        """Let those who are there finish."""
        self._ending.set()
        for thread in self._buyers:
            thread.join(3 * _PATIENCE_SECONDS)
            if thread.is_alive():
                self.violations.append("a customer waits for ever")

    def errors_by_kind(self) -> Mapping[str, int]:
        """How often clients saw each kind of error."""
        return dict(sorted(Counter(kind for _, kind in self.errors).items()))

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        """Until it is answered: with the same key, as every client should."""
        return self._insist("POST", path, json=body, headers={**self.headers, **headers})

    def get(self, path: str) -> Any:
        """The object there."""
        return self._insist("GET", path, headers=self.headers).json()

    def _buy_on(self, chance: random.Random) -> None:
        while not self._ending.is_set():
            try:
                self._buy(chance)
            except Exception as error:  # the others go on, and the run has failed
                self.violations.append(f"a customer failed: {error!r}")

    def _buy(self, chance: random.Random) -> None:
        begun = time.monotonic()
        _, ending, is_paid = chance.choices(_WAYS, [weight for weight, *_ in _WAYS])[0]
        key = uuid.UUID(int=chance.getrandbits(128), version=4).hex
        session = self.post(_SESSIONS, {"amount": shops.AMOUNT, "currency": "XOF"}, **{"Idempotency-Key": key}).json()
        method = self._method(chance, ending)
        self._pay(session["id"], method, f"pay-{key}")
        told = self._end_of(session["id"], "paid" if is_paid else "unpaid")
        if is_paid and _never_reached_the_provider(told):
            self.pressed_again += 1
            self._pay(session["id"], method, f"again-{key}")
            told = self._end_of(session["id"], "paid")
        if told["payment_status"] != ("paid" if is_paid else "unpaid"):
            self.violations.append(
                f"{session['id']} with {ending} ended as {told['payment_status']}: {told['attempts']}"
            )
        if is_paid:
            self.paid.append((begun, time.monotonic() - begun))
        else:
            self.declined += 1

    def _pay(self, session_id: str, method: Mapping[str, Any], key: str) -> None:
        path = f"/api/checkout/{session_id}/pay"
        self._insist("POST", path, json={"payment_method": method}, headers={"Idempotency-Key": key})

    def _method(self, chance: random.Random, ending: str | None) -> Mapping[str, Any]:
        if ending is None:
            return shops.card()
        wallet = shops.wallet(ending, line=chance.randrange(10_000))
        self.phones.add(wallet["mobile_money"]["phone_number"].removeprefix("+"))
        return wallet

    def _end_of(self, session_id: str, expected: str) -> Any:
        """The session as its merchant reads it, once it is what it should be, or patience is over."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            told = self.get(f"{_SESSIONS}/{session_id}")
            is_over = told["payment_status"] == expected or _never_reached_the_provider(told)
            if is_over or time.monotonic() > deadline:
                return told
            time.sleep(0.2)

    def _insist(self, verb: str, path: str, **request: Any) -> requests.Response:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self._once(lambda: requests.request(verb, self.url + path, timeout=_REQUEST_SECONDS, **request))
            if answer is not None:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"{verb} {path} failed for {_PATIENCE_SECONDS:.0f} s: {self.errors[-1][1]}")

    def _once(self, call: Callable[[], requests.Response]) -> requests.Response | None:
        """The answer; None if it was an error after which a client may ask again. Any other error is not allowed."""
        at = time.monotonic()
        try:
            answer = call()
        except requests.RequestException as error:
            self._note(at, type(error).__name__)
            time.sleep(0.2)
            return None
        if answer.ok or answer.status_code == requests.codes.payment_required:  # a decline is an answer
            return answer
        kind = shops.kind(answer)
        if answer.status_code == requests.codes.server_error or not answer.json()["error"]["retryable"]:
            raise AssertionError(f"{answer.request.method} {answer.request.path_url}: {answer.text[:300]}")
        self._note(at, kind)
        time.sleep(min(float(answer.headers.get("Retry-After", 0.2)), _LONGEST_PAUSE))
        return None

    def _note(self, at: float, kind: str) -> None:
        self.errors.append((at, kind))


def _never_reached_the_provider(session: Any) -> bool:
    """Whether its server died before it called the provider: nothing was taken, and the page asks to pay again."""
    attempts = session["attempts"]
    return session["payment_status"] == "unpaid" and [one["failure_code"] for one in attempts] == [_NOT_SENT]


class Counting:
    """A client who always asks too often: in no minute may he get more answers than his key's limit."""

    LIMIT = 60
    _PAUSE = 0.25

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}{_SESSIONS}?limit=1"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._ending = threading.Event()
        self.admitted: Counter[str] = Counter()  # by the end of the minute
        self.refused: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop asking."""
        self._ending.set()
        self._thread.join(_REQUEST_SECONDS)

    def violations(self, crashes: Sequence[datetime]) -> list[str]:
        """Minutes in which too many were let through by all machines. PostgreSQL forgets its counts when it crashes."""
        found = []
        for end, number in self.admitted.items():
            until = clock.from_unix(int(end)) + _LARGEST_SKEW
            forgotten = sum(until - _MINUTE - 2 * _LARGEST_SKEW <= crash <= until for crash in crashes)
            if number > self.LIMIT * (1 + forgotten):
                found.append(
                    f"{number} of {self.LIMIT} requests were let through until {end}, after {forgotten} crashes"
                )
        return found

    def _ask(self) -> None:
        while not self._ending.wait(self._PAUSE):
            try:
                answer = requests.get(self._url, headers=self._headers, timeout=_REQUEST_SECONDS)
            except requests.RequestException:
                continue
            minute = answer.headers.get("X-RateLimit-Reset", "")
            if answer.ok:
                self.admitted[minute] += 1
            elif answer.status_code == requests.codes.too_many_requests:
                self.refused[minute] += 1


def bodies(received: list[Any]) -> list[tuple[str, str, bytes]]:
    """Id, object and bytes of each event that the merchant's receiver took, in its order."""
    told = [(json.loads(request.body), request.body) for request in received]
    return [(event["id"], event["data"]["id"], body) for event, body in told]
