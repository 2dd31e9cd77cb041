"""Calls a provider so that no error inside its adapter is taken for an answer."""

from collections.abc import Callable

import structlog

from ikawaari.providers.base import Outcome, unknown

log = structlog.get_logger()


def answer_of(ask: Callable[[], Outcome]) -> Outcome:
    """The outcome of a call. If the adapter raises, nobody knows whether money moved: unknown, never failed."""
    try:
        return ask()
    except Exception:
        log.exception("provider_adapter_failed")
        return unknown("the adapter failed")
