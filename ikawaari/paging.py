"""Where in a list a reader is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """At most `limit` rows after the row of the id `cursor` or `starting_after`, or before `ending_before`, or those of
    the `page` of that number, from 1. Given several, the first of this order counts.
    """

    limit: int = 10
    cursor: str | None = None
    starting_after: str | None = None
    ending_before: str | None = None
    page: int = 1

    @property
    def edge(self) -> tuple[str, str | None]:
        """The row at which the page begins or ends: the parameter that names it, and its id. No id: it is numbered."""
        names = ("cursor", "starting_after", "ending_before")
        name = next((name for name in names if getattr(self, name)), "page")
        return name, getattr(self, name) if name != "page" else None

    @property
    def offset(self) -> int:
        """How many rows come before a numbered page."""
        return 0 if self.edge[1] else (self.page - 1) * self.limit
