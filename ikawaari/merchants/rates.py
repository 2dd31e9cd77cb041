"""Rate limits: fixed windows of a minute, counted in the database: all processes and machines count together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ikawaari import clock, store
from ikawaari.store.models import RateWindow

_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Standing:
    """Where a caller stands in its window: `limit` and `remaining` requests, and the Unix second it starts anew."""

    limit: int
    remaining: int
    resets_at: int

    @property
    def is_over(self) -> bool:
        """Whether this request was one too many."""
        return self.remaining < 0


def count(limits: Sequence[tuple[str, int]], now: datetime) -> Standing:
    """Count one request against every (name, requests a minute) of `limits`; the standing of the tightest."""
    minute = clock.unix(now) // 60
    ends_at = clock.from_unix(minute * 60) + _WINDOW
    rows = [{"id": f"{name}:{minute}", "count": 1, "ends_at": ends_at} for name, _ in limits]
    # One statement for all, in one order: parallel requests count one after the other and never deadlock.
    counted = (
        RateWindow.insert_many(sorted(rows, key=lambda row: str(row["id"])))
        .on_conflict(conflict_target=[RateWindow.id], update={RateWindow.count: RateWindow.count + 1})
        .returning(RateWindow.id, RateWindow.count)
    )
    with store.forgettable():
        used = {row.id: row.count for row in counted.execute()}
    tightest = min(limits, key=lambda limit: limit[1] - used[f"{limit[0]}:{minute}"])
    return Standing(tightest[1], tightest[1] - used[f"{tightest[0]}:{minute}"], clock.unix(ends_at))


def forget(now: datetime) -> None:
    """Drop the windows that are over."""
    RateWindow.delete().where(RateWindow.ends_at < now - _WINDOW).execute()
