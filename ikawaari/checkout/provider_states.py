"""Which accounts accept new charges: open or closed, stored in the database, so that all machines agree.

Closed means no new charges; enquiries, callbacks and refunds continue. A provider may be removed from the configuration
only if nothing of its accounts is unsettled: see `refuse_unknown`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from peewee import EXCLUDED, PeeweeException

from ikawaari import store
from ikawaari.checkout import accounts
from ikawaari.config import UnsafeConfiguration
from ikawaari.errors import NotFound
from ikawaari.states import UNSETTLED, ProviderState, RefundStatus
from ikawaari.store.models import PaymentAttempt, ProviderSwitch, Refund

_MOST_NAMED = 10


def takes_charges(account_id: str) -> bool:
    """Whether this process has the account of that id, and it is open."""
    return accounts.channel(account_id) is not None and account_id not in accounts.known().closed


def state_of(account_id: str) -> ProviderState:
    """Whether an account is open or closed."""
    return ProviderState.CLOSED if account_id in accounts.known().closed else ProviderState.OPEN


def switch(account_id: str, state: ProviderState, now: datetime) -> None:
    """Open or close an account, on all machines. Raises NotFound if this process does not have it."""
    if accounts.channel(account_id) is None:
        raise NotFound(f"provider account {account_id}; `ikawaari providers list` has their ids")
    with store.atomic():
        accounts.changed()
        ProviderSwitch.insert(name=account_id, state=state, changed_at=now).on_conflict(
            conflict_target=[ProviderSwitch.name],
            update={ProviderSwitch.state: EXCLUDED.state, ProviderSwitch.changed_at: EXCLUDED.changed_at},
        ).execute()
    accounts.forget()


def refuse_unknown() -> None:
    """Raise UnsafeConfiguration if money may still move at an account that this process does not have.

    Nobody would enquire about it. A database that cannot be read, because it is unreachable or lacks a migration, does
    not prevent the start.
    """
    try:
        stranded = _stranded()
    except PeeweeException:
        if store.is_ready():
            raise
        return
    if stranded:
        raise UnsafeConfiguration(_words(stranded))


def _stranded() -> Sequence[tuple[str, str]]:
    """Accounts that this process does not have, each with an attempt or refund of theirs whose money may still move."""
    unknown = PaymentAttempt.provider.not_in(list(accounts.known().channels))
    attempts = PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED), unknown)
    refunds = Refund.select(Refund, PaymentAttempt).join(PaymentAttempt)
    pending = refunds.where(Refund.status == RefundStatus.PENDING, unknown).order_by(Refund.created_at)
    return [
        *((row.provider, f"attempt {row.id}") for row in attempts.order_by(PaymentAttempt.created_at)),
        *((row.attempt.provider, f"refund {row.id}") for row in pending),
    ]


def _words(stranded: Sequence[tuple[str, str]]) -> str:
    names = dict.fromkeys(name for name, _ in stranded)
    return "; ".join(
        f"this process does not have the provider account {name!r}, where money may still move: "
        + _some([what for of, what in stranded if of == name])
        for name in names
    )


def _some(texts: Iterable[str]) -> str:
    every = list(texts)
    more = len(every) - _MOST_NAMED
    return ", ".join(every[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
