"""Wave's bench: whoever pays clicks on the page of a session."""

from decimal import Decimal

from ikawaari import ids
from ikawaari.money import Money
from ikawaari.providers.outcomes import FailureCode
from ikawaari.providers.values import Charge, Flow, RefundOrder
from ikawaari.providers.wave import Wave
from ikawaari.simulators import wave
from tests.providers.bench import Bench
from tests.simulators.wave_wallet import Wallet, press

SESSION_SECONDS = 1_800


class WaveBench(Bench):
    """A wallet in Senegal, with signed requests and signed webhooks."""

    adapter = Wave
    simulator = wave.Wave
    country = "SN"
    success = frozenset({("payment_status", "succeeded")})
    starts_at_once = False
    decline = FailureCode.EXPIRED  # a failed try leaves the session open, until its time is over

    def __init__(self, *around: object) -> None:
        super().__init__(*around)  # type: ignore[arg-type]
        self.wallet = Wallet(self.talk)
        self.declines = False
        self.charges: dict[str, str] = {}  # by refund

    def charge(self, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """A charge in Senegal."""
        return Charge(
            id=charge_id or ids.new_attempt(),
            intent_id="pi_test",
            money=Money(amount, "XOF"),
            method_type="mobile_money",
            operator="wave_sn",
            country="SN",
            phone="+221773456789",
            flow=Flow.REDIRECT,
            return_url="https://pay.example.com/cs_test?returned=1",
            statement="Boutique Awa",
        )

    def order_decline(self) -> None:
        """The payer has no money, tries it once, and goes away."""
        self.declines = True

    def order_refusal(self) -> None:
        """Wave does not like the amount."""
        self.talk.next("refuse", code="request-validation-error")

    def settle(self, charge: Charge) -> None:
        """The payer presses a button."""
        found = self.wallet.get(f"/checkout/sessions/search?client_reference={charge.id}").json()["result"]
        press(found[0], "decline" if self.declines else "pay", mobile=charge.phone or "")
        if self.declines:
            self.talk.advance(SESSION_SECONDS)

    def refund_of(self, charge: Charge, amount: int | None = None) -> RefundOrder:
        """An order, whose id Wave never sees."""
        order = super().refund_of(charge, amount)
        self.charges[order.id] = charge.id
        return order

    def returned(self, refund_id: str) -> Decimal:
        """What Wave gave back of the refund's charge."""
        mine = [entry for entry in self.talk.refunds() if entry["of"] == self.charges[refund_id]]
        return sum((self.major(entry) for entry in mine if entry["state"] == "succeeded"), Decimal())
