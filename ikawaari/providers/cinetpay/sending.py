"""What CinetPay v1 is sent for a charge, and what need not be sent because it could only be refused."""

import re
from urllib.parse import urlsplit

from ikawaari.providers.capabilities import Reach
from ikawaari.providers.cinetpay import wallets
from ikawaari.providers.outcomes import FailureCode, Outcome, failed, refused
from ikawaari.providers.values import Account, Charge, Flow, plain_text, short_id
from ikawaari.shapes import JsonObject

LIVE_URL, TEST_URL = "https://api.cinetpay.co", "https://api.cinetpay.net"
LONGEST_ADDRESS = 120  # characters of each of the three addresses that a payment names
NOBODY = short_id("00000000-0000-0000-0000-000000000000")  # no payment has this id
_CODE = re.compile("[0-9]{4,6}")  # Orange's
_SHORTEST_NAME, _LONGEST_NAME = 2, 255
_NO_NAME, _NO_STATEMENT = "Client", "Paiement"


def misfit(account: Account) -> str | None:
    """What is wrong with an account, in one sentence; None if nothing that can be seen from here."""
    own = LIVE_URL if account.livemode else TEST_URL
    address, key = account.text("base_url", own).rstrip("/"), account.text("api_key")
    if (address, key[:8]) in {(LIVE_URL, "sk_test_"), (TEST_URL, "sk_live_")}:
        return f"An API key that begins with {key[:8]} is not for {address}."
    return long_address(account)


def long_address(account: Account) -> str | None:
    """What is wrong with our callback addresses, in one sentence."""
    length = len(account.tagged_url(NOBODY, names_it=False))
    if length > LONGEST_ADDRESS:
        return f"Our callback addresses have {length} characters, and CinetPay takes {LONGEST_ADDRESS}."
    return None


def problem(charge: Charge, reach: Reach | None, words: str | None) -> Outcome | None:
    """Why a charge need not be sent; None if it is to be sent.

    `reach`: what the account can do for its operator; `words`: what is wrong with the account.
    """
    if words is None and (reach is None or charge.money.currency not in reach.currencies):
        words = "not a wallet of this account"
    if words is None and len(charge.page_url) > LONGEST_ADDRESS:
        words = "the address of its page is too long"
    if words is not None or reach is None:
        return refused(FailureCode.CONFIGURATION_ERROR, words)
    if not reach.takes(charge.money):
        return refused(FailureCode.INVALID_AMOUNT, "an amount that this account does not take")
    if charge.otp and not _CODE.fullmatch(charge.otp):
        return failed(FailureCode.OTP_INVALID, "not a code of 4 to 6 digits")
    return None


def is_direct(charge: Charge) -> bool:
    """Whether the wallet itself is asked. Else CinetPay's page asks its payer, for a code or whatever else it needs."""
    flows = wallets.REACHED[str(charge.operator)].flows
    flow = charge.flow if charge.flow in flows else flows[0]
    return bool(charge.phone) and (bool(charge.otp) or flow is Flow.USSD_PUSH)


def body(account: Account, charge: Charge) -> JsonObject:
    """The body of `POST /v1/payment`, of a charge without a `problem`."""
    sent_id = short_id(charge.id)
    first_name, last_name = names(charge.customer_name)
    return {
        "currency": charge.money.currency,
        "merchant_transaction_id": sent_id,
        "amount": int(charge.money.major),  # whole: the limits have a step
        "lang": "en" if charge.language == "en" else "fr",
        "designation": designation(charge),
        "client_email": charge.customer_email or f"client@{urlsplit(account.callback_url).hostname}",
        "client_first_name": first_name,
        "client_last_name": last_name,
        "success_url": charge.page_url,
        "failed_url": charge.page_url,
        "notify_url": account.tagged_url(sent_id, names_it=False),
        "payment_method": wallets.method(str(charge.operator)),
        **({"client_phone_number": charge.phone} if charge.phone else {}),
        **({"otp_code": charge.otp} if charge.otp else {}),
        **({"direct_pay": True, "channel": "OTP" if charge.otp else "PUSH"} if is_direct(charge) else {}),
    }


def designation(charge: Charge) -> str:
    """Whom its payer pays."""
    return plain_text(charge.statement, _LONGEST_NAME) or _NO_STATEMENT


def names(full: str | None) -> tuple[str, str]:
    """First and last name: both are required."""
    *first, last = (full or "").split() or [""]
    return _name(" ".join(first)), _name(last)


def _name(text: str) -> str:
    return text[:_LONGEST_NAME] if len(text) >= _SHORTEST_NAME else _NO_NAME
