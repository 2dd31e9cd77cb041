"""The sandbox: a provider with its own ledger, whose behavior depends on the last digits of the phone number."""

from ikawaari.providers.sandbox import ledger, screens, tokens
from ikawaari.providers.sandbox.provider import Sandbox

__all__ = ["Sandbox", "ledger", "screens", "tokens"]
