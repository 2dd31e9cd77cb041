"""The language of messages for payers, if neither the session nor the payer's choice determines it."""

from flask import request

from ikawaari.checkout.merchant_view import LANGUAGES


def accepted() -> str:
    """The first language of `Accept-Language` that we support; English if there is none."""
    # Not best_match: for "fr-SN,en;q=0.8" it prefers "en" to the French of another country.
    tags = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((tag for tag in tags if tag in LANGUAGES), "en")
