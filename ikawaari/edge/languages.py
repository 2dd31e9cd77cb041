"""The language of messages for payers, where neither the session nor the payer's choice says it."""

from flask import request

from ikawaari.checkout.resources import LANGUAGES


def accepted() -> str:
    """The first language of `Accept-Language` that we speak; English when there is none."""
    # Not best_match: it would rather have the "en" of "fr-SN,en;q=0.8" than a French of another country.
    tags = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((tag for tag in tags if tag in LANGUAGES), "en")
