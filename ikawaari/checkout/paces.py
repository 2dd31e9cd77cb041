"""How often a provider account may be asked what became of something: by all machines together.

Some providers limit it; and one that was asked too often may say for how long it wants to be left alone. What is due
meanwhile stays due, in its account's own lane, so nobody else's work waits for it.
"""

from ikawaari import clock, store
from ikawaari.checkout import accounts
from ikawaari.merchants import rates


def may_call(account_id: str) -> bool:
    """Whether the account may be called at all now."""
    return not accounts.known().health.is_resting(account_id, clock.now())


def may_look_up(account_id: str) -> bool:
    """Whether one more look-up may go to the account now. If so, it counts."""
    channel = accounts.channel(account_id)
    most = channel.times.lookups_per_second if channel else None
    # If two machines look something up at once, both are counted before either asks.
    return may_call(account_id) and (
        most is None or rates.take(f"lookups:{account_id}", most, store.shared_clock.now())
    )
