"""CinetPay, simulated: what v1 accepts (`rules.py`) and does (`simulator.py`), and the same of its legacy API."""

from ikawaari.simulators.cinetpay.legacy import LegacyCinetPay
from ikawaari.simulators.cinetpay.simulator import CinetPay

__all__ = ["CinetPay", "LegacyCinetPay"]
