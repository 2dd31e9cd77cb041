"""CinetPay v1: what its answers mean (`codes.py`), whom it reaches (`wallets.py`), and the verbs (`adapter.py`)."""

from ikawaari.providers.cinetpay.adapter import CinetPay

__all__ = ["CinetPay"]
