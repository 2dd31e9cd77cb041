"""MTN's bench: an account for Cameroon."""

from ikawaari import ids
from ikawaari.money import Money
from ikawaari.providers.mtn import Mtn
from ikawaari.providers.values import Charge
from ikawaari.simulators import mtn
from tests.providers.bench import Bench


class MtnBench(Bench):
    """Every prompt is approved unless an order says otherwise."""

    adapter, simulator, country = Mtn, mtn.Mtn, "CM"
    signs_callbacks = False
    success = frozenset({("status", "SUCCESSFUL")})

    def charge(self, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """A charge in francs, which have no smaller unit."""
        return Charge(
            id=charge_id or ids.new_attempt(),
            intent_id="pi_test",
            money=Money(amount, "XAF"),
            method_type="mobile_money",
            operator="mtn_cm",
            country="CM",
            phone="+237670123456",
            statement="L'épicerie d'Awa",
            submitted_at=self.now(),
        )

    def order_decline(self) -> None:
        """The wallet is empty."""
        self.talk.next("fail", code="NOT_ENOUGH_FUNDS")

    def order_refusal(self) -> None:
        """One of the errors 500 that say that nothing was started."""
        self.talk.next("refuse", status=500, code="NOT_ALLOWED")
