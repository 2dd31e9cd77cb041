"""What a page's visitor can do beside paying and waiting: read once, before the page is rendered, as one value."""

from dataclasses import dataclass

from ikawaari import clock
from ikawaari.checkout import abandonment, accounts, subscriptions, trials
from ikawaari.checkout.snapshots import Snapshot
from ikawaari.states import UNSETTLED, SessionStatus
from ikawaari.store.models import CardSetup, PaymentAttempt


@dataclass(frozen=True, kw_only=True)
class Ways:
    """The ways on, as templates read them under the name `ways`. A way that is None or empty is left out of the page.

    `cancel`: the name of the running payment, if it can be called off. A form posts it to `{page}/cancel` as `payment`;
    then the open form returns. `asks_until`: until when, at least, the provider of the running payment is asked what
    became of it, in Unix seconds; it does not say when another payment may start.
    """

    cancel: str = ""
    asks_until: int | None = None


NONE = Ways()


def of(shown: Snapshot) -> Ways:
    """The ways on from a session's page."""
    running = _running(shown)
    if running is None:
        return NONE
    return Ways(
        cancel=abandonment.name_of(running) if abandonment.is_possible(running) else "",
        asks_until=_asks_until(running),
    )


def _running(shown: Snapshot) -> PaymentAttempt | CardSetup | None:
    """The payment, or the card of a trial, that its payer waits for."""
    session, running = shown.session, next((one for one in shown.attempts if one.status in UNSETTLED), None)
    begins_trial = session.livemode and session.status == SessionStatus.OPEN and subscriptions.trial_days(session)
    return trials.running(session.id) if running is None and begins_trial else running


def _asks_until(running: PaymentAttempt | CardSetup) -> int | None:
    channel = accounts.channel(running.provider)
    # A code that is sent begins this time again, so it is at least this.
    return clock.unix(running.created_at + channel.times.settles_within) if channel else None
