"""Callbacks as values: what arrived, and what an adapter makes of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ikawaari.invariants import ensure
from ikawaari.money import Money
from ikawaari.providers.outcomes import Outcome, Result, cleaned


class CallbackRefused(Exception):
    """A callback whose signature or shape is wrong. It changes nothing. The message holds nothing of the callback."""


@dataclass(frozen=True, kw_only=True, repr=False)  # it names a person, and a trace may have it
class CallbackRequest:
    """A callback as it arrived, before anything in it is trusted."""

    method: str
    path: str  # as it was sent, percent-encoding included
    query: str = ""  # likewise, without the question mark
    authority: str  # the host and port under which the world reaches us, by configuration, not by the Host header
    headers: Sequence[tuple[str, str]]
    body: bytes
    tag: str | None = None  # the address's last part, if it is one of a charge: see `Account.has_tag`

    def header(self, name: str) -> str | None:
        """The header's value, in any case; several of one name are joined as if they were one. None without it."""
        values = [value.strip() for given, value in self.headers if given.lower() == name.lower()]
        return ", ".join(values) if values else None


@dataclass(frozen=True, kw_only=True)
class Report:
    """Signed news of one charge or refund, by our own id, and the provider's id of the news. It is applied."""

    event_id: str
    charge_id: str | None = None
    refund_id: str | None = None
    outcome: Outcome

    def __post_init__(self) -> None:
        ensure((self.charge_id is None) != (self.refund_id is None), "a report is about a charge or a refund")
        ensure(self.outcome.result is not Result.REFUSED, "only the answer to a call refuses it")
        object.__setattr__(self, "event_id", _storable(self.event_id))
        for name in ("charge_id", "refund_id"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, cleaned(given) or "")


@dataclass(frozen=True, kw_only=True)
class Hint:
    """Unsigned news, or signed news without a result: worth nothing but a question, which is asked at once.

    By our own id where the news has it, else by the provider's `reference` of the charge.
    """

    charge_id: str | None = None
    refund_id: str | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        ensure(self.charge_id or self.refund_id or self.reference, "a hint is about something")
        for name in ("charge_id", "refund_id", "reference"):
            object.__setattr__(self, name, cleaned(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class RefundElsewhere:
    """Signed news that somebody returned money of a charge at the provider, not through us.

    `reference`: the provider's id of the charge; the outcome has that of the refund.
    """

    event_id: str
    reference: str
    outcome: Outcome

    def __post_init__(self) -> None:
        object.__setattr__(self, "event_id", _storable(self.event_id))
        object.__setattr__(self, "reference", cleaned(self.reference) or "")


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """Signed news that a payer asked the bank for the money of a charge. Both ids are the provider's own."""

    event_id: str
    reference: str  # of the charge
    id: str
    money: Money
    status: str  # in the provider's words
    is_final: bool  # nothing follows
    is_lost: bool = True  # or may be; else the money stays

    def __post_init__(self) -> None:
        object.__setattr__(self, "event_id", _storable(self.event_id))
        for name in ("reference", "id", "status"):
            object.__setattr__(self, name, cleaned(getattr(self, name)) or "")


def _storable(event_id: str) -> str:
    """The id of a piece of news. If ids were cut, two could become equal, and the second one would be ignored."""
    if cleaned(event_id) == event_id:
        return event_id
    return f"sha256:{hashlib.sha256(event_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


Elsewhere = RefundElsewhere | Dispute
News = Report | Hint | Elsewhere
