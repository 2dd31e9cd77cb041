"""Which addresses of the caller a simulated provider accepts: https, as the provider does, and this machine's own."""

from urllib.parse import SplitResult

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_acceptable(url: SplitResult) -> bool:
    """Whether it is https; http is allowed on loopback alone, which no provider would reach."""
    return bool(url.hostname) and (url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK))
