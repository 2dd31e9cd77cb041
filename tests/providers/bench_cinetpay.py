"""CinetPay's bench: the account of Senegal at the simulator."""

from ikawaari import ids
from ikawaari.money import Money
from ikawaari.providers.cinetpay import CinetPay
from ikawaari.providers.values import Charge
from ikawaari.simulators.cinetpay import CinetPay as Simulated
from tests.providers.bench import Bench


def charge_by(bench: Bench, operator: str, phone: str, amount: int, charge_id: str | None) -> Charge:
    """A charge of a wallet of Senegal."""
    return Charge(
        id=charge_id or ids.new_attempt(),
        intent_id="pi_test",
        money=Money(amount, "XOF"),
        method_type="mobile_money",
        operator=operator,
        country="SN",
        phone=phone,
        customer_email="awa@example.com",
        page_url="http://127.0.0.1:8000/cs_test",
        statement="Boutique Awa",
        submitted_at=bench.now(),
    )


class CinetPayBench(Bench):
    """A push to Free in Senegal."""

    adapter, simulator, country = CinetPay, Simulated, "SN"
    signs_callbacks = False
    success = frozenset({("status", "SUCCESS"), ("code", 100)})

    def charge(self, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """By push: the payer approves within seconds."""
        return charge_by(self, "free_sn", "+221763456789", amount, charge_id)

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
