"""Whom CinetPay reaches: its wallets, how each can be asked, and which amounts an account takes."""

from collections.abc import Mapping

from ikawaari.operators import OPERATORS
from ikawaari.providers.capabilities import Limits, Reach, Renewals
from ikawaari.providers.values import Flow

_FRANCS = Limits(minimum=100, maximum=2_500_000)
# The currency of each country's account, and its amounts in minor units. Congolese francs are whole ones. Wallets have
# limits of their own, which CinetPay does not publish: it refuses what a wallet does not take.
ACCOUNTS: Mapping[str, tuple[str, Limits]] = {
    **dict.fromkeys(("BF", "BJ", "CI", "ML", "NE", "SN", "TG"), ("XOF", _FRANCS)),
    "CM": ("XAF", _FRANCS),
    "GN": ("GNF", _FRANCS),
    "CD": ("CDF", Limits(minimum=10_000, maximum=250_000_000, step=100)),
}
_PUSH, _PUSH_OR_PAGE, _PAGE = (Flow.USSD_PUSH,), (Flow.USSD_PUSH, Flow.REDIRECT), (Flow.REDIRECT,)
_CODE_OR_PAGE = (Flow.OTP, Flow.REDIRECT)
# Whether these wallets push or want a code is not documented; the page takes every one of them.
_PAGE_OR_PUSH = (Flow.REDIRECT, Flow.USSD_PUSH)
_FLOWS: Mapping[str, tuple[Flow, ...]] = {
    **dict.fromkeys(("free_sn", "expresso_sn", "mtn_ci", "moov_ci", "moov_bf"), _PUSH_OR_PAGE),
    **dict.fromkeys(("mtn_cm", "orange_cm"), _PUSH),
    **dict.fromkeys(("wave_sn", "wave_ci", "wave_bf"), _PAGE),
    # A charge may bring a code of Orange's. Where we do not know what its payers dial for one, the page asks for it.
    **dict.fromkeys(("orange_sn", "orange_ci"), _PAGE),
    "orange_bf": _CODE_OR_PAGE,
    **dict.fromkeys(("orange_ml", "moov_ml", "orange_gn", "mtn_gn", "mtn_bj", "moov_bj"), _PAGE_OR_PUSH),
    **dict.fromkeys(("mpesa_cd", "airtel_cd", "orange_cd", "africell_cd"), _PAGE_OR_PUSH),
    **dict.fromkeys(("tmoney_tg", "moov_tg", "airtel_ne", "moov_ne", "zamani_ne"), _PAGE_OR_PUSH),
}
# What Orange's payers dial for the code that must come with the charge. CinetPay does not say; this one is pawaPay's.
_CODE_FROM: Mapping[str, str] = {"orange_bf": "*144*4*6*{amount}#"}


def _reach(operator: str, flows: tuple[Flow, ...]) -> Reach:
    currency, limits = ACCOUNTS[OPERATORS[operator].country]
    return Reach(
        currencies=frozenset({currency}),
        flows=flows,
        code_from=_CODE_FROM.get(operator),
        limits={currency: limits},
        # Nobody types a code or opens a page for a renewal.
        renewals=Renewals.PROMPT if flows[0] is Flow.USSD_PUSH else Renewals.NONE,
    )


REACHED: Mapping[str, Reach] = {operator: _reach(operator, flows) for operator, flows in _FLOWS.items()}
"""By operator. None of them is refunded: CinetPay has no call for it, and a transfer is a payout of another balance."""


def method(operator: str) -> str:
    """The operator as CinetPay names it: `OM_SN`, `MTN_CI`."""
    brand, country = operator.upper().rsplit("_", 1)
    return f"{'OM' if brand == 'ORANGE' else brand}_{country}"
