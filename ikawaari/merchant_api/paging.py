"""The page of a list that a request asks for, and the filters that every list has."""

from typing import Any

from marshmallow import fields, post_load, validate

from ikawaari.edge.answers import ObjectName, Output, TextField
from ikawaari.edge.fields import Text, Whole
from ikawaari.edge.parsing import Loaded, Query
from ikawaari.paging import PageRequest

MOST_PAGES = 10_000  # beyond it, skipping the rows before a page would cost more than a cursor does
LAST_INSTANT = 253_402_300_798  # the end of the year 9999, in Unix seconds; one more must still be an instant


class PageQuery(Query):
    """The page of a list, and when its objects were created. If several are given, the first of these counts: `cursor`,
    `starting_after`, `ending_before`, `page`.
    """

    limit = Whole(load_default=10, validate=validate.Range(1, 100))
    cursor = Text(64, metadata={"description": "The `next_cursor` of the previous page."})
    starting_after = Text(64, metadata={"description": "The id after which the page starts: the older form."})
    ending_before = Text(64, metadata={"description": "The id before which the page ends: the older form."})
    page = Whole(
        load_default=1,
        validate=validate.Range(1, MOST_PAGES),
        metadata={
            "description": "The number of the page, from 1; ignored if an id is given. New objects shift the "
            "following pages: use `next_cursor` instead, which every page has."
        },
    )
    created_gte = Whole(
        validate=validate.Range(0, LAST_INSTANT),
        metadata={"format": "int64", "description": "Unix seconds; created then or later."},
    )
    created_lte = Whole(
        validate=validate.Range(0, LAST_INSTANT),
        metadata={"format": "int64", "description": "Unix seconds; created then or earlier."},
    )

    @post_load
    def make(self, data: Loaded, **_options: Any) -> PageRequest:
        """The domain's value; all other parameters are filters."""
        place = {name: data.pop(name) for name in PageRequest.__dataclass_fields__ if name in data}
        return PageRequest(**place, filters=data)


class Page(Output):
    """What every list has besides its data."""

    object = ObjectName("list")
    has_more = fields.Boolean(required=True)
    next_cursor = TextField("The `cursor` of the next page; null on the last one.", nullable=True)
