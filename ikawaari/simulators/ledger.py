"""What a simulated provider took and gave back: the truth that tests compare with."""

from dataclasses import dataclass, field
from typing import Literal

from ikawaari.simulators.shapes import JsonObject

State = Literal["pending", "succeeded", "failed"]


@dataclass
class Entry:
    """A charge, or a refund if it is `of` one. Simulators derive their own from it.

    `status` is the provider's word, `state` what it means; `amount` is a decimal string in the provider's own form.
    """

    id: str  # as the caller sent it
    amount: str
    currency: str
    operator: str
    payer: str
    created: float  # Unix seconds on the simulator's clock, like `settled`
    status: str
    state: State = "pending"
    of: str | None = None
    settled: float | None = None
    calls: int = 1  # how many creates arrived with this id

    def settle(self, status: str, state: State, now: float) -> None:
        """Note how it ended; said again, it replaces what was said."""
        self.status, self.state, self.settled = status, state, now

    def listed(self) -> JsonObject:
        """As the ledger shows it."""
        return {name: getattr(self, name) for name in _SHOWN}


_SHOWN = (
    *("id", "of", "amount", "currency", "operator", "payer", "status", "state"),
    *("created", "settled", "calls"),
)


@dataclass
class Ledger:
    """Charges and refunds, in the order in which they were accepted."""

    charges: list[Entry] = field(default_factory=list)
    refunds: list[Entry] = field(default_factory=list)

    def listed(self) -> dict[str, list[JsonObject]]:
        """Both lists, as JSON."""
        return {
            "charges": [entry.listed() for entry in self.charges],
            "refunds": [entry.listed() for entry in self.refunds],
        }
