"""An independent voice: the adapter against localstripe, somebody else's Stripe: a process in its own environment.

It knows an older and smaller API. `Reduced` leaves out what it refuses, among it `allowed_payment_method_types`, and
tells it otherwise what it wants to be told otherwise; everything else is as it is always sent and read.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from ikawaari import ids
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.base import (
    Account,
    CallbackRequest,
    Charge,
    FailureCode,
    Hint,
    Outcome,
    RefundOrder,
    Result,
    SavedMethod,
)
from ikawaari.providers.callbacks import News
from ikawaari.providers.http import Answer, NoAnswer
from ikawaari.providers.stripe import Stripe
from ikawaari.providers.stripe.wire import Api, Form
from ikawaari.simulators.web import Request
from tests.clients import tools
from tests.serving import free_port
from tests.simulators.talking import Receiver, eventually

pytestmark = pytest.mark.long  # it is installed first, and knows no more than the official client

SECRET = "whsec_localstripe"
_REFUSED = {
    *("allowed_payment_method_types[]", "description", "setup_future_usage", "return_url", "cancellation_reason"),
    *("reason", "off_session", "error_on_requires_action", "expand[]", "created[gte]", "created[lte]"),
}


class ReducedApi(Api):
    """What localstripe takes of our requests, and its answers with what they lack."""

    def post(self, path: str, form: Form, key: str, what: str) -> Answer | NoAnswer:
        """It wants the payment method before the intent is confirmed."""
        given = _taken(form)
        if what == "confirm":
            super().post(path.removesuffix("/confirm"), given, key, "update")
            given = {}
        return _completed(super().post(path, given, key, what))

    def get(self, path: str, query: Form, what: str) -> Answer | NoAnswer:
        """The same for what is read."""
        return _completed(super().get(path, _taken(query), what))


class Reduced(Stripe):
    """The adapter, but for its requests."""

    def _api(self, account: Account) -> Api:
        return ReducedApi(self.call(account), account)


def _taken(form: Form) -> Form:
    return {name: value for name, value in form.items() if name not in _REFUSED}


def _completed(answer: Answer | NoAnswer) -> Answer | NoAnswer:
    """Its intents do not say what was received: their charges do. All its errors have one type."""
    said: Any = answer.value() if isinstance(answer, Answer) else None
    if not isinstance(answer, Answer) or not isinstance(said, dict):
        return answer
    for one in [said, *(said.get("data") or [])]:
        charge = one.get("latest_charge")
        one["amount_received"] = charge["amount"] if charge and charge["status"] == "succeeded" else 0
        if error := one.get("last_payment_error"):
            error["type"] = "card_error"
    if answer.status == 402:
        said["error"]["type"] = "card_error"
    return replace(answer, body=json.dumps(said).encode())


@pytest.fixture(scope="module")
def program() -> Path:
    """localstripe, installed when it is first asked for."""
    try:
        return tools.environment("localstripe", ["localstripe==1.15.10"]).with_name("localstripe")
    except (AssertionError, OSError, subprocess.SubprocessError) as reason:
        pytest.skip(f"localstripe cannot be installed here: {str(reason)[:200]}")


@pytest.fixture(scope="module")
def base_url(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running one."""
    port = free_port()
    with (tmp_path_factory.mktemp("localstripe") / "log").open("w") as log:
        process = subprocess.Popen([program, "--port", str(port), "--from-scratch"], stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(url: str) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        with suppress(requests.ConnectionError):
            requests.get(url, timeout=5)
            return
        time.sleep(0.05)
    raise AssertionError("localstripe does not answer")


class Shop:
    """The adapter with an account there."""

    def __init__(self, config: Config, base_url: str) -> None:
        self.provider = Reduced(config)
        settings = {"secret_key": "sk_test_12345", "publishable_key": "pk_test_1", "webhook_secret": SECRET}
        self.account = Account(
            id=f"acc_{ids.random_text(16)}",
            provider="stripe",
            settings={**settings, "base_url": base_url},
            livemode=False,
            callback_url="http://127.0.0.1/callbacks/acc_1",
        )

    def ask(self, path: str, form: Mapping[str, str]) -> Any:
        """A call of the account's own."""
        key = (self.account.text("secret_key"), "")
        answer = requests.post(f"{self.account.text('base_url')}{path}", form, auth=key, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def charge(self, card: str, customer: str | None = None) -> Charge:
        """A charge of a saved card: localstripe knows no confirmation tokens."""
        return Charge(
            id=ids.new_attempt(),
            intent_id="pi_test",
            money=Money(5_000, "XOF"),
            method_type="card",
            saved=SavedMethod(id=card, customer=customer),
            return_url="https://pay.example.com/r/AbC",
            statement="Boutique Awa",
            submitted_at=_now(),
        )

    def charged(self, charge: Charge) -> tuple[Charge, Outcome]:
        """What the adapter says of it, and the charge as the next call gets it."""
        outcome = self.provider.charge(self.account, charge, _now())
        return replace(charge, reference=outcome.reference), outcome

    def looked_up(self, charge: Charge) -> Outcome:
        """What it says then."""
        return self.provider.lookup(self.account, charge, _now())

    def heard(self, sent: Request) -> Sequence[News]:
        """What it makes of an event."""
        request = CallbackRequest(
            method="POST", path=sent.path, authority="127.0.0.1", headers=list(sent.headers.items()), body=sent.body
        )
        return self.provider.parse_callback(self.account, request, _now())


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def shop(config: Config, base_url: str) -> Shop:
    """A shop there."""
    return Shop(config, base_url)


def test_a_card_pays_and_is_found_with_and_without_its_reference(shop: Shop) -> None:
    charge, outcome = shop.charged(shop.charge("pm_card_visa"))
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, charge.money)
    assert shop.looked_up(charge).money == charge.money
    assert shop.looked_up(replace(charge, reference=None)).money == charge.money
    assert shop.looked_up(replace(charge, id=ids.new_attempt(), reference=None)).result is Result.NOT_FOUND


def test_a_decline_is_a_failure_there_too(shop: Shop) -> None:
    charge, outcome = shop.charged(shop.charge("pm_card_chargeCustomerFail"))
    assert (outcome.result, outcome.failure) == (Result.FAILED, FailureCode.CARD_DECLINED)
    found = shop.looked_up(charge)
    assert (found.result, found.failure) == (Result.FAILED, FailureCode.CARD_DECLINED)


def test_a_saved_card_pays_again(shop: Shop) -> None:
    customer = shop.ask("/v1/customers", {"metadata[attempt]": "1"})["id"]
    method = shop.ask("/v1/payment_methods/pm_card_visa/attach", {"customer": customer})["id"]
    for _ in range(2):
        charge, outcome = shop.charged(replace(shop.charge(method, customer), off_session=True))
        assert outcome.money == charge.money


def test_money_goes_back(shop: Shop) -> None:
    charge, _ = shop.charged(shop.charge("pm_card_visa"))
    order = RefundOrder(
        id=ids.new_attempt(),
        charge_id=charge.id,
        charge_reference=charge.reference,
        money=Money(2_000, "XOF"),
    )
    outcome = shop.provider.refund(shop.account, order, _now())
    assert outcome.money == order.money
    for asked in (order, replace(order, reference=outcome.reference)):
        assert shop.provider.lookup_refund(shop.account, asked, _now()).money == order.money


def test_what_nobody_finishes_is_canceled(shop: Shop) -> None:
    card = {"card[number]": "4000002500003155", "card[exp_month]": "12", "card[exp_year]": "2034", "card[cvc]": "123"}
    method = shop.ask("/v1/payment_methods", {"type": "card", **card})["id"]
    charge, outcome = shop.charged(shop.charge(method))
    assert outcome.result is Result.REQUIRES_ACTION
    assert shop.provider.cancel(shop.account, charge, _now()).failure is FailureCode.CANCELED
    assert shop.looked_up(charge).failure is FailureCode.CANCELED


def test_it_accepts_the_key_that_it_knows(shop: Shop) -> None:
    assert shop.provider.check(shop.account, _now()).is_usable


def test_its_signed_events_are_accepted_and_only_make_us_ask(shop: Shop, base_url: str) -> None:
    """They are of an old version of the API. Those of the tests before this one may still come."""
    with Receiver().listening() as receiver:
        hook = {"url": receiver.url, "secret": SECRET, "events[]": "payment_intent.succeeded"}
        assert requests.post(f"{base_url}/_config/webhooks/1", hook, timeout=10).ok
        charge, _ = shop.charged(shop.charge("pm_card_visa"))
        eventually(lambda: [Hint(charge_id=charge.id)] in [shop.heard(one) for one in receiver.received])
