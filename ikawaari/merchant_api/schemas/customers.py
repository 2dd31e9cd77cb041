"""Customers on the wire."""

from marshmallow import fields

from ikawaari.edge import examples
from ikawaari.edge.answers import EmbeddedList, Instant, ObjectName, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Text
from ikawaari.merchant_api.paging import Page, PageQuery

CUSTOMER_ID = {
    "in": "path",
    "name": "customer_id",
    "description": "The customer's id, `cus_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "cus_2kRb8XhQs1MzLdG3vN9cTfY6wEj",
}


class CustomerQuery(PageQuery):
    """Filters of the list, and the page."""

    email = Text(320)
    phone = Text(32, metadata={"description": "As typed, or E.164; write its + as %2B."})


class Customer(Output):
    """Somebody who paid."""

    id = TextField(pattern="^cus_[A-Za-z0-9]+$")
    object = ObjectName("customer")
    name = TextField("As the customer first wrote it.", nullable=True)
    email = TextField(nullable=True)
    phone = TextField("E.164: the number that paid.", nullable=True)
    livemode = fields.Boolean(required=True)
    created = Instant()


class CustomerList(Page):
    """A page of customers, newest first."""

    data = EmbeddedList(Customer)


CUSTOMER: Example = {
    "id": "cus_2kRb8XhQs1MzLdG3vN9cTfY6wEj",
    "object": "customer",
    "name": "Awa Diop",
    "email": None,
    "phone": "+221771234567",
    "livemode": False,
    "created": 1767225720,
}
CUSTOMERS: Example = examples.page(CUSTOMER)
