"""Which columns are sealed, whether this process can open them, and how they move to a new secret."""

from collections.abc import Iterator
from typing import Any

from peewee import PeeweeException

from ikawaari import sealing
from ikawaari.store.models import Credential, IdempotencyKey, ProviderAccount, Seal, WebhookEndpoint
from ikawaari.store.record import Record

_PROBE = "1"
_BATCH = 500
# The probe comes last: while it is sealed with an old secret, other rows may be, too.
_COLUMNS: tuple[tuple[type[Record], str], ...] = (
    (Credential, "return_key"),
    (WebhookEndpoint, "secret"),
    (WebhookEndpoint, "next_secret"),
    (ProviderAccount, "settings"),
    (ProviderAccount, "callback_key"),
    (IdempotencyKey, "body"),  # only of answers that contain a secret; others are not sealed
    (Seal, "sealed"),
)


def prepare() -> None:
    """Create the probe, sealed with the current secret, unless it exists."""
    Seal.insert_once(id=_PROBE, sealed=sealing.seal(_PROBE))


def fits() -> bool:
    """Whether the secrets of this process open the database's sealed values; true for an empty database."""
    try:
        probe = Seal.get_or_none(Seal.id == _PROBE)
    except PeeweeException:  # unreachable, or not migrated: reported where it is needed
        return True
    try:
        return probe is None or sealing.open_sealed(probe.sealed) == _PROBE
    except sealing.SealBroken:
        return False


def rotate() -> int:
    """Seal everything with the current secret. Returns how many texts were sealed again.

    It runs in batches while servers run, and may be stopped and run again: it skips what is done.
    """
    return sum(_rotate_column(model, name) for model, name in _COLUMNS)


def _rotate_column(model: Any, name: str) -> int:
    column, count = getattr(model, name), 0
    for row_id, sealed in _stored(model, column):
        if not sealing.is_current(sealed):
            fresh = sealing.seal(sealing.open_sealed(sealed))
            # If a server changes the row at the same time, its text was sealed later, and stays.
            count += model.update({column: fresh}).where(model.id == row_id, column == sealed).execute()
    return count


def _stored(model: Any, column: Any) -> Iterator[tuple[Any, str]]:
    """The ids and sealed texts of a column, in batches of the primary key."""
    query = model.select(model.id, column).where(column.is_null(False)).order_by(model.id).limit(_BATCH)
    if model is IdempotencyKey:
        query = query.where(IdempotencyKey.credential_id.is_null(False))
    rows = list(query.tuples())
    while rows:
        yield from rows
        rows = list(query.where(model.id > rows[-1][0]).tuples())
