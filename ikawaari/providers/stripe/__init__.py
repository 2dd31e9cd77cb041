"""Cards through Stripe: two steps a charge, saved cards, 3-D Secure by redirect, refunds, signed events.

`adapter.py` has the verbs: `charging.py` takes money and saves cards, `refunding.py` returns money, `events.py` reads
what Stripe posts, `statement.py` what moved in the balance. `intents.py` and `failures.py` say what Stripe's words
mean, and `wire.py` sends requests.
"""

from ikawaari.providers.stripe.adapter import Stripe

__all__ = ["Stripe"]
