"""pawaPay: mobile money in six of our countries, by its Merchant API v2 (docs.pawapay.io, as of November 2026)."""

from ikawaari.providers.pawapay.adapter import PawaPay

__all__ = ["PawaPay"]
