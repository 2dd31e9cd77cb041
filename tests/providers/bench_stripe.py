"""Stripe's bench: the test cards decide, and the bank's page is clicked."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import requests

from ikawaari import ids
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers.outcomes import Outcome
from ikawaari.providers.stripe import Stripe
from ikawaari.providers.values import Account, Charge
from ikawaari.shapes import CardFields
from ikawaari.simulators import stripe as simulated
from tests.providers.bench import Bench

VISA, ASKS, ASKS_THEN_POOR = (
    "pm_card_visa",
    "pm_card_authenticationRequired",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
)


class StripeBench(Bench):
    """An account in test mode. Its payers are asked by their bank, so that a charge waits."""

    adapter = Stripe
    simulator = simulated.Stripe
    livemode = False
    success = frozenset({("status", "succeeded")})
    starts_at_once = False
    card = ASKS
    least: int | None = None  # the next charge's amount

    def charge(self, *, amount: int = 5_000, charge_id: str | None = None, card: str | None = None) -> Charge:
        """A charge of a card whose payer is asked by the bank; `card` is a test id."""
        amount, self.least = self.least or amount, None
        chosen, self.card = card or self.card, ASKS
        return Charge(
            id=charge_id or ids.new_attempt(),
            intent_id="pi_test",
            money=Money(amount, "XOF"),
            method_type="card",
            card_token=self.token(chosen),
            customer_name="Awa Diop",
            customer_email="awa@example.com",
            return_url="https://pay.example.com/pay/cs_1?returned=1",
            page_url="https://pay.example.com/pay/cs_1",
            statement="Boutique Awa",
            submitted_at=self.now(),
        )

    def order_decline(self) -> None:
        """The next charge's card has no money."""
        self.card = ASKS_THEN_POOR

    def order_refusal(self) -> None:
        """The next charge is of less than Stripe takes."""
        self.least = 100

    def settle(self, charge: Charge) -> None:
        """The payer says yes on the bank's page, where there is one."""
        self.decide(charge, "complete")

    def settle_refunds(self) -> None:
        """Stripe returns at once, unless the card says otherwise."""

    def paid(self, *, amount: int = 5_000) -> tuple[Charge, Outcome]:
        """Paid at once, so that the first event says so."""
        self.card = VISA
        return super().paid(amount=amount)

    # ------------------------------------------------------------ what tests of Stripe alone do

    def charged(self, charge: Charge) -> tuple[Charge, Outcome]:
        """What the adapter says of a charge, and the charge as the next call gets it."""
        outcome = self.provider.charge(self.account, charge, self.now())
        return self.known(charge, outcome), outcome

    def looked_up(self, charge: Charge, later: float = 0) -> Outcome:
        """What the adapter says of it then, or so many seconds later."""
        return self.provider.lookup(self.account, charge, self.now() + timedelta(seconds=later))

    def card_fields(self, account: Account) -> CardFields:
        """What a page needs for the account."""
        return present(self.provider.card_fields(account), "Stripe has fields")

    def ask(self, path: str, form: Mapping[str, str] | None = None) -> Any:
        """A call of the account's own, past the adapter: POST with a form."""
        key = {"Authorization": f"Bearer {self.account.text('secret_key')}"}
        url = f"{self.talk.base_url}{path}"
        method = "GET" if form is None else "POST"
        answer = requests.request(method, url, data=form, headers=key, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def token(self, card: str) -> str:
        """A confirmation token of a test card."""
        made: str = self.ask("/v1/test_helpers/confirmation_tokens", {"payment_method": card})["id"]
        return made

    def intents(self) -> list[dict[str, Any]]:
        """All payments that Stripe has, newest first."""
        found: list[dict[str, Any]] = self.ask("/v1/payment_intents?limit=100")["data"]
        return found

    def decide(self, charge: Charge, decision: str) -> None:
        """Press a button on the bank's page, if there is one."""
        kind = "setup_intents" if charge.is_setup else "payment_intents"
        action = self.ask(f"/v1/{kind}/{charge.reference}")["next_action"]
        if action:
            self.click(action["redirect_to_url"]["url"], decision)

    def click(self, url: str, decision: str) -> None:
        """The same on the page at `url`."""
        answer = requests.post(url, {"decision": decision}, timeout=10, allow_redirects=False)
        assert answer.status_code == 303

    def in_live_mode(self) -> None:
        """Go on in live mode."""
        keys = {name: str(value).replace("_test_", "_live_") for name, value in self.account.settings.items()}
        self.account = replace(self.account, livemode=True, settings=keys)

    def started(self, charge_id: str) -> int:
        """How many intents of that id there are: the ledger has what was taken, after the bank's page."""
        return sum(intent["metadata"].get("attempt") == charge_id for intent in self.intents())

    def major(self, entry: Mapping[str, str]) -> Decimal:
        """The ledger has minor units."""
        return Money(int(entry["amount"]), entry["currency"].upper()).major
