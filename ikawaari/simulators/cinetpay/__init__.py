"""CinetPay v1, simulated: what it accepts (`rules.py`), and what it does (`simulator.py`)."""

from ikawaari.simulators.cinetpay.simulator import CinetPay

__all__ = ["CinetPay"]
