"""The reference of a payment: eight characters that its payer reads on the page and on the receipt, and tells support.

It is derived, not stored: of an attempt, from its id. Only a trial, for which there is no attempt, stores its own.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from ikawaari.checkout import accounts
from ikawaari.states import PaymentStatus
from ikawaari.store.models import CheckoutSession, PaymentAttempt, PaymentIntent, Subscription
from ikawaari.store.owner import Owner

_LENGTH = 8
_OURS = re.compile("[0-9A-Fa-f]{8}")
_BEHIND = "g"  # sorts behind every digit of an id


def of_attempt(attempt: PaymentAttempt) -> str:
    """The reference of an attempt: the beginning of its id, a UUID."""
    return attempt.id[:_LENGTH].upper()


def of_trial(session_id: str) -> str:
    """The reference of a trial. The session's id itself opens its page, so no part of it may be read aloud."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:_LENGTH].upper()


def of_session(session: CheckoutSession, attempts: Sequence[PaymentAttempt]) -> str | None:
    """What the session's page shows: the reference of the attempt that paid, or else of the latest, or of the trial."""
    if session.payment_status == PaymentStatus.NO_PAYMENT_REQUIRED:
        return of_trial(session.id)
    shown = ([row for row in attempts if row.counted] or list(attempts))[-1:]
    return of_attempt(shown[0]) if shown else None


def sessions(reference: str, owner: Owner) -> Sequence[str]:
    """The ids of the sessions with a payment of that reference: ours, in any case, or a provider's, whole.

    Sessions of other owners may be among them.
    """
    found = [session_id for (session_id,) in _query(reference, owner).tuples() if session_id]
    return found or _unnoted(reference.upper(), owner)


def _unnoted(reference: str, owner: Owner) -> Sequence[str]:
    """The same of trials without a stored reference: an older version began them while it was being replaced."""
    own = (Subscription.merchant == owner.merchant_id) & (Subscription.livemode == owner.livemode)
    unnoted = own & Subscription.trial_end.is_null(False) & Subscription.reference.is_null()
    ids = [row.session_id for row in Subscription.select(Subscription.session).where(unnoted)]
    return [session_id for session_id in ids if of_trial(session_id) == reference]


def _query(reference: str, owner: Owner) -> Any:
    """Each part reads one index; for ours it is the primary key, because an attempt's id begins with its reference."""
    theirs = PaymentAttempt.provider.in_(_accounts(owner)) & (PaymentAttempt.provider_reference == reference)
    if not _OURS.fullmatch(reference):
        return _of_intents(_intents(theirs))
    beginning = reference.lower()
    ours = (PaymentAttempt.id >= beginning) & (PaymentAttempt.id < beginning + _BEHIND)
    trials = Subscription.select(Subscription.session).where(Subscription.reference == reference.upper())
    return _of_intents(_intents(theirs) | _intents(ours)) | trials


def _accounts(owner: Owner) -> Sequence[str]:
    """The provider accounts that may have taken the owner's payments."""
    by_owner = accounts.known().by_owner
    return [one.id for merchant in (None, owner.merchant_id) for one in by_owner.get(merchant, ())]


def _intents(which: Any) -> Any:
    return PaymentAttempt.select(PaymentAttempt.intent).where(which)


def _of_intents(intents: Any) -> Any:
    return PaymentIntent.select(PaymentIntent.session).where(PaymentIntent.id.in_(intents))
