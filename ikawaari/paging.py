"""Which part of a list a reader asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """At most `limit` of the rows that pass the `filters`: those after the row of the id `cursor` or `starting_after`,
    or before `ending_before`, or those of the `page` of that number, from 1. Of several places the first one counts.
    """

    limit: int = 10
    cursor: str | None = None
    starting_after: str | None = None
    ending_before: str | None = None
    page: int = 1
    filters: Mapping[str, str | int] = field(default_factory=dict)

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
