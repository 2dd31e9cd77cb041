"""Customers over REST. Payments create them."""

from flask.views import MethodView

from ikawaari import errors
from ikawaari.checkout import customers, merchant_view
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.schemas import customers as schemas
from ikawaari.merchants.credentials import Scope
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page

bp = Blueprint(
    "Customers",
    __name__,
    url_prefix="/api/v1/customers",
    description="Who paid: recognized by the phone number that paid, or else by the email address.",
)


@bp.route("")
class Customers(MethodView):
    """All of a merchant's customers."""

    @operation("listCustomers")
    @requires(Scope.CUSTOMERS_READ)
    @bp.arguments(schemas.CustomerQuery(), location="query")
    @bp.response(200, schemas.CustomerList(), example=schemas.CUSTOMERS)
    def get(self, query: PageRequest) -> Page:
        """List customers, newest first."""
        return customers.listed(caller().owner, query)


@bp.route("/<string:customer_id>", parameters=[schemas.CUSTOMER_ID])
class OneCustomer(MethodView):
    """One customer."""

    @operation("retrieveCustomer", errors.OBJECT_UNKNOWN)
    @requires(Scope.CUSTOMERS_READ)
    @bp.response(200, schemas.Customer(), example=schemas.CUSTOMER)
    def get(self, customer_id: str) -> JsonObject:
        """Retrieve a customer."""
        return merchant_view.customer(customers.owned(customer_id, caller().owner))
