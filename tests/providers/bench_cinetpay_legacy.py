"""The bench of CinetPay's legacy API: whoever pays presses a button of its page."""

import requests

from ikawaari.providers.cinetpay import CinetPay
from ikawaari.providers.values import Charge
from ikawaari.simulators.cinetpay import LegacyCinetPay
from tests.providers.bench import Bench
from tests.providers.bench_cinetpay import charge_by


class LegacyCinetPayBench(Bench):
    """The service of Senegal.

    A look-up does not say the page's address again. Here it is paid all the same, by somebody who saw it on its way.
    """

    adapter, simulator, country = CinetPay, LegacyCinetPay, "SN"
    kind = "-legacy"
    signs_callbacks = False  # it does, but what is signed may be cut into other fields: it only makes us ask
    success = frozenset({("code", "00"), ("message", "SUCCES"), ("status", "ACCEPTED")})

    def charge(self, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """On the page."""
        return charge_by(self, "orange_sn", "+221773456789", amount, charge_id)

    def order_decline(self) -> None:
        """INSUFFICIENT_BALANCE."""
        self.talk.next("fail", code="602")

    def order_refusal(self) -> None:
        """MINIMUM_REQUIRED_FIELDS."""
        self.talk.next("refuse", on="charge", description="notify_url is wrong")

    def settle(self, charge: Charge) -> None:
        """The payer presses the button, and waits."""
        pages = requests.get(f"{self.talk.base_url}/_sim/pages", timeout=5).json()
        if url := pages.get(self.provider.sent_id(charge.id)):
            requests.post(url, data={"decision": "pay"}, timeout=5)
        super().settle(charge)
