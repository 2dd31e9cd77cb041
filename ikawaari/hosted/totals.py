"""The total that the open form shows, and the one that its customer has seen: nobody pays a different one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ikawaari.checkout import quotes
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.checkout.quotes import Quote
from ikawaari.errors import ValidationFailed
from ikawaari.hosted import drafts
from ikawaari.hosted.drafts import Draft
from ikawaari.hosted.page_state import PageState

FIELD = "agreed"  # the total that the form showed


@dataclass(frozen=True)
class Total:
    """Whether the form must show a total, and which one, once enough is chosen."""

    asked: bool
    quote: Quote | None


def shown(session: Any, view: PublicCheckout, draft: Draft, state: PageState) -> Total:
    """The form's total with its current choices."""
    if state.name != "choose" or not quotes.must_be_agreed(session):
        return Total(asked=False, quote=None)
    try:
        chosen = drafts.to_request(draft, view, return_url="")
        quote = quotes.of(session, chosen.type, chosen.amount, chosen.quantities)
    except ValidationFailed:
        return Total(asked=True, quote=None)
    return Total(asked=True, quote=quote)


def charged(view: PublicCheckout, draft: Draft, total: Total) -> int | None:
    """What the current choices would charge, where the session alone does not say it."""
    if total.quote:
        return total.quote.total
    try:
        return drafts.chosen_amount(draft, view)
    except ValidationFailed:
        return None


def seen(session: Any, form: Mapping[str, str]) -> int | None:
    """The total that the customer has seen; 0, which matches no total, if none; None for an amount just typed."""
    if not quotes.must_be_agreed(session):
        amount: int | None = session.amount
        return amount
    text = form.get(FIELD, "")
    return int(text) if re.fullmatch("[0-9]{1,19}", text) else 0
