"""Talking to the simulator of Stripe as an account's server does: forms, a secret key, a pinned version."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from ikawaari.simulators.stripe import Stripe
from tests.simulators.talking import Receiver, Talk, talk

VERSION = "2026-10-28.endive"
BACK = "https://pay.example.com/r/AbC"


class Account(Talk):
    """A client of a running simulator, with its test keys."""

    def __init__(self, simulator: Stripe) -> None:
        super().__init__(simulator.base_url)
        self.simulator = simulator
        self.keys: dict[str, str] = self.settings()
        self.secret_key = self.keys["secret_key"]

    def headers(self, key: str | None = None) -> dict[str, str]:
        """What every request of ours has; `key` is an idempotency key."""
        headers = {"Authorization": f"Bearer {self.secret_key}", "Stripe-Version": VERSION}
        return headers if key is None else headers | {"Idempotency-Key": key}

    def post(self, path: str, key: str | None = None, timeout: float = 10, **given: Any) -> requests.Response:
        """POST a form; mappings and lists become `a[b]=c` and `a[]=c`."""
        return requests.post(f"{self.base_url}{path}", flat(given), headers=self.headers(key), timeout=timeout)

    def get(self, path: str, **given: Any) -> requests.Response:
        """GET with a query."""
        return requests.get(f"{self.base_url}{path}", flat(given), headers=self.headers(), timeout=10)

    def create(self, **given: Any) -> dict[str, Any]:
        """A PaymentIntent of 1,000 F, as the card creates it."""
        answer = self.post("/v1/payment_intents", **intent(**given))
        assert answer.status_code == 200, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def confirm(self, intent_id: str, method: str = "pm_card_visa", **given: Any) -> requests.Response:
        """Confirm with a test card, as the card does."""
        usual: dict[str, Any] = {"payment_method": method, "return_url": BACK}
        return self.post(f"/v1/payment_intents/{intent_id}/confirm", **{**usual, **given})

    def pay(self, method: str = "pm_card_visa", **given: Any) -> dict[str, Any]:
        """A PaymentIntent, confirmed; as it is then."""
        created = self.create(**given)
        self.confirm(created["id"], method)
        return self.retrieve(created["id"])

    def retrieve(self, intent_id: str) -> dict[str, Any]:
        """A PaymentIntent as it is now."""
        found: dict[str, Any] = self.get(f"/v1/payment_intents/{intent_id}").json()
        return found

    def save_card(self, method: str = "pm_card_visa") -> dict[str, Any]:
        """The customer and the card that a SetupIntent saved, authenticated if the bank asks."""
        customer = self.post("/v1/customers", email="awa@example.com").json()["id"]
        setup = self.post(
            "/v1/setup_intents", customer=customer, payment_method=method, confirm=True, return_url=BACK
        ).json()
        if setup["next_action"]:
            self.decide(setup, "complete")
        return {"customer": customer, "payment_method": setup["payment_method"]}

    def decide(self, intent: dict[str, Any], decision: str) -> str:
        """Press a button on the bank's page; the address to which the payer is sent."""
        page = intent["next_action"]["redirect_to_url"]["url"]
        answer = requests.post(page, {"decision": decision}, timeout=10, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]


def intent(**given: Any) -> dict[str, Any]:
    """The parameters of the card's create; None leaves one out."""
    usual = {"amount": 1_000, "currency": "xof", "allowed_payment_method_types": ["card"]}
    return {name: value for name, value in {**usual, **given}.items() if value is not None}


def flat(given: Any, name: str = "") -> list[tuple[str, str]]:
    """Parameters as a form has them."""
    if isinstance(given, dict):
        return [pair for key, value in given.items() for pair in flat(value, f"{name}[{key}]" if name else key)]
    if isinstance(given, list):
        return [pair for value in given for pair in flat(value, f"{name}[]")]
    return [(name, str(given).lower() if isinstance(given, bool) else str(given))]


def error(answer: requests.Response, status: int = 400) -> dict[str, Any]:
    """The error of an answer."""
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()["error"]
    return found


def query(url: str) -> dict[str, str]:
    """The parameters in an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def events(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """The first events that arrived."""
    return [json.loads(request.body) for request in receiver.wait(count)]


@contextmanager
def opened(callback_url: str | None = None) -> Iterator[Account]:
    """An account at a running simulator, which must not break."""
    simulator = Stripe(callback_url=callback_url)
    with talk(simulator):
        yield Account(simulator)
