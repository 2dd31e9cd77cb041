"""Wave Checkout, simulated: what it accepts (`rules.py`), its sessions (`sessions.py`), what it does (`simulator.py`).

Every call goes through `api.py`; `business.py` has the balance, the transactions and aggregated merchants.
"""

from ikawaari.simulators.wave.simulator import Wave

__all__ = ["Wave"]
