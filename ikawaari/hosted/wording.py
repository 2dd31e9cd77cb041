"""What the page says: why a payment failed and what to do, what is wrong with a field, how often one pays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString, gettext, ngettext
from flask_babel import lazy_gettext as _l

from ikawaari import errors
from ikawaari.checkout.notes import Hindrance, Reason
from ikawaari.errors import IkawaariError
from ikawaari.hosted import moments
from ikawaari.shapes import LinkEnd, Recurring, Rhythm

_MINUTES_ARE_TOLD = 100  # longer waits are shown in hours
_IN_EACH_MONTH = 27  # what is due on the 28th of February may be due on the 31st of March


@dataclass(frozen=True)
class Notice:
    """What happened, and what to do about it; `button`: how the form's button names the next try, if not as usual."""

    title: LazyString | str
    advice: LazyString | str
    button: LazyString | str = ""
    is_late: bool = False  # time ran out


_NOTHING = _l("Nothing was taken.")
_OTHER_CARD = _l("Nothing was taken. Try another card, or mobile money.")
_ASK_OPERATOR = _l("Nothing was taken. Call %(operator)s, or pay another way.")
_LIMIT = Notice(_l("Your account’s limit is reached"), _l("Nothing was taken. Pay with another account."))
_NO_ACCOUNT = Notice(
    _l("No %(operator)s account on this number"), _l("Nothing was taken. Check the number or the operator.")
)
_BLOCKED = Notice(_l("Your account cannot make this payment"), _ASK_OPERATOR)
_NEW_CODE = _l("Ask for a new code")

# Each may name the operator, `%(operator)s`, and the shop, `%(merchant)s`.
FAILURES: Mapping[str, Notice] = {
    "insufficient_funds": Notice(
        _l("Not enough money on %(operator)s"),
        _l("Nothing was taken. Top up, or pay another way."),
        _l("Try again with %(operator)s"),
    ),
    "payer_declined": Notice(
        _l("You refused on the phone"), _l("Nothing was taken. A mistake? Send the request again."), _l("Send again")
    ),
    "payment_timeout": Notice(
        _l("Time is over"),
        _l("Nothing was taken. Keep the phone at hand and send the request again."),
        _l("Send again"),
        is_late=True,
    ),
    "payer_not_found": _NO_ACCOUNT,
    "invalid_phone": _NO_ACCOUNT,
    "payer_limit": _LIMIT,
    "wallet_limit": _LIMIT,
    "payer_blocked": _BLOCKED,
    "not_allowed": _BLOCKED,
    "otp_invalid": Notice(_l("That was not the right code"), _l("Nothing was taken. Ask for a new one."), _NEW_CODE),
    "otp_expired": Notice(_l("No code received?"), _NOTHING, _NEW_CODE, is_late=True),
    "duplicate_in_progress": Notice(
        _l("A payment already waits on this phone"), _l("Finish or refuse it there, then try again.")
    ),
    "provider_unavailable": Notice(
        _l("%(operator)s is not answering"),
        _l("Nothing was taken. Choose another operator, or wait a little."),
    ),
    "invalid_amount": Notice(
        _l("%(operator)s could not take the exact amount"),
        _l("If it took another amount, the shop gives it back. Choose another way to pay."),
    ),
    "card_declined": Notice(_l("Your bank refused the card"), _OTHER_CARD),
    "card_expired": Notice(_l("This card has expired"), _OTHER_CARD),
    "authentication_required": Notice(
        _l("Your bank wants to be sure it is you"),
        _l("Nothing was taken. Try again and confirm with your bank when it asks."),
    ),
    "authentication_failed": Notice(_l("Your bank could not confirm it was you"), _OTHER_CARD),
    "canceled": Notice(_l("Payment canceled"), _l("Nothing was taken. You can try again whenever you like.")),
    "expired": Notice(_l("Time is over"), _l("Nothing was taken. You can try again."), is_late=True),
    "configuration_error": Notice(
        _l("This payment method isn’t working for %(merchant)s"), _l("Nothing was taken. Choose another one.")
    ),
    "unknown": Notice(
        _l("The payment did not go through"),
        _l("Look at your SMS before you try again; we keep checking."),
    ),
}

_IN_WALLET: Mapping[str, Notice] = {"payer_declined": Notice(_l("Payment refused in %(operator)s"), _NOTHING)}
"""Where the payer was led to a wallet, and nothing was asked on the phone."""

_EITHER: Mapping[tuple[str, str | None], Notice] = {
    ("unknown", "insufficient_funds"): Notice(
        _l("The payment did not go through"),
        _l(
            "Often there is not enough money in the account. Look at your messages before you try again: if money was "
            "taken after all, reload this page."
        ),
    ),
    ("payer_declined", "payment_timeout"): Notice(
        _l("The payment was refused, or not confirmed in time"),
        _l("Nothing was taken. Keep your phone at hand and send the request again."),
    ),
}
"""Where a provider's word covers more than one failure, or says nothing, by the failure and what it may as well be."""

_PAGES: Mapping[int, Notice] = {
    403: Notice(
        _l("This request was refused"),
        _l("It did not come from this page. Open the payment page again and start from there."),
    ),
    404: Notice(
        _l("Page not found"),
        _l("Check the link, or ask whoever sent it for a new one."),
    ),
    410: Notice(
        _l("This link is no longer active"),
        _l("Ask the shop for a new one."),
    ),
    429: Notice(
        _l("Too many tries"),
        _l("Try again in a minute."),
    ),
}
_OURS = Notice(
    _l("A problem on our side"),
    _l("We’re retrying automatically. If you have already approved, don’t pay again: this page will show the result."),
)
_THEIRS = Notice(_l("This request cannot be read"), _l("Go back and try again."))


def failure(
    code: str | None,
    operator: str | None = None,
    or_else: str | None = None,
    *,
    in_wallet: bool = False,
    shop: str = "",
) -> Notice:
    """The text for a failure code of the closed set, with the operator's and the shop's name in it. `or_else`: what the
    failure may as well be. `in_wallet`: the payer was not asked on the phone, but led to a wallet.
    """
    apart = _EITHER.get((code or "", or_else)) or (_IN_WALLET.get(code or "") if in_wallet else None)
    found = apart or FAILURES.get(code or "", FAILURES["unknown"])
    named = {"operator": operator or str(_l("your operator")), "merchant": shop}
    title, advice, button = (str(text) % named for text in (found.title, found.advice, found.button))
    return Notice(title, advice, button, found.is_late)


def hindrance(one: Hindrance, amount: str) -> LazyString:
    """Why an operator cannot be paid by, in its line; `amount`: its limit."""
    return {
        Reason.DOWN: _l("Not working now"),
        Reason.MINIMUM: _l("Min. %(amount)s", amount=amount),
        Reason.MAXIMUM: _l("Max. %(amount)s", amount=amount),
        Reason.STEP: _l("Only multiples of %(amount)s", amount=amount),
    }[one.reason]


def hindered(one: Hindrance, operator: str, amount: str) -> LazyString:
    """The same in a sentence, for who has chosen that operator."""
    return {
        Reason.DOWN: _l("%(operator)s is not working now. Choose another way to pay.", operator=operator),
        Reason.MINIMUM: _l("%(operator)s takes at least %(amount)s.", operator=operator, amount=amount),
        Reason.MAXIMUM: _l("%(operator)s takes at most %(amount)s.", operator=operator, amount=amount),
        Reason.STEP: _l("%(operator)s takes only multiples of %(amount)s.", operator=operator, amount=amount),
    }[one.reason]


def error(cause: IkawaariError | None, status: int) -> Notice:
    """The text for an error page."""
    if cause is not None and cause.row == errors.SESSION_EXPIRED:
        return EXPIRED
    return _PAGES.get(status) or (_OURS if status >= 500 else _THEIRS)


EXPIRED = Notice(
    _l("This page has expired"),
    _l("Nothing was taken. Go back to the shop to start again."),
)


UNAVAILABLE: Mapping[str, Notice] = {
    LinkEnd.INACTIVE: Notice(
        _l("This link has ended"),
        _l("The shop closed it. Nothing was taken."),
    ),
    "expired": Notice(_l("This payment link has expired"), _l("Its time is over. Nothing was taken.")),
    LinkEnd.USED: Notice(
        _l("This link has ended"),
        _l("All its payments have been made. Nothing was taken here."),
    ),
}


def rest(seconds: int) -> str:
    """The text for somebody who has tried too often: when the next try is accepted."""
    minutes = -(-seconds // 60)
    if minutes < _MINUTES_ARE_TOLD:
        # The texts are in the call, where the extractor finds them.
        return str(
            ngettext("Too many tries. Try again in a minute.", "Too many tries. Try again in %(num)d minutes.", minutes)
        )
    hours = -(-minutes // 60)
    return str(ngettext("Too many tries. Try again in an hour.", "Too many tries. Try again in %(num)d hours.", hours))


def every(recurring: Rhythm) -> str:
    """How often a subscription is paid: "every month", "every 3 weeks"."""
    count = int(recurring["interval_count"])
    texts = {
        "day": lambda: ngettext("every day", "every %(num)d days", count),
        "week": lambda: ngettext("every week", "every %(num)d weeks", count),
        "month": lambda: ngettext("every month", "every %(num)d months", count),
        "year": lambda: ngettext("every year", "every %(num)d years", count),
    }
    return str(texts[recurring["interval"]]())


def per(recurring: Rhythm) -> str:
    """The same behind an amount: "a month", "every 3 weeks"."""
    texts = {"day": _l("a day"), "week": _l("a week"), "month": _l("a month"), "year": _l("a year")}
    return str(texts[recurring["interval"]]) if int(recurring["interval_count"]) == 1 else every(recurring)


def renewal(recurring: Rhythm, first: datetime, locale: str) -> str:
    """When a subscription is paid again, from its second payment on, in the language of the current request."""
    rhythm, day = (recurring["interval"], int(recurring["interval_count"])), moments.day_of_year(first, locale)
    if rhythm == ("month", 1) and first.day <= _IN_EACH_MONTH:
        return str(gettext("Then on the %(day)s of each month", day=moments.ordinal(first.day, locale)))
    if rhythm == ("year", 1):
        return str(gettext("Then on %(day)s each year", day=day))
    return str(gettext("Then from %(day)s, %(every)s", day=day, every=every(recurring)))


def trial(recurring: Recurring | None) -> str:
    """How long a subscription is free at first; empty if it is not."""
    days = (recurring.get("trial_period_days") if recurring else None) or 0
    return ngettext("1 day free", "%(num)d days free", days) if days else ""


def script() -> list[tuple[str, LazyString]]:
    """What the endings of a phone number make the sandbox do."""
    return list(_SCRIPT)


def tappable() -> list[tuple[str, LazyString]]:
    """The endings that the page offers as buttons."""
    return [one for one in _SCRIPT if one[0] in _TAPPABLE] + [("67", _l("paid"))]


def other_endings() -> list[tuple[str, LazyString]]:
    """Those that the page only lists."""
    return [one for one in _SCRIPT if one[0] not in _TAPPABLE]


def test_cards() -> list[tuple[str, LazyString]]:
    """The test cards a customer can type, and what comes of them."""
    return list(_TEST_CARDS)


_SCRIPT = (
    ("001", _l("not enough money")),
    ("002", _l("refused")),
    ("003", _l("nobody approves")),
    ("004", _l("no answer, yet paid")),
    ("005", _l("error, yet paid")),
    ("006", _l("paid, told three times")),
    ("007", _l("failed, then paid after all")),
    ("008", _l("operator down")),
    ("009", _l("code by SMS: 123456")),
    ("010", _l("wallet page")),
    ("011", _l("never ends")),
    ("012", _l("too little is paid")),
    ("013", _l("paid; a refund takes its time")),
    ("014", _l("paid; a refund fails")),
    ("015", _l("paid; renewals time out")),
)
_TAPPABLE = {"001", "002", "003", "004", "008", "009", "010"}
_TEST_CARDS = (
    ("4242 4242 4242 4242", _l("paid")),
    ("4000 0025 0000 3155", _l("the bank asks first")),
    ("4000 0000 0000 0002", _l("refused")),
    ("4000 0000 0000 9995", _l("not enough money")),
    ("4000 0000 0000 0069", _l("expired")),
    ("4000 0000 0000 0341", _l("paid; renewals are refused")),
)
