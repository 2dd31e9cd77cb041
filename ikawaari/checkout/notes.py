"""What the page tells beside the public view: words of a provider that have no place in the public JSON."""

from dataclasses import dataclass

from ikawaari.checkout.snapshots import Snapshot
from ikawaari.providers.base import FailureCode
from ikawaari.states import UNSETTLED


@dataclass(frozen=True, kw_only=True)
class Notes:
    """The notes of one page."""

    last_error: FailureCode | None = None  # of a try at the provider that did not end the payment under way


NONE = Notes()


def of(shown: Snapshot) -> Notes:
    """The notes of a session's page."""
    running = next((attempt for attempt in shown.attempts if attempt.status in UNSETTLED), None)
    if running is None or not running.last_error:
        return NONE
    return Notes(last_error=FailureCode(running.last_error))
