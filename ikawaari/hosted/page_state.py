"""Which page a session's public view requires, when to poll, and when to redirect the customer. Pure functions."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from ikawaari import clock
from ikawaari.checkout.public_view import PublicCheckout, PublicPayment
from ikawaari.hosted import drafts
from ikawaari.hosted.drafts import Draft
from ikawaari.invariants import present
from ikawaari.shapes import MethodType

Name: TypeAlias = Literal[
    "choose",
    "sending",
    "prompt",
    "otp",
    "redirect",
    "qr",
    "time_over",
    "unknown",
    "paid",
    "trial",
    "past_due",
    "refunded",
    "late",
    "expired",
    "unavailable",
]
"""The states of a session's page. Each has its pictures in the gallery."""
UNSETTLED = frozenset({"submitting", "processing", "requires_action", "unknown"})
WAITING = frozenset({"sending", "prompt", "otp", "redirect", "qr", "time_over", "unknown"})
_ENDING = frozenset({"prompt", "otp", "redirect", "qr"})  # these have an end, and then only the answer is awaited
_ACTIONS: Mapping[str, Name] = {
    "mobile_money_ussd": "prompt",
    "mobile_money_otp": "otp",
    "redirect_to_url": "redirect",
    "display_qr_code": "qr",
}
_MONEY: Mapping[str, Name] = {
    "paid": "paid",
    "refunded": "refunded",
    "partially_refunded": "refunded",
    "no_payment_required": "trial",
}
_RECEIPTS = frozenset({"paid", "trial"})
_OWING = frozenset({"past_due", "unpaid"})
_ENDED = frozenset({"expired", "unavailable"})
_SENDING_SECONDS = 25  # a charge call without an answer after this time is shown as unknown
_POLLS = ((30, 2), (90, 3), (240, 5))  # (age of the attempt, seconds between two polls); older ones poll slowest
_SLOWEST_POLL = 10
_HOLD_SECONDS = 6  # how long the redirect waits until the merchant's webhook is acknowledged
_HELD_POLL_SECONDS = 2
_RETURN_SECONDS = 8  # how long the receipt stays, so that it can be read
_OPEN_SECONDS = 2
_FRESH_SECONDS = 30 * 60
_DOUBTED = "unknown"  # a failure of this kind may turn out to be a payment
_DOUBTED_SECONDS, _DOUBTED_POLL_SECONDS = 5 * 60, 10
_DOWN_POLL_SECONDS = 30  # while there is nothing to pay by
_HOUR_AHEAD = frozenset({"BJ", "NE", "CM", "CD"})  # West Africa Time; the other countries use GMT


@dataclass(frozen=True)
class Forward:
    """Where the page redirects by itself, and after how many seconds."""

    url: str
    after_seconds: int


@dataclass(frozen=True)
class PageState:
    """What to show: the state's name, a digest that changes only when the page should, and what happens by itself."""

    name: Name
    seen: str
    http_status: int
    poll_seconds: int | None
    seconds_left: int | None
    forward: Forward | None
    held: bool

    @property
    def looking(self) -> bool:
        """Whether the page polls, by itself or when it becomes visible again."""
        return self.waiting or self.held or self.name == "choose"

    @property
    def waiting(self) -> bool:
        """Whether money may be moving, so that the page keeps polling."""
        return self.name in WAITING

    @property
    def reloads(self) -> bool:
        """Whether a browser without scripts may load the page again by itself: not while something is typed on it."""
        return self.poll_seconds is not None and self.name not in {"otp", "choose"}


def may_be_held(view: PublicCheckout, now: datetime) -> bool:
    """Whether the page waits for the shop to acknowledge the payment, if it has not."""
    return name_of(view, now) in _RECEIPTS and _age_of_receipt(view, now) < _HOLD_SECONDS


def of(
    view: PublicCheckout,
    now: datetime,
    *,
    told: bool = True,
    stays: bool = False,
    save_data: bool = False,
    besides: object = None,
) -> PageState:
    """The page for a session's public view at `now`. `told`: the shop has acknowledged the payment. `stays`: its reader
    does not want to be taken back to the shop.

    `besides`: what the page tells that is not in the view; its `repr` changes only when the page should.
    """
    name = name_of(view, now)
    left = _seconds_left(view, now) if name in WAITING else None
    held = not told and may_be_held(view, now)
    return PageState(
        name=name,
        seen=_digest(view, name, left, held, besides),
        http_status=410 if name in _ENDED else 200,
        poll_seconds=_HELD_POLL_SECONDS if held else _poll_seconds(view, name, now, save_data),
        seconds_left=left,
        forward=None if held or (stays and name in _RECEIPTS) else _forward(view, name, now),
        held=held,
    )


def name_of(view: PublicCheckout, now: datetime) -> Name:
    """The state's name: received money takes precedence, then money that may be moving, then the session's status."""
    settled = _MONEY.get(view["payment_status"])
    if settled in _RECEIPTS and view["subscription"] and view["subscription"]["status"] in _OWING:
        return "past_due"
    if settled:
        return "late" if settled == "paid" and view["late"] else settled
    payment = view["payment"]
    if payment and _is_moving(view, payment):
        name = _moving(view, payment, now)
        return "time_over" if name in _ENDING and _seconds_left(view, now) == 0 else name
    if view["status"] == "expired":
        return "expired"
    return "unavailable" if view["unavailable"] else "choose"


def safe_url(url: str | None) -> str | None:
    """The URL, if a link may lead there: http(s), or a path of our own."""
    try:
        parts = urlsplit(url or "")
    except ValueError:  # an invalid stored address must not break the page
        return None
    # A browser reads "/\\host" as "//host".
    is_path = not parts.scheme and not parts.netloc and parts.path.startswith("/") and "\\" not in parts.path
    return url if is_path or (parts.scheme in {"http", "https"} and parts.netloc) else None


def moment(seconds: int, country: str | None) -> datetime:
    """The local time in `country`."""
    zone = timezone(timedelta(hours=1 if country in _HOUR_AHEAD else 0))
    return clock.from_unix(seconds).astimezone(zone)


def settled(payment: PublicPayment) -> int:
    """When the payment was settled, in Unix seconds, or else when it started."""
    return payment["settled_at"] or payment["created"]


def _is_moving(view: PublicCheckout, payment: PublicPayment) -> bool:
    """Whether money may be moving.

    What follows from a report may have to be tried again. Until then a payment stands as settled while its session
    still waits, and the open form would be a lie.
    """
    return payment["status"] in UNSETTLED | {"succeeded"} or view["payment_status"] == "processing"


def _moving(view: PublicCheckout, payment: PublicPayment, now: datetime) -> Name:
    if payment["status"] == "unknown":
        return "unknown"
    if payment["status"] == "submitting":
        return "unknown" if _age(payment, now) > _SENDING_SECONDS else "sending"
    action = view["next_action"]
    if action:
        return _ACTIONS.get(action["type"], "sending")
    return "prompt" if payment["type"] == MethodType.MOBILE_MONEY and prompts(view, payment) else "sending"


def prompts(view: PublicCheckout, payment: PublicPayment) -> bool:
    """Whether the operator asks on the payer's phone, as far as is known. A page has to be waited for, and who has sent
    a code has nothing to approve.
    """
    countries = (country for method in view["payment_methods"] for country in method.get("countries", ()))
    offered = (operator for country in countries for operator in country["operators"])
    flows = next((one["flows"] for one in offered if one["id"] == payment["operator"]), None)
    return flows is None or "ussd_push" in flows


def is_payable(view: PublicCheckout, country: str | None) -> bool:
    """Whether there is anything to pay by now: a card, or an operator of `country` that takes the payment."""
    return any(
        method["type"] != MethodType.MOBILE_MONEY
        or any(
            one["available"]
            for offer in method["countries"]
            if offer["country"] == country
            for one in offer["operators"]
        )
        for method in view["payment_methods"]
    )


def _is_payable_at_home(view: PublicCheckout) -> bool:
    """The same for the country whose operators the page shows at first."""
    return is_payable(view, drafts.country_of(Draft(), view))


def _age(payment: PublicPayment, now: datetime) -> int:
    return max(0, clock.unix(now) - payment["created"])


def _seconds_left(view: PublicCheckout, now: datetime) -> int | None:
    deadline = view["payment"]["deadline_at"] if view["payment"] else None
    return None if deadline is None else max(0, deadline - clock.unix(now))


def _poll_seconds(view: PublicCheckout, name: str, now: datetime, save_data: bool) -> int | None:
    if name in WAITING:
        age = _age(present(view["payment"], "a page that waits, waits for a payment"), now)
        seconds = next((pause for until, pause in _POLLS if age < until), _SLOWEST_POLL)
    elif name == "choose" and _is_doubted(view, now):
        seconds = _DOUBTED_POLL_SECONDS
    elif name == "choose" and not _is_payable_at_home(view):
        seconds = _DOWN_POLL_SECONDS
    else:
        return None
    return seconds * 2 if save_data else seconds


def _is_doubted(view: PublicCheckout, now: datetime) -> bool:
    """Whether the latest payment has just failed for a reason that nobody knows: it may be corrected."""
    error, payment = view["last_payment_error"], view["payment"]
    if error is None or payment is None or error["code"] != _DOUBTED:
        return False
    return clock.unix(now) - settled(payment) < _DOUBTED_SECONDS


def _forward(view: PublicCheckout, name: str, now: datetime) -> Forward | None:
    if name == "redirect":
        action = view["next_action"]
        url = safe_url(action["redirect_to_url"]["url"]) if action else None
        return Forward(url, _OPEN_SECONDS) if url else None
    url = safe_url(view["success_url"]) if name in _RECEIPTS and not _to_be_read(view) else None
    # A receipt that is opened later stays open.
    return Forward(url, _RETURN_SECONDS) if url and _age_of_receipt(view, now) < _FRESH_SECONDS else None


def _to_be_read(view: PublicCheckout) -> bool:
    """Whether the receipt has more to read than that it is paid: such a receipt does not redirect by itself."""
    stopped = view["subscription"] and view["subscription"]["cancel_at_period_end"]
    return bool(view["thank_you"] or stopped)


def _age_of_receipt(view: PublicCheckout, now: datetime) -> int:
    return clock.unix(now) - present(view["completed_at"], "a receipt has its time")


def _digest(view: PublicCheckout, name: str, left: int | None, held: bool, besides: object) -> str:
    payment, error = view["payment"], view["last_payment_error"]
    facts = (
        name,
        view["status"],
        view["payment_status"],
        payment and payment["reference"],
        error and error["code"],
        view["subscription"],
        view["next_action"],
        left == 0,
        held,
        name == "choose" and _is_payable_at_home(view),
        repr(besides),
    )
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
