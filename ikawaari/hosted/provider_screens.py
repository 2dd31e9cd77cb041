"""Screens of a provider, served if this process has the provider."""

from collections.abc import Mapping

from flask import Blueprint, Flask

from ikawaari.hosted import sandbox
from ikawaari.providers import registry

_SCREENS: Mapping[str, Blueprint] = {"sandbox": sandbox.bp}


def register(app: Flask) -> None:
    """Serve the screens of the providers that this process has."""
    for name in registry.names():
        if name in _SCREENS:
            app.register_blueprint(_SCREENS[name])
