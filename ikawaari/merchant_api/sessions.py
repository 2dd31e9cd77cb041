"""Checkout sessions over REST."""

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.checkout import merchant_view, payment_methods, prefills, sessions, snapshots
from ikawaari.checkout.payment_methods import Terms
from ikawaari.checkout.sessions import NewSession
from ikawaari.edge import naming, warnings
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.parsing import SESSION_ID
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent, idempotent_insert
from ikawaari.merchant_api.schemas import sessions as schemas
from ikawaari.merchants.credentials import Scope
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page

bp = Blueprint(
    "Checkout sessions",
    __name__,
    url_prefix="/api/v1/checkout/sessions",
    description="One page that a customer may pay on, once: open it on your server, send the customer to its `url`.",
)


@bp.route("")
class Sessions(MethodView):
    """All of a merchant's sessions."""

    @operation("createCheckoutSession", errors.OBJECT_UNKNOWN, errors.LINK_ENDED)
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent_insert
    @bp.arguments(schemas.CheckoutSessionInput(), required=False, example=schemas.NEW_SESSION)
    @bp.response(201, schemas.CheckoutSession(), example=schemas.SESSION)
    def post(self, new: NewSession) -> JsonObject:
        """Open a checkout session.

        Every field is optional: `{}` is a valid request. `success_url` and `successUrl` are the same field, and so are
        the two spellings of every other.
        """
        who = caller()
        with naming.fields_named(naming.camel):
            shown = sessions.open_session(who.owner, new, clock.now(), credential_id=who.credential_id)
        left_out = warnings.of(prefills.left_out(new, shown.session))
        terms, chosen = Terms.of_session(shown.session), new.payment_method_types is not None
        untaken = warnings.about("payment_method_types", payment_methods.unserved(terms, chosen=chosen))
        return {**merchant_view.checkout_session(shown), "warnings": [*left_out, *untaken]}

    @operation("listCheckoutSessions")
    @requires(Scope.PAYMENTS_READ)
    @bp.arguments(schemas.CheckoutSessionQuery(), location="query")
    @bp.response(200, schemas.CheckoutSessionList(), example=schemas.SESSIONS)
    def get(self, query: PageRequest) -> Page:
        """List checkout sessions, newest first."""
        return sessions.listed(caller().owner, query)


@bp.route("/<string:session_id>", parameters=[SESSION_ID])
class Session(MethodView):
    """One session."""

    @operation("retrieveCheckoutSession", errors.OBJECT_UNKNOWN)
    @requires(Scope.PAYMENTS_READ)
    @bp.response(200, schemas.CheckoutSession(), example=schemas.SESSION)
    def get(self, session_id: str) -> JsonObject:
        """Retrieve a checkout session."""
        return merchant_view.checkout_session(sessions.owned(session_id, caller().owner, clock.now()))


@bp.route("/<string:session_id>/expire", parameters=[SESSION_ID])
class Expiry(MethodView):
    """Expiry of one session."""

    @operation("expireCheckoutSession", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS, errors.BODY_TOO_LARGE)
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent
    @bp.response(200, schemas.CheckoutSession(), example=schemas.EXPIRED_SESSION)
    def post(self, session_id: str) -> JsonObject:
        """Expire an open checkout session. It needs no body."""
        shown = sessions.owned(session_id, caller().owner, clock.now())
        return merchant_view.checkout_session(snapshots.of(sessions.expire(shown.session, clock.now())))
