"""Calling a provider so that nothing which goes wrong inside its adapter is taken for an answer."""

from collections.abc import Callable

import structlog

from ikawaari.providers.base import Outcome, unknown

log = structlog.get_logger()


def answer_of(ask: Callable[[], Outcome]) -> Outcome:
    """The outcome of a call. An adapter that raises has not said whether money moved: that is unknown, never failed."""
    try:
        return ask()
    except Exception:
        log.exception("provider_adapter_failed")
        return unknown("the adapter failed")
