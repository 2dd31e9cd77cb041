"""Each claim of due work in a run, noted by PostgreSQL itself: how long nobody had it, and whose work it had been."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ikawaari import clock
from ikawaari.events import delivery
from ikawaari.store.database import database
from ikawaari.store.models import DueWork
from tests.cluster.machines import CALL_SECONDS, CLOCKS, POLL_SECONDS

# By its own clock, the slowest machine waits for as much longer.
LONGEST_WAIT = timedelta(seconds=POLL_SECONDS - min(CLOCKS) + 5)  # 5: on a machine that is busy with other things
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEASES: Mapping[str, timedelta] = {delivery.DELIVER: delivery.LEASE}
_USUAL_LEASE = timedelta(seconds=5 * CALL_SECONDS)  # of what waits for no provider; else three calls
_NOTE = (
    """
CREATE TABLE claims (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    free_at BIGINT NOT NULL,
    at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    is_takeover BOOLEAN NOT NULL
)""",
    """
CREATE FUNCTION microseconds() RETURNS bigint LANGUAGE sql AS
    'SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint'""",
    "ALTER TABLE due_work ADD COLUMN changed_at BIGINT NOT NULL DEFAULT microseconds()",
    """
CREATE FUNCTION note_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.tries > OLD.tries AND NEW.leased_until IS NOT NULL THEN
        INSERT INTO claims VALUES (
            NEW.kind, NEW.subject, GREATEST(OLD.due_at, OLD.leased_until, OLD.changed_at),
            microseconds(), NEW.leased_until, OLD.leased_until IS NOT NULL
        );
        NEW.changed_at = 0;
    ELSIF OLD.leased_until IS NOT NULL AND NEW.leased_until IS NULL OR NEW.due_at <> OLD.due_at THEN
        NEW.changed_at = microseconds();
    END IF;
    RETURN NEW;
END $$""",
    "CREATE TRIGGER note_claim BEFORE UPDATE ON due_work FOR EACH ROW EXECUTE FUNCTION note_claim()",
)
Outage = tuple[datetime, datetime]
"""From when until when nobody could claim anything."""


@dataclass(frozen=True)
class Claim:
    """A worker began a piece of work at `at`, which it could have begun since `free_at`."""

    kind: str
    subject: str
    free_at: datetime
    at: datetime
    leased_until: datetime
    is_takeover: bool  # who had it before never concluded it

    def waited(self, outages: Sequence[Outage] = ()) -> timedelta:
        """How long it was there for everybody; an outage begins the time again."""
        free_at = max([self.free_at, *(end for _, end in outages if self.free_at < end <= self.at)])
        return max(self.at - free_at, timedelta())

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} at {self.at:%H:%M:%S}"


def watch() -> None:
    """From now on note each claim."""
    for statement in _NOTE:
        database.obj.execute_sql(statement)


def noted() -> list[Claim]:
    """All claims, in their order."""
    rows: Any = database.obj.execute_sql("SELECT * FROM claims ORDER BY at").fetchall()
    return [
        Claim(kind, subject, _instant(free_at), _instant(at), _instant(leased_until), is_takeover)
        for kind, subject, free_at, at, leased_until, is_takeover in rows
    ]


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def late(claims: Sequence[Claim], outages: Sequence[Outage]) -> Iterator[str]:
    """Work that was free for too long, or leased for longer than its kind may be."""
    for one in claims:
        if one.waited(outages) > LONGEST_WAIT:
            told = "was not taken over" if one.is_takeover else "waited"
            yield f"{one} {told} for {one.waited(outages).total_seconds():.1f} s"
        if one.leased_until - one.at > _LEASES.get(one.kind, _USUAL_LEASE) + timedelta(seconds=max(CLOCKS)):
            yield f"{one} was leased until {one.leased_until:%H:%M:%S}"


def abandoned(now: datetime | None = None) -> Iterator[str]:
    """Work whose lease has ended, and that nobody has taken over."""
    latest = (now or clock.now()) - LONGEST_WAIT
    for row in DueWork.select().where(DueWork.leased_until < latest, DueWork.due_at < latest):
        yield f"{row.kind} {row.subject} has been nobody's since {row.leased_until:%H:%M:%S}"


def slowest(claims: Sequence[Claim], outages: Sequence[Outage]) -> str:
    """How many claims there were, how many of them took over, and the longest wait of each, in words."""
    taken_over = [one for one in claims if one.is_takeover]
    return (
        f"{len(claims)} claims of due work, the slowest {_longest(claims, outages)};"
        f" {len(taken_over)} of them took over, {_longest(taken_over, outages)} after the lease at most"
    )


def _longest(claims: Sequence[Claim], outages: Sequence[Outage]) -> str:
    if not claims:
        return "-"
    one = max(claims, key=lambda claim: claim.waited(outages))
    return f"{one.waited(outages).total_seconds():.1f} s ({one.kind})"
