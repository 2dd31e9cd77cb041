"""Live cards in the domain's tests: the merchant's own account at the simulated Stripe, and cards that pay there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from ikawaari import clock
from ikawaari.checkout import account_setup, attempts, enquiry
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.simulators.stripe import Stripe
from ikawaari.store.models import CheckoutSession
from tests import factories
from tests.simulators.talking import Talk, talk
from tests.world import World, latest

PAYS, ASKS, POOR = "pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeDeclinedInsufficientFunds"
PAYS_ONCE = "pm_card_chargeCustomerFail"  # it can be saved, and pays nothing


class Cards:
    """An account at the simulated Stripe, in live mode."""

    def __init__(self, world: World, sim: Talk) -> None:
        self.world, self.sim = world, sim
        self.settings = {name: str(value).replace("_test_", "_live_") for name, value in sim.settings().items()}
        new = NewAccount(
            provider="stripe", merchant_id=str(world.merchant.id), country=None, livemode=True, settings=self.settings
        )
        account_setup.add(new, world.config, clock.now())

    def session(self, **overrides: Any) -> CheckoutSession:
        """An open live session of the merchant."""
        return self.world.session(livemode=True, **overrides)

    def token(self, card: str = PAYS) -> str:
        """A confirmation token, as the page's fields give it."""
        made: str = self.call("POST", "/v1/test_helpers/confirmation_tokens", {"payment_method": card})["id"]
        return made

    def pay(self, session: CheckoutSession, card: str = PAYS) -> None:
        """Try to pay with a card."""
        attempts.pay(session.id, factories.card_request(self.token(card)), self.world.now)

    def come_back(self, session: CheckoutSession) -> None:
        """The payer comes back from the bank: we ask at once."""
        enquiry.check(session.id, self.world.now)

    def decide(self, session: CheckoutSession, decision: str = "complete") -> None:
        """Press a button on the bank's page."""
        action = latest(session).next_action
        self.press(action["redirect_to_url"]["url"], decision)

    def press(self, url: str, decision: str = "complete") -> None:
        """The same on the page at `url`."""
        assert requests.post(url, {"decision": decision}, timeout=10, allow_redirects=False).status_code == 303

    def call(self, method: str, path: str, form: dict[str, str] | None = None) -> Any:
        """A call of the account's own."""
        key = {"Authorization": f"Bearer {self.settings['secret_key']}"}
        answer = requests.request(method, f"{self.sim.base_url}{path}", data=form, headers=key, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def states(self) -> list[str]:
        """What became of each try to take money."""
        return [charge["state"] for charge in self.sim.charges()]


@contextmanager
def opened(world: World) -> Iterator[Cards]:
    """The account, with a running simulator."""
    with talk(Stripe()) as sim:
        yield Cards(world, sim)
