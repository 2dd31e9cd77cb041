"""CinetPay's bench: the account of Senegal at the simulator."""

from ikawaari import ids
from ikawaari.money import Money
from ikawaari.providers.cinetpay import CinetPay
from ikawaari.providers.values import Charge
from ikawaari.simulators.cinetpay import CinetPay as Simulated
from tests.providers.bench import Bench


class CinetPayBench(Bench):
    """A push to Free in Senegal."""

    adapter, simulator, country = CinetPay, Simulated, "SN"
    signs_callbacks = False
    success = frozenset({("status", "SUCCESS"), ("code", 100)})

    def charge(self, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """By push: the payer approves within seconds."""
        return Charge(
            id=charge_id or ids.new_attempt(),
            intent_id="pi_test",
            money=Money(amount, "XOF"),
            method_type="mobile_money",
            operator="free_sn",
            country="SN",
            phone="+221763456789",
            customer_email="awa@example.com",
            page_url="http://127.0.0.1:8000/cs_test",
            statement="Boutique Awa",
            submitted_at=self.now(),
        )

    def order_decline(self) -> None:
        """INSUFFICIENT_BALANCE."""
        self.talk.next("fail", code=2005)

    def order_refusal(self) -> None:
        """INVALID_PARAMS."""
        self.talk.next("refuse", on="charge")

    def order_other_amount(self, amount: int) -> None:
        """It is found out only where the status has amounts."""
        self.talk.set(shows_amounts=True)
        super().order_other_amount(amount)
