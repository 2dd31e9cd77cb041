"""Reports on the wire."""

from typing import Any

from marshmallow import fields, post_load

from ikawaari.edge.answers import EmbeddedList, Money, ObjectName, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Day
from ikawaari.edge.parsing import Loaded, Query


class DailyQuery(Query):
    """Which day."""

    date = Day(
        required=True,
        metadata={
            "description": "A day in your country's time zone, today at the latest; today's report is not final.",
            "example": "2026-01-01",
        },
    )

    @post_load
    def make(self, data: Loaded, **_options: Any) -> Any:
        """The day."""
        return data["date"]


class DailyReportRow(Output):
    """What happened in one currency at one operator."""

    currency = TextField("ISO 4217, lower case.", pattern="^[a-z]{3}$")
    operator = TextField("Such as `orange_sn`; `card` for cards.")
    count = fields.Integer(required=True, metadata={"description": "How many payments were taken.", "format": "int64"})
    gross = Money("The sum of what was taken from customers, with `customer_fees`, and with what was returned since.")
    customer_fees = Money("The part of `gross` that is fees which customers paid on top.")
    provider_fees = Money(
        "What the providers keep of these payments, and for these refunds; below 0 where they return more of their "
        "fees than they keep. Null while one of these fees is not known.",
        nullable=True,
    )
    refunds = Money("The sum of the refunds that succeeded that day, whenever the payments were.")
    net = Money("`gross` − `refunds` − `provider_fees`; null while `provider_fees` is null.", nullable=True)


class DailyReport(Output):
    """One day in your country, from midnight to midnight: a row for each currency and operator with money."""

    object = ObjectName("report.daily")
    date = TextField(format="date")
    timezone = TextField("An IANA name: the time zone of your country.")
    livemode = fields.Boolean(required=True)
    rows = EmbeddedList(DailyReportRow)


DAILY_REPORT: Example = {
    "object": "report.daily",
    "date": "2026-01-01",
    "timezone": "Africa/Dakar",
    "livemode": False,
    "rows": [
        {
            "currency": "xof",
            "operator": "orange_sn",
            "count": 2,
            "gross": 37500,
            "customer_fees": 0,
            "provider_fees": None,
            "refunds": 12500,
            "net": None,
        },
        {
            "currency": "xof",
            "operator": "wave_sn",
            "count": 1,
            "gross": 25250,
            "customer_fees": 250,
            "provider_fees": 252,
            "refunds": 0,
            "net": 24998,
        },
    ],
}
