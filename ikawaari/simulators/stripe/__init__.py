"""Stripe's cards, simulated: intents, saved cards, 3-D Secure, refunds, signed events, and a script for browsers.

`api.py` is the simulator. It reads a request by `forms.py` and `parameters.py`, and does what `endpoints.py` says for
its address: `intents.py` (with `confirming.py` and `charges.py`), `methods.py`, `refunds.py`, `listing.py`. What the
account holds is in `books.py`; `pages.py` is what browsers open.
"""

from ikawaari.simulators.stripe.api import Stripe

__all__ = ["Stripe"]
