"""Where in a list a reader is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """At most `limit` rows after the row of the id `cursor` or `starting_after`, or before `ending_before`."""

    limit: int = 10
    cursor: str | None = None
    starting_after: str | None = None
    ending_before: str | None = None
