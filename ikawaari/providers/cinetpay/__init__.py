"""CinetPay: the verbs (`adapter.py`), whom it reaches (`wallets.py`), what v1 is sent (`sending.py`), and what its
answers mean (`codes.py`, `reading.py`); its legacy API (`legacy.py`) has codes of its own.
"""

from ikawaari.providers.cinetpay.adapter import CinetPay

__all__ = ["CinetPay"]
