"""Which providers this process has, and which of them takes a given payment."""

from collections.abc import Iterable, Sequence

from ikawaari.providers.base import Flow, Provider

_providers: dict[str, Provider] = {}


def configure(providers: Iterable[Provider]) -> None:
    """Set the providers, in the order in which they are preferred."""
    _providers.clear()
    _providers.update({provider.name: provider for provider in providers})


def named(name: str) -> Provider | None:
    """The provider of that name."""
    return _providers.get(name)


def route(*, livemode: bool, method_type: str, operator: str | None, currency: str) -> Provider | None:
    """The first provider that takes this kind of payment. Test objects and live ones never share a provider."""
    for provider in _providers.values():
        can = provider.capabilities
        fits = can.livemode == livemode and method_type in can.method_types and currency in can.currencies
        if fits and (operator is None or operator in can.operators):
            return provider
    return None


def can_refund(name: str, operator: str | None) -> bool:
    """Whether the provider of that name gives money back to payers of that operator (None: of a card)."""
    provider = named(name)
    return provider is not None and operator not in provider.capabilities.no_refunds


def flows(*, livemode: bool, operator: str, currency: str) -> Sequence[Flow]:
    """How the operator's payers can be asked, the provider's own way first; empty when nobody reaches them."""
    provider = route(livemode=livemode, method_type="mobile_money", operator=operator, currency=currency)
    return provider.capabilities.operators[operator] if provider else ()
