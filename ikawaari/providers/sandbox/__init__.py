"""The sandbox: a provider that keeps its own ledger and does what the last digits of the phone number tell it."""

from ikawaari.providers.sandbox import ledger, screens, tokens
from ikawaari.providers.sandbox.provider import Sandbox

__all__ = ["Sandbox", "ledger", "screens", "tokens"]
