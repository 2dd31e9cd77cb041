"""How a payment at CinetPay ends, whichever of its two APIs it was made by."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ikawaari.simulators.cinetpay.rules import COUNTRIES, Country
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.ledger import Entry, State


@dataclass(kw_only=True)
class Settled(Entry):
    """A payment of one country's account; `code` is the provider's."""

    country: Country
    code: Any  # a number in v1, a text in the legacy API
    notify_url: str
    detour: tuple[Any, float | None] | None = None  # fails with that code first, and succeeds seconds later, or never


class Settling(Simulator):
    """What both APIs share; `PAID` is the code of a success, `WORDS` what each code is called."""

    PAID: ClassVar[Any]
    WORDS: ClassVar[Mapping[Any, str]]

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        """Raises ValueError for a country without CinetPay. `callback_url` is unused: payments name their own."""
        super().__init__(callback_url, country)
        if country is not None and country not in COUNTRIES:
            raise ValueError(f"CinetPay is not in {country}, but in {', '.join(sorted(COUNTRIES))}")

    @abstractmethod
    def _tell(self, payment: Any) -> None:
        """Notify the merchant of a payment."""

    def _settle_later(self, payment: Settled, code: Any) -> None:
        """When the wallet is done, which may be at once."""
        seconds = self.knobs["settles_after"]
        if seconds:
            self.timeline.later(seconds, lambda: self._settle(payment, code))
        else:
            self._settle(payment, code)

    def _settle(self, payment: Settled, code: Any) -> None:
        if payment.detour is not None and code == self.PAID:
            (code, seconds), payment.detour = payment.detour, None
            if seconds is not None:
                self.timeline.later(seconds, lambda: self._settle(payment, self.PAID))
        other = self.orders.take("other_amount", "charge") if code == self.PAID else None
        if other is not None:
            payment.amount = str(other.more["amount"])
        payment.code = code
        state: State = "succeeded" if code == self.PAID else "failed"
        payment.settle(self.WORDS[code], state, self.timeline.now())
        self._tell(payment)
