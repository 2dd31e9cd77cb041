"""The wallets that pawaPay reaches: countries, currencies, flows, numbers, and the numbers of its sandbox."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Flow = Literal["PROVIDER_AUTH", "PREAUTH", "REDIRECT_AUTH"]
CURRENCIES = frozenset({"XOF", "XAF", "CDF", "USD"})
NEVER = "never"  # a payment that never ends, and is never told
_LIMITS = {"XOF": ("100", "2000000"), "XAF": ("100", "1000000"), "CDF": ("500", "5000000"), "USD": ("1", "2500")}
# Why a payment fails, by the last three digits of the number; every other number pays.
_DEPOSITS = {
    "019": "PAYER_LIMIT_REACHED",
    "029": "PAYER_NOT_FOUND",
    "039": "PAYMENT_NOT_APPROVED",
    "049": "INSUFFICIENT_BALANCE",
    "069": "UNSPECIFIED_FAILURE",
    "129": NEVER,
}
_REFUNDS = {
    "089": "RECIPIENT_NOT_FOUND",
    "099": "WALLET_LIMIT_REACHED",
    "109": "RECIPIENT_LIMIT_REACHED",
    "119": "UNSPECIFIED_FAILURE",
}


@dataclass(frozen=True)
class Wallet:
    """A provider in pawaPay's words. `national` is the pattern of its numbers behind `prefix`."""

    name: str
    label: str
    country: str
    prefix: str
    national: str
    currencies: Mapping[str, int]  # and how many decimals an amount may have
    flow: Flow = "PROVIDER_AUTH"
    deviating: Mapping[str, str] = field(default_factory=dict)

    def owns(self, number: str) -> bool:
        """Whether a number, with its country code, may be one of this wallet."""
        return re.fullmatch(self.prefix + self.national, number) is not None

    def deposit_fate(self, number: str) -> str | None:
        """The failure code that a number stands for, NEVER, or None: it pays."""
        return (_DEPOSITS | dict(self.deviating)).get(number[-3:])

    def limits(self, currency: str) -> tuple[str, str]:
        """The smallest and the largest amount."""
        return _LIMITS[currency]


def refund_fate(number: str) -> str | None:
    """The failure code that a refund to a number ends with, or None."""
    return _REFUNDS.get(number[-3:])


_XOF, _XAF, _CDF_USD = {"XOF": 0}, {"XAF": 0}, {"CDF": 2, "USD": 2}
_CI_ORANGE = {"030": "UNSPECIFIED_FAILURE", "130": NEVER}
_BF_MOOV = {"048": "INSUFFICIENT_BALANCE", "068": "UNSPECIFIED_FAILURE", "138": NEVER}
_BF_ORANGE = {"128": NEVER, "148": "PAYMENT_NOT_APPROVED"}
_BJ_MOOV = {"679": "UNSPECIFIED_FAILURE", "639": NEVER}
# Benin's numbers have 10 digits, those of the sandbox the 8 of before.
_BJ_MTN_NUMBERS = r"(?:01)?(?:42|46|5[0-4679]|6[12679]|9[0167])\d{6}"
_BJ_MOOV_NUMBERS = r"(?:01)?(?:45|55|58|60|6[3458]|9[4589])\d{6}"

WALLETS = {
    wallet.name: wallet
    for wallet in (
        Wallet("ORANGE_SEN", "Orange", "SEN", "221", r"7[178]\d{7}", _XOF),
        Wallet("FREE_SEN", "Yas", "SEN", "221", r"76\d{7}", _XOF),
        Wallet("WAVE_SEN", "Wave", "SEN", "221", r"7\d{8}", _XOF, "REDIRECT_AUTH"),
        Wallet("MTN_MOMO_CIV", "MTN", "CIV", "225", r"05\d{8}", _XOF),
        Wallet("ORANGE_CIV", "Orange", "CIV", "225", r"07\d{8}", _XOF, deviating=_CI_ORANGE),
        Wallet("WAVE_CIV", "Wave", "CIV", "225", r"0[157]\d{8}", _XOF, "REDIRECT_AUTH"),
        Wallet("MOOV_BFA", "Moov", "BFA", "226", r"[0567][0-3]\d{6}", _XOF, deviating=_BF_MOOV),
        Wallet("ORANGE_BFA", "Orange", "BFA", "226", r"(?:[0567][4-7]|4[4-6])\d{6}", _XOF, "PREAUTH", _BF_ORANGE),
        Wallet("MTN_MOMO_BEN", "MTN", "BEN", "229", _BJ_MTN_NUMBERS, _XOF),
        Wallet("MOOV_BEN", "Moov", "BEN", "229", _BJ_MOOV_NUMBERS, _XOF, deviating=_BJ_MOOV),
        Wallet("MTN_MOMO_CMR", "MTN", "CMR", "237", r"(?:65[0-4]|67\d|68[0-3])\d{6}", _XAF),
        Wallet("ORANGE_CMR", "Orange", "CMR", "237", r"(?:64\d|65[5-9]|68[6-9]|69\d)\d{6}", _XAF),
        Wallet("VODACOM_MPESA_COD", "M-Pesa", "COD", "243", r"8[1236]\d{7}", {"CDF": 0, "USD": 2}),
        Wallet("AIRTEL_COD", "Airtel", "COD", "243", r"9[6-9]\d{7}", _CDF_USD),
        Wallet("ORANGE_COD", "Orange", "COD", "243", r"8[0459]\d{7}", _CDF_USD),
    )
}
COUNTRY_NAMES = {
    "SEN": {"en": "Senegal", "fr": "Sénégal"},
    "CIV": {"en": "Ivory Coast", "fr": "Côte d'Ivoire"},
    "BFA": {"en": "Burkina Faso", "fr": "Burkina Faso"},
    "BEN": {"en": "Benin", "fr": "Bénin"},
    "CMR": {"en": "Cameroon", "fr": "Cameroun"},
    "COD": {"en": "DR Congo", "fr": "RD Congo"},
}


def predicted(number: str) -> Wallet | None:
    """The wallet of a number, guessed from its prefix. Never a redirect wallet, which works with any number."""
    return next((one for one in WALLETS.values() if one.flow != "REDIRECT_AUTH" and one.owns(number)), None)
