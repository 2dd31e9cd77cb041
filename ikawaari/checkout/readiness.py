"""Whether what the domain stands on is there."""

from ikawaari import store


def is_ready() -> bool:
    """Whether the database answers, and is migrated."""
    return store.is_ready()
