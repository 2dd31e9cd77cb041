"""A provider's statement as values: what it says, in a file or by its API, that it took and returned."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ikawaari.money import MAX_AMOUNT, Money
from ikawaari.providers.outcomes import cleaned


class NoStatement(Exception):
    """A statement could not be read as a whole. The message says why, in one line, without a secret."""


class Kind(StrEnum):
    """What a line is about."""

    PAYMENT = "payment"
    REFUND = "refund"


class Standing(StrEnum):
    """What became of it, as the statement says."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One payment or refund of a statement. All ids are in the form in which the provider writes them."""

    kind: Kind
    id: str  # the provider's
    own_id: str | None = None  # ours, as it was sent: of the charge, or of the refund
    charge_id: str | None = None  # of a refund: the charge's, the provider's or ours
    money: Money  # of a refund, too, it is positive
    standing: Standing = Standing.SUCCEEDED
    at: datetime | None = None
    fee: int | None = None  # what the provider keeps, in the smallest unit; below 0 what it returns; None: not said
    fee_currency: str | None = None
    number: int = 0  # of the line in its file, or its place in the answers

    def __post_init__(self) -> None:
        for name in ("id", "own_id", "charge_id"):
            object.__setattr__(self, name, cleaned(getattr(self, name)))
        object.__setattr__(self, "id", self.id or "")
        if abs(self.fee or 0) > MAX_AMOUNT:
            raise ValueError("a fee that nobody takes")
