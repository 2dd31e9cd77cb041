"""What a number says of its country and operator, shown before anything is sent.

Numbers are ported, and some operators take any of them: nobody is charged by an operator that the page never showed.
"""

from dataclasses import replace

from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l

from ikawaari import phones
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.hosted import drafts, prefixes
from ikawaari.hosted.drafts import Draft
from ikawaari.shapes import MethodType

LANDLINE = "landline"  # a reason in a draft
_GUESS, _MOVED = "guess", "moved"  # reasons in a draft, joined by a blank


def shown_first(draft: Draft, view: PublicCheckout) -> Draft:
    """The draft as it is, or marked to be shown first: with the number's own country, and the operator guessed from it.

    It is only marked once: the form that shows it sends what it shows.
    """
    if (draft.get("method") or drafts.method(draft, view)) == MethodType.CARD:
        return draft
    country, operator = drafts.country_of(draft, view), drafts.wanted_operator(draft, view)
    reasons = [
        *([_MOVED] if country and draft.get("country") not in {"", country} else []),
        *([_GUESS] if operator else []),
    ]
    if not reasons or (operator and operator == draft.get("operator")):
        return draft
    values = {
        **draft.values,
        "country": country or "",
        "operator": operator or "",
        "phone": prefixes.national(draft.get("phone")),
    }
    return replace(draft, values=values, faults=("operator",), reasons={"operator": " ".join(reasons)})


def no_landline(draft: Draft) -> Draft:
    """The draft with a landline's number marked as wrong: no wallet has one."""
    if draft.get("method") == MethodType.CARD:
        return draft
    try:
        phone = phones.parse(draft.get("phone"), draft.get("country") or None)
    except phones.InvalidPhone:
        return draft
    if not phones.is_fixed_line(phone):
        return draft
    return replace(draft, faults=(*draft.faults, "phone"), reasons={**draft.reasons, "phone": LANDLINE})


def other_than_chosen(draft: Draft, view: PublicCheckout) -> str | None:
    """The operator to which the number was first assigned, if another one was chosen, which does not take any number.

    A ported number is rightly paid by another operator: this is only said, and nothing is refused.
    """
    chosen, own = drafts.operator_of(draft, view), drafts.assigned_operator(draft, view)
    was_chosen = chosen and chosen == draft.get("operator") and "phone" not in draft.faults
    return own if was_chosen and own != chosen and chosen in prefixes.PREFIXES else None


def words(reason: str, operator: str | None, from_country: str) -> LazyString | str | None:
    """What is said of a draft that is shown first; None for any other reason."""
    reasons = set(reason.split())
    if not reasons or not reasons <= {_GUESS, _MOVED}:
        return None
    said = _l("Choose the operator.")
    if _GUESS in reasons:
        said = _l("We think it is %(operator)s: check, then press Pay.", operator=operator)
    if _MOVED not in reasons:
        return said
    moved = gettext("Number %(from_country)s: we changed the country.", from_country=from_country)
    return f"{moved} {said}"
