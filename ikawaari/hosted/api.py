"""The public JSON of a checkout session. Its id is the only credential."""

from datetime import datetime

from flask import g, request
from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.checkout import attempts, pay_keys, public_view, returns, sessions
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.edge import idempotency_key, languages, naming
from ikawaari.edge.documenting import Blueprint, operation, takes_key
from ikawaari.edge.parsing import SESSION_ID
from ikawaari.hosted.schemas import checkouts, payments

bp = Blueprint(
    "Public checkout",
    __name__,
    url_prefix="/api/checkout",
    description="The data of the hosted page, for merchants who build their own. The session's id is the credential.",
)


@bp.before_request
def find_session() -> None:
    """Find the session before the body of a payment is read: a stranger without a session makes us read nothing."""
    if request.method == "POST":
        g.shown = sessions.look_up_for_payment((request.view_args or {})["session_id"], clock.now())


@bp.route("/<string:session_id>", parameters=[SESSION_ID])
class Checkout(MethodView):
    """What a page shows."""

    @operation("retrievePublicCheckout", errors.SESSION_UNKNOWN)
    @bp.response(200, checkouts.PublicCheckout(), example=checkouts.CHECKOUT)
    def get(self, session_id: str) -> PublicCheckout:
        """Retrieve what the customer may see of a session."""
        now = clock.now()
        return public_view.public(sessions.look_up(session_id, now), now, languages.accepted())


@bp.route("/<string:session_id>/pay", parameters=[SESSION_ID])
class Payment(MethodView):
    """One attempt to pay."""

    @operation(
        "payCheckout",
        errors.SESSION_UNKNOWN,
        errors.PAYMENT_INVALID,
        errors.SESSION_EXPIRED,
        errors.CARD_NUMBER_SENT,
        errors.LINK_ENDED,
        errors.TOO_MANY_TRIES,
        errors.DECLINED,
        errors.OPERATOR_UNAVAILABLE,
        errors.STATE_FORBIDS,
        errors.ATTEMPT_UNSETTLED,
        errors.ALREADY_PAID,
        errors.NO_PROVIDER,
    )
    @takes_key
    @bp.arguments(payments.PaymentInput(), example=payments.PAYMENT)
    @bp.response(200, checkouts.PublicCheckout(), example=checkouts.PAYING_CHECKOUT)
    def post(self, body: payments.PayBody, session_id: str) -> PublicCheckout:
        """Pay a session, or send the code that the payer received.

        The answer is the session's new state: look at `payment.status` and at `next_action`, and retrieve it again
        until the payment is settled. A decline that is known immediately is a 402, and the payer may try again.

        With an `Idempotency-Key` the same request may be repeated if there was no answer: it never starts a second
        attempt, and returns the session as it is now. A different body with the same key is a 409. Browsers of any
        origin may call both routes of this section.
        """
        now = clock.now()
        body.check_session(session_id)
        returns.check(g.shown.session, body.request.return_url)
        with naming.fields_named(naming.payment):
            shown = attempts.pay_once(g.shown, body.request, _key(session_id, now), now)
        return public_view.public(shown or sessions.look_up(session_id, now), now, languages.accepted())


def _key(session_id: str, now: datetime) -> pay_keys.Key | None:
    text = idempotency_key.read()
    if text is None:
        return None
    return pay_keys.Key(session_id=session_id, text=text, body_digest=idempotency_key.body_digest(), now=now)
