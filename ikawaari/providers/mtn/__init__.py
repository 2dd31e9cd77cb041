"""MTN MoMo: payments by the product Collections, refunds by the product Disbursements.

Source: https://momodeveloper.mtn.com/api-documentation. Each product has its own credentials and tokens. The id of a
charge or refund is its X-Reference-Id, which MTN takes once, and its externalId, which alone comes back in a callback.
Callbacks are never signed: they only make us ask.
"""

from ikawaari.providers.mtn.adapter import Mtn

__all__ = ["Mtn"]
