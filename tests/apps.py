"""The application of a test. Making one takes ten times as long as most tests, so tests of equal settings share it.

What a test can tell apart is of its own: the database, the providers and the configuration. The app itself holds its
routes, its OpenAPI document and its compiled templates, which are the same for all. Of the port at which a test listens
for callbacks only that document would speak.
"""

from dataclasses import replace
from urllib.parse import urlsplit

from flask import Flask

import ikawaari
from ikawaari.config import Config

_MADE: dict[Config, Flask] = {}


def app_of(config: Config) -> Flask:
    """The application with this configuration, connected to its database."""
    address = urlsplit(config.api_url)
    key = replace(config, database_url="sqlite:///any", api_url=f"{address.scheme}://{address.hostname}")
    if key in _MADE:
        ikawaari.start(config)
        _MADE[key].config["IKAWAARI"] = config
    else:
        _MADE[key] = ikawaari.create_app(config)
    return _MADE[key]
