"""The owner of objects: a merchant in one mode, separated from other merchants and from the other mode."""

from dataclasses import dataclass
from typing import Any

from ikawaari.store.models import Merchant


@dataclass(frozen=True, slots=True)
class Owner:
    """A merchant in one of its two modes. It is one value, so that nobody can pass the merchant and forget the mode."""

    merchant: Merchant
    livemode: bool

    @property
    def merchant_id(self) -> str:
        """The merchant's id."""
        return str(self.merchant.id)

    def has(self, row: Any) -> bool:
        """Whether `row` is one of the owner's."""
        return bool(row.merchant_id == self.merchant_id and row.livemode == self.livemode)
