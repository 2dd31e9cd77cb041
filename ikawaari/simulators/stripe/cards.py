"""The test cards: what becomes of a charge, of an authentication and of a refund, by number.

Each has a name in test ids: `pm_card_<name>`, `tok_<name>`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from ikawaari.simulators.shapes import Json


class Asks(Enum):
    """When the bank wants to authenticate the payer."""

    NEVER = "never"
    ON_SESSION = "on session"  # was set up elsewhere: off session it is charged without
    UNLESS_SET_UP = "unless set up"  # off session; always on session
    ALWAYS = "always"


class Refunds(Enum):
    """What becomes of a refund."""

    SUCCEED = "succeed"
    PEND = "pend"  # and succeed later
    FAIL = "fail"  # after they have succeeded


@dataclass(frozen=True)
class Decline:
    """Why a bank refuses: the error's `code` and `decline_code`, and what it advises."""

    code: str
    decline_code: str
    message: str
    advice_code: str = "try_again_later"
    network_decline_code: str = "05"


@dataclass(frozen=True)
class Card:
    """A card and how it behaves."""

    number: str
    brand: str = "visa"
    decline: Decline | None = None  # of every charge, after authentication if it asks for one
    can_be_saved: bool = True
    asks: Asks = Asks.NEVER
    refunds: Refunds = Refunds.SUCCEED
    is_disputed: bool = False
    exp_month: int = 12
    exp_year: int = 2034

    @property
    def shown(self) -> Json:
        """As a payment method's `card` shows it: never the number."""
        return {
            "brand": self.brand,
            "country": "US",
            "display_brand": self.brand,
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "fingerprint": hashlib.sha256(self.number.encode()).hexdigest()[:16],
            "funding": "credit",
            "last4": self.number[-4:],
            "networks": {"available": [self.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
        }

    def asks_for_authentication(self, *, off_session: bool, is_set_up: bool) -> bool:
        """Whether its bank wants to see the payer for this payment."""
        if self.asks is Asks.UNLESS_SET_UP:
            return not (off_session and is_set_up)
        return self.asks is Asks.ALWAYS or (self.asks is Asks.ON_SESSION and not off_session)


_GENERIC = "Your card was declined."
DECLINED = Decline("card_declined", "generic_decline", _GENERIC)
INSUFFICIENT = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds.", network_decline_code="51"
)
LOST = Decline("card_declined", "lost_card", _GENERIC, "do_not_try_again", "41")
STOLEN = Decline("card_declined", "stolen_card", _GENERIC, "do_not_try_again", "43")
FRAUDULENT = Decline("card_declined", "fraudulent", _GENERIC, "do_not_try_again", "59")
VELOCITY = Decline("card_declined", "card_velocity_exceeded", _GENERIC, network_decline_code="61")
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.", "confirm_card_data", "54")
WRONG_CVC = Decline(
    "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data", "N7"
)
PROCESSING_ERROR = Decline(
    "processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit."
)
NOT_A_TEST_CARD = Decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Only test cards are known here.",
    "confirm_card_data",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    network_decline_code="1A",
)

_3DS_INSUFFICIENT = Card("4000008260003178", asks=Asks.ALWAYS, decline=INSUFFICIENT)
BY_NAME: Mapping[str, Card] = {
    "visa": Card("4242424242424242"),
    "mastercard": Card("5555555555554444", "mastercard"),
    "amex": Card("378282246310005", "amex"),
    "visa_debit": Card("4000056655665556"),
    "chargeDeclined": Card("4000000000000002", decline=DECLINED, can_be_saved=False),
    "chargeDeclinedInsufficientFunds": Card("4000000000009995", decline=INSUFFICIENT, can_be_saved=False),
    "chargeDeclinedLostCard": Card("4000000000009987", decline=LOST, can_be_saved=False),
    "chargeDeclinedStolenCard": Card("4000000000009979", decline=STOLEN, can_be_saved=False),
    "chargeDeclinedFraudulent": Card("4100000000000019", decline=FRAUDULENT, can_be_saved=False),
    "chargeDeclinedVelocityLimitExceeded": Card("4000000000006975", decline=VELOCITY, can_be_saved=False),
    "chargeDeclinedExpiredCard": Card("4000000000000069", decline=EXPIRED, can_be_saved=False),
    "chargeDeclinedIncorrectCvc": Card("4000000000000127", decline=WRONG_CVC, can_be_saved=False),
    "chargeDeclinedProcessingError": Card("4000000000000119", decline=PROCESSING_ERROR, can_be_saved=False),
    "chargeCustomerFail": Card("4000000000000341", decline=DECLINED),
    "authenticationRequiredOnSetup": Card("4000002500003155", asks=Asks.UNLESS_SET_UP),
    "authenticationRequired": Card("4000002760003184", asks=Asks.ALWAYS),
    "authenticationRequiredSetupForOffSession": Card("4000003800000446", asks=Asks.ON_SESSION),
    "authenticationRequiredChargeDeclinedInsufficientFunds": _3DS_INSUFFICIENT,
    "threeDSecureRequiredChargeDeclined": Card("4000008400001629", asks=Asks.ALWAYS, decline=DECLINED),
    "threeDSecureRequiredProcessingError": Card("4000008400001280", decline=DECLINED, can_be_saved=False),
    "pendingRefund": Card("4000000000007726", refunds=Refunds.PEND),
    "refundFail": Card("4000000000005126", refunds=Refunds.FAIL),
    "createDispute": Card("4000000000000259", is_disputed=True),
}
_BY_NUMBER = {card.number: card for card in BY_NAME.values()}


def named(identifier: str, prefix: str) -> Card | None:
    """The card of an id such as `pm_card_visa` or `tok_visa_chargeDeclined`, if it is one."""
    name = identifier.removeprefix(prefix)
    if name == identifier:
        return None
    return BY_NAME.get(name) or BY_NAME.get(name.removeprefix("visa_"))


def numbered(number: str, exp_month: int, exp_year: int) -> Card:
    """The card that a payer typed. One that is no test card is declined, as in every test environment."""
    known = _BY_NUMBER.get(number) or Card(number, decline=NOT_A_TEST_CARD, can_be_saved=False)
    return replace(known, exp_month=exp_month, exp_year=exp_year)
