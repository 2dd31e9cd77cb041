"""Reports over REST."""

import datetime

from flask.views import MethodView

from ikawaari import clock
from ikawaari.checkout import reports
from ikawaari.checkout.reports import Report
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.schemas import reports as schemas
from ikawaari.merchants.credentials import Scope

bp = Blueprint(
    "Reports",
    __name__,
    url_prefix="/api/v1/reports",
    description="What was taken, what went back, and what providers keep.",
)


@bp.route("/daily")
class Daily(MethodView):
    """One day."""

    @operation("retrieveDailyReport")
    @requires(Scope.REPORTS_READ)
    @bp.arguments(schemas.DailyQuery(), location="query")
    @bp.response(200, schemas.DailyReport(), example=schemas.DAILY_REPORT)
    def get(self, date: datetime.date) -> Report:
        """Retrieve the report of a day.

        A payment belongs to the day on which we learned that its money was taken, a refund to the day on which it
        succeeded, each from midnight to midnight in your country: the sums of all days are all of your money. A second
        payment of the same order, or a wrong amount, is in `gross`, too, and goes back by a refund. A past day changes
        only if a fee becomes known, if a refund that had succeeded is sent back by a bank, or if a provider reports
        more money for a payment that is known.
        """
        return reports.daily(caller().owner, date, clock.now())
