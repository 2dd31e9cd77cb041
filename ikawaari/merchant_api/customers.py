"""Customers over REST. Payments make them."""

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView
from marshmallow import fields

from ikawaari import errors
from ikawaari.checkout import customers, resources
from ikawaari.edge import customer_examples as examples
from ikawaari.edge.answers import Instant, Kind, Output, Parts, Words
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.fields import Text
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.paging import Page, PageQuery, place_of
from ikawaari.merchants.credentials import Scope

CUSTOMER_ID = {
    "in": "path",
    "name": "customer_id",
    "description": "The customer's id, `cus_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": examples.CUSTOMER["id"],
}

bp = Blueprint(
    "Customers",
    __name__,
    url_prefix="/api/v1/customers",
    description="Who paid: known again by the phone number that paid, else by the e-mail address.",
)


class CustomerQuery(PageQuery):
    """Filters of the list, and the place in it."""

    email = Text(320)
    phone = Text(32, metadata={"description": "As typed, or E.164; write its + as %2B."})


class Customer(Output):
    """Somebody who paid."""

    id = Words(pattern="^cus_[A-Za-z0-9]+$")
    object = Kind("customer")
    name = Words("As the customer first wrote it.", nullable=True)
    email = Words(nullable=True)
    phone = Words("E.164: the number that paid.", nullable=True)
    livemode = fields.Boolean(required=True)
    created = Instant()


class CustomerList(Page):
    """A page of customers, newest first."""

    data = Parts(Customer)


@bp.route("")
class Customers(MethodView):
    """All of a merchant's customers."""

    @operation("listCustomers")
    @requires(Scope.CUSTOMERS_READ)
    @bp.arguments(CustomerQuery(), location="query")
    @bp.response(200, CustomerList(), example=examples.CUSTOMERS)
    def get(self, query: dict[str, Any]) -> Mapping[str, Any]:
        """List customers, newest first."""
        place = place_of(query)
        return customers.listed(caller().owner, query, place)


@bp.route("/<string:customer_id>", parameters=[CUSTOMER_ID])
class OneCustomer(MethodView):
    """One customer."""

    @operation("retrieveCustomer", errors.OBJECT_UNKNOWN)
    @requires(Scope.CUSTOMERS_READ)
    @bp.response(200, Customer(), example=examples.CUSTOMER)
    def get(self, customer_id: str) -> Mapping[str, Any]:
        """Retrieve a customer."""
        return resources.customer(customers.owned(customer_id, caller().owner))
