"""Wave Checkout: a session at Wave, which the payer opens in Wave's app, by a link or from a QR code.

One wallet has one country, one key and one currency. Sessions have no idempotency key, only our charge's id as
`client_reference`: so each charge is searched for before it is created. A try that fails leaves its session open.
Source: docs.wave.com (Checkout API, Webhooks, Business API). There is no sandbox.
"""

from ikawaari.providers.wave.adapter import Wave

__all__ = ["Wave"]
