"""Payment links over REST: the first version, and the second with everything that a session can have."""

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.checkout import links, payment_methods
from ikawaari.checkout.links import NewLink
from ikawaari.checkout.payment_methods import Terms
from ikawaari.edge import naming, warnings
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.schemas import payment_links as schemas
from ikawaari.merchants.credentials import Scope
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page

LINK_ID = {
    "in": "path",
    "name": "link_id",
    "description": "The payment link's id, a UUID.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": schemas.LINK["id"],
}

bp = Blueprint(
    "Payment links",
    __name__,
    url_prefix="/api/v1/payment_links",
    description="Addresses to pay at, without a server: each visit opens a checkout session.",
)
bp_v2 = Blueprint(
    "Payment links V2",
    "payment_links_v2",
    url_prefix="/api/v2/payment_links",
    description="The same with line items, amounts to choose, questions, subscriptions and a maximum number of uses.",
)


@bp.route("")
class PaymentLinks(MethodView):
    """All of a merchant's links."""

    @operation("createPaymentLink")
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent
    @bp.arguments(schemas.PaymentLinkInput(), required=False, example=schemas.NEW_LINK)
    @bp.response(201, schemas.PaymentLink(), example=schemas.LINK)
    def post(self, new: NewLink) -> JsonObject:
        """Create a payment link, and give its `url` to your customers. Every field is optional."""
        return _create(1, new)

    @operation("listPaymentLinks")
    @requires(Scope.PAYMENTS_READ)
    @bp.arguments(schemas.PaymentLinkQuery(), location="query")
    @bp.response(200, schemas.PaymentLinkList(), example=schemas.LINKS)
    def get(self, query: PageRequest) -> Page:
        """List payment links, newest first."""
        return _list(1, query)


@bp.route("/<string:link_id>", parameters=[LINK_ID])
class PaymentLink(MethodView):
    """One link."""

    @operation("retrievePaymentLink", errors.OBJECT_UNKNOWN)
    @requires(Scope.PAYMENTS_READ)
    @bp.response(200, schemas.PaymentLink(), example=schemas.LINK)
    def get(self, link_id: str) -> JsonObject:
        """Retrieve a payment link."""
        return _retrieve(1, link_id)


@bp.route("/<string:link_id>/deactivate", parameters=[LINK_ID])
class Deactivation(MethodView):
    """Deactivation of one link."""

    @operation("deactivatePaymentLink", errors.OBJECT_UNKNOWN, errors.BODY_TOO_LARGE)
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent
    @bp.response(200, schemas.PaymentLink(), example=schemas.INACTIVE_LINK)
    def post(self, link_id: str) -> JsonObject:
        """Deactivate a payment link permanently. Payments that have started are not affected. It needs no body."""
        return _deactivate(1, link_id)


@bp_v2.route("")
class PaymentLinksV2(MethodView):
    """All of a merchant's links of the second version."""

    @operation("createPaymentLinkV2")
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent
    @bp_v2.arguments(schemas.PaymentLinkV2Input(), required=False, example=schemas.NEW_LINK_V2)
    @bp_v2.response(201, schemas.PaymentLinkV2(), example=schemas.LINK_V2)
    def post(self, new: NewLink) -> JsonObject:
        """Create a payment link of the second version. Every field is optional."""
        return _create(2, new)

    @operation("listPaymentLinksV2")
    @requires(Scope.PAYMENTS_READ)
    @bp_v2.arguments(schemas.PaymentLinkQuery(), location="query")
    @bp_v2.response(200, schemas.PaymentLinkV2List(), example=schemas.LINKS_V2)
    def get(self, query: PageRequest) -> Page:
        """List payment links of the second version, newest first."""
        return _list(2, query)


@bp_v2.route("/<string:link_id>", parameters=[LINK_ID])
class PaymentLinkV2(MethodView):
    """One link of the second version."""

    @operation("retrievePaymentLinkV2", errors.OBJECT_UNKNOWN)
    @requires(Scope.PAYMENTS_READ)
    @bp_v2.response(200, schemas.PaymentLinkV2(), example=schemas.LINK_V2)
    def get(self, link_id: str) -> JsonObject:
        """Retrieve a payment link of the second version."""
        return _retrieve(2, link_id)


@bp_v2.route("/<string:link_id>/deactivate", parameters=[LINK_ID])
class DeactivationV2(MethodView):
    """Deactivation of one link of the second version."""

    @operation("deactivatePaymentLinkV2", errors.OBJECT_UNKNOWN, errors.BODY_TOO_LARGE)
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent
    @bp_v2.response(200, schemas.PaymentLinkV2(), example=schemas.INACTIVE_LINK_V2)
    def post(self, link_id: str) -> JsonObject:
        """Deactivate a payment link of the second version permanently. It needs no body."""
        return _deactivate(2, link_id)


def _create(version: int, new: NewLink) -> JsonObject:
    who, now = caller(), clock.now()
    with naming.fields_named(naming.camel):
        link = links.create(who.owner, version, new, now, credential_id=who.credential_id)
    words = payment_methods.unserved(Terms.of_link(link), chosen=new.payment_method_types is not None)
    return {**links.resource(link, now), "warnings": warnings.about("payment_method_types", words)}


def _list(version: int, query: PageRequest) -> Page:
    return links.listed(version, caller().owner, query, now=clock.now())


def _retrieve(version: int, link_id: str) -> JsonObject:
    return links.resource(links.owned(link_id, version, caller().owner), clock.now())


def _deactivate(version: int, link_id: str) -> JsonObject:
    now = clock.now()
    link = links.owned(link_id, version, caller().owner)
    return links.resource(links.deactivate(link, now), now)
