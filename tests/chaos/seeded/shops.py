"""Who sells and who buys in a run: merchants, their accounts, wallets, and what each provider can be told to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wallet:
    """How somebody pays: `number` is followed by so many `digits`, and those by one of `endings`."""

    operator: str
    currency: str
    number: str
    digits: int
    otp: str | None = None
    card: str | None = None  # a test card instead of a wallet
    is_renewed: bool = False  # by a prompt
    endings: Sequence[str] = ("500",)


@dataclass(frozen=True)
class Shop:
    """A merchant, with accounts of its own (simulator and country) or with those of the house."""

    name: str
    accounts: Sequence[tuple[str, str | None]]
    wallets: Sequence[Wallet]
    returns: str  # of its payments: nothing, the whole, or a part
    livemode: bool = True


def _card(name: str, *, is_renewed: bool = False) -> Wallet:
    return Wallet("card", "XOF", "", 0, card=f"pm_card_{name}", is_renewed=is_renewed)


_FREE_SN = Wallet("free_sn", "XOF", "+22176", 7, is_renewed=True)
_ORANGE_SN = Wallet("orange_sn", "XOF", "+22177", 7, is_renewed=True)
_WAVE_SN = Wallet("wave_sn", "XOF", "+22178", 7)
_MTN_CI = Wallet("mtn_ci", "XOF", "+22505", 8, is_renewed=True)
_MTN_CM = Wallet("mtn_cm", "XAF", "+23767", 7, is_renewed=True)
_SANDBOX_PAYS = ("100", "004", "005", "006", "012", "013", "014")
_SANDBOX_ERRS = ("001", "002", "003", "007", "008", "100")
SHOPS: Sequence[Shop] = (
    Shop(
        "pawapay",
        [("pawapay", None)],
        [
            *(_FREE_SN, _ORANGE_SN, _WAVE_SN, _MTN_CI, _MTN_CM),
            Wallet("orange_bf", "XOF", "+22607", 6, otp="123456"),
            Wallet("airtel_cd", "CDF", "+24397", 7, is_renewed=True),
        ],
        "part",
    ),
    Shop(
        "cinetpay",
        [("cinetpay", "SN"), ("cinetpay", "CI"), ("cinetpay", "BF")],
        [
            *(_FREE_SN, _WAVE_SN, _MTN_CI),
            Wallet("orange_sn", "XOF", "+22177", 7),
            Wallet("orange_ci", "XOF", "+22507", 8),
            Wallet("orange_bf", "XOF", "+22607", 6, otp="123456"),
        ],
        "nothing",
    ),
    Shop(
        "cinetpay-legacy",
        [("cinetpay-legacy", "SN"), ("cinetpay-legacy", "CI")],
        [Wallet("orange_sn", "XOF", "+22177", 7), _WAVE_SN, Wallet("mtn_ci", "XOF", "+22505", 8)],
        "nothing",
    ),
    Shop("mtn", [("mtn", "CM")], [_MTN_CM], "part"),
    Shop("wave", [("wave", "SN")], [_WAVE_SN], "whole"),
    Shop(
        "stripe",
        [("stripe", None)],
        [
            _card("visa", is_renewed=True),
            _card("authenticationRequired"),
            _card("chargeDeclinedInsufficientFunds"),
            _card("pendingRefund"),
            _card("refundFail"),
        ],
        "part",
    ),
    # Test mode: the sandbox's own ledger, and all its endings but the one that never ends.
    Shop(
        "sandbox",
        [],
        [
            Wallet("orange_sn", "XOF", "+22177", 7, is_renewed=True, endings=_SANDBOX_PAYS),
            Wallet("orange_sn", "XOF", "+22178", 7, endings=_SANDBOX_ERRS),
            Wallet("card", "XOF", "", 0, card="tok_test_card", is_renewed=True),
        ],
        "part",
        livemode=False,
    ),
    # The house's accounts: what one refuses, another may take.
    Shop(
        "house",
        [("pawapay", None), ("cinetpay", "SN"), ("mtn", "CM"), ("wave", "SN")],
        [_FREE_SN, _ORANGE_SN, _WAVE_SN, _MTN_CM],
        "part",
    ),
)
FATES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "pawapay": [
        {"kind": "refuse", "code": "PROVIDER_TEMPORARILY_UNAVAILABLE"},
        {"kind": "fail", "code": "INSUFFICIENT_BALANCE"},
        {"kind": "fail", "code": "UNSPECIFIED_FAILURE", "on": "refund"},
        {"kind": "fail_then_complete", "code": "PAYMENT_NOT_APPROVED", "seconds": 600},
        {"kind": "fail_then_complete", "code": "UNSPECIFIED_FAILURE", "seconds": 600, "on": "refund"},
        {"kind": "other_amount", "amount": "495"},
        {"kind": "in_reconciliation", "seconds": 5_000},
    ],
    "cinetpay": [
        {"kind": "refuse"},
        {"kind": "operation_error"},
        {"kind": "redirect"},
        {"kind": "fail", "code": 2005},
        {"kind": "fail_then_succeed", "seconds": 600},
        {"kind": "other_amount", "amount": 495},
        {"kind": "forged_token"},
        {"kind": "premature_callback"},
    ],
    "cinetpay-legacy": [
        {"kind": "refuse", "description": "notify_url is wrong"},
        {"kind": "refuse", "description": "transaction_id was used before"},
        {"kind": "refuse", "code": "624"},
        {"kind": "no_address"},
        {"kind": "fail", "code": "602"},
        {"kind": "fail_then_succeed", "seconds": 600},
        {"kind": "other_amount", "amount": 495},
    ],
    "mtn": [
        {"kind": "refuse", "status": 500, "code": "NOT_ALLOWED"},
        {"kind": "fail", "code": "NOT_ENOUGH_FUNDS"},
        {"kind": "fail", "code": "PAYEE_NOT_FOUND", "on": "refund"},
        {"kind": "fail_then_succeed", "code": "EXPIRED", "seconds": 600},
        {"kind": "fail_then_succeed", "code": "EXPIRED", "seconds": 600, "on": "refund"},
        {"kind": "other_amount", "amount": "495"},
        {"kind": "unreadable", "seconds": 20},
        {"kind": "forged_callback"},
    ],
    "wave": [
        {"kind": "refuse", "code": "request-validation-error"},
        {"kind": "paid_before_expire", "on": "cancel"},
        {"kind": "late_success", "seconds": 600},
        {"kind": "other_amount", "amount": "495"},
    ],
    "stripe": [
        {"kind": "429"},
        {"kind": "429", "on": "intent"},
        {"kind": "reset", "on": "intent"},
        {"kind": "500", "on": "intent"},
        {"kind": "timeout", "on": "intent"},
        {"kind": "key_in_use"},
        {"kind": "other_amount", "amount": 495},
        {"kind": "refund_fails", "on": "refund"},
    ],
}
UNSIGNED = {"cinetpay", "mtn"}
