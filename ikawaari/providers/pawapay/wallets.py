"""The wallets that pawaPay reaches, under its own names, and how their payers are asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from ikawaari.providers.capabilities import Limits, Reach, Refunds, Renewals
from ikawaari.providers.values import Flow

PROMPT = timedelta(minutes=10)  # how long a prompt may keep a wallet busy
# A page's address comes with a look-up, usually within seconds.
_ADDRESS_POLLS = tuple(timedelta(seconds=after) for after in (1, 2, 3, 5))


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """A wallet: pawaPay's `provider`, and what it can do for its payers."""

    name: str
    reach: Reach

    @property
    def flow(self) -> Flow:
        """How its payers are asked; a redirect wallet's page may be shown as a QR code as well."""
        return self.reach.flows[0]


_PUSH = Reach(currencies=frozenset({"XOF"}), flows=(Flow.USSD_PUSH,), refunds=Refunds.PARTIAL, renewals=Renewals.PROMPT)
_PUSH_CM = replace(_PUSH, currencies=frozenset({"XAF"}))
_PUSH_CD = replace(_PUSH, currencies=frozenset({"CDF", "USD"}))
_MPESA_CD = replace(_PUSH_CD, limits={"CDF": Limits(step=100)})  # whole francs, though our francs have centimes
_CODE_BF = replace(_PUSH, flows=(Flow.OTP,), renewals=Renewals.NONE, code_from="*144*4*6*{amount}#")  # a code by SMS
_PAGE = replace(_PUSH, flows=(Flow.REDIRECT, Flow.QR), renewals=Renewals.NONE, early_polls=_ADDRESS_POLLS)

WALLETS: Mapping[str, Wallet] = {
    "orange_sn": Wallet(name="ORANGE_SEN", reach=_PUSH),
    "free_sn": Wallet(name="FREE_SEN", reach=_PUSH),
    "wave_sn": Wallet(name="WAVE_SEN", reach=_PAGE),
    "orange_ci": Wallet(name="ORANGE_CIV", reach=_PUSH),
    "mtn_ci": Wallet(name="MTN_MOMO_CIV", reach=_PUSH),
    "wave_ci": Wallet(name="WAVE_CIV", reach=_PAGE),
    "orange_bf": Wallet(name="ORANGE_BFA", reach=_CODE_BF),
    "moov_bf": Wallet(name="MOOV_BFA", reach=_PUSH),
    "mtn_bj": Wallet(name="MTN_MOMO_BEN", reach=_PUSH),
    "moov_bj": Wallet(name="MOOV_BEN", reach=_PUSH),
    "mtn_cm": Wallet(name="MTN_MOMO_CMR", reach=_PUSH_CM),
    "orange_cm": Wallet(name="ORANGE_CMR", reach=_PUSH_CM),
    "mpesa_cd": Wallet(name="VODACOM_MPESA_COD", reach=_MPESA_CD),
    "airtel_cd": Wallet(name="AIRTEL_COD", reach=_PUSH_CD),
    "orange_cd": Wallet(name="ORANGE_COD", reach=_PUSH_CD),
}
"""By our operator ids. pawaPay has no deposits in ML, GN, TG and NE, nor of Moov CI, Expresso, Celtiis and Africell."""
