"""pawaPay's bench: an account at its simulator, with a payer of Orange in Senegal."""

from ikawaari import ids
from ikawaari.money import Money
from ikawaari.providers.pawapay import PawaPay
from ikawaari.providers.values import Charge, Flow
from ikawaari.simulators import pawapay
from tests.providers.bench import Bench
from tests.simulators.pawapay_account import NUMBERS

COUNTRIES = {"SEN": "SN", "CIV": "CI", "BFA": "BF", "BEN": "BJ", "CMR": "CM", "COD": "CD"}


class PawaPayBench(Bench):
    """pawaPay."""

    adapter = PawaPay
    simulator = pawapay.PawaPay
    success = frozenset({("status", "COMPLETED")})

    def charge(self, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """Of Orange in Senegal."""
        return charge_of("orange_sn", "ORANGE_SEN", Money(amount, "XOF"), charge_id=charge_id)

    def order_decline(self) -> None:
        """The wallet is empty."""
        self.talk.next("fail", code="INSUFFICIENT_BALANCE")

    def order_refusal(self) -> None:
        """The operator is not there."""
        self.talk.next("refuse", code="PROVIDER_TEMPORARILY_UNAVAILABLE")


def charge_of(
    operator: str,
    wallet: str,
    money: Money,
    *,
    charge_id: str | None = None,
    flow: Flow | None = None,
    otp: str | None = None,
) -> Charge:
    """A charge of a payer whose number pays."""
    return Charge(
        id=charge_id or ids.new_attempt(),
        intent_id="pi_test",
        money=money,
        method_type="mobile_money",
        operator=operator,
        country=COUNTRIES[wallet[-3:]],
        phone=f"+{NUMBERS[wallet]}",
        flow=flow,
        otp=otp,
        customer_email="awa@example.com",
        return_url="https://pay.example.com/checkout/cs_test?returned=1",
        page_url="https://pay.example.com/checkout/cs_test",
        statement="Boutique Awa",
    )
