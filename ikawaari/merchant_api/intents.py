"""Payment intents over REST, for merchants who collect the payment method themselves."""

from collections.abc import Callable, Sequence
from typing import Any

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.checkout import (
    attempts,
    cancellations,
    intents,
    merchant_view,
    payment_methods,
    prefills,
    returns,
    snapshots,
)
from ikawaari.checkout.payment_methods import Once, PaymentMethod, PayRequest, Terms
from ikawaari.edge import languages, naming, warnings
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.errors import Declined, ValidationFailed
from ikawaari.merchant_api import recovery
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent, idempotent_call
from ikawaari.merchant_api.schemas import intents as schemas
from ikawaari.merchant_api.schemas.intents import GivenMethod
from ikawaari.merchants.credentials import Scope
from ikawaari.paging import PageRequest
from ikawaari.shapes import ColumnValues, JsonObject, Page

INTENT_ID = {
    "in": "path",
    "name": "intent_id",
    "description": "The payment intent's id, `pi_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "pi_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}
_DECLINES = (errors.DECLINED, errors.OPERATOR_UNAVAILABLE, errors.TOO_MANY_TRIES, errors.NO_PROVIDER)
_ENDED = (errors.SESSION_EXPIRED, errors.LINK_ENDED)
_CONFLICTS = (errors.STATE_FORBIDS, errors.ATTEMPT_UNSETTLED, errors.ALREADY_PAID)

bp = Blueprint(
    "Payment intents",
    __name__,
    url_prefix="/api/v1/payment-intents",
    description="The intent to collect one amount, once, for merchants who collect the payment method themselves.",
)


@bp.route("")
class Intents(MethodView):
    """All of a merchant's intents."""

    @operation("createPaymentIntent", errors.PAYMENT_INVALID, *_DECLINES)
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent_call
    @bp.arguments(schemas.IntentInput(), example=schemas.NEW_INTENT)
    @bp.response(201, schemas.PaymentIntent(), example=schemas.INTENT)
    def post(self, body: schemas.IntentBody) -> JsonObject:
        """Create a payment intent, and confirm it immediately if requested.

        If the payment is declined immediately, the answer is 402, and its `details.payment_intent` is the intent's id:
        the intent was created, and may be confirmed again.
        """
        who, now = caller(), clock.now()
        # Everything that can be refused is checked before anything is stored.
        returns.check_secure(body.return_url, livemode=who.owner.livemode)
        given = _agreed(body.given, lambda: intents.terms_of_new(who.owner, body.intent))
        with naming.fields_named(given.name):
            intent = recovery.made_once(
                make=lambda: intents.create(who.owner, body.intent, now),
                find=lambda intent_id: intents.owned(intent_id, who.owner),
                give_up=lambda intent_id: cancellations.give_up(intent_id, now),
            )
        if body.confirm:
            intent = _confirm(intent, given, body.return_url, once=lambda _: recovery.remember(intent.id))
        left_out = warnings.of(prefills.left_out(body.intent, intent))
        return {**_shown(intent), "warnings": [*left_out, *_unserved(body, given)]}

    @operation("listPaymentIntents")
    @requires(Scope.PAYMENTS_READ)
    @bp.arguments(schemas.IntentQuery(), location="query")
    @bp.response(200, schemas.PaymentIntentList(), example=schemas.INTENTS)
    def get(self, query: PageRequest) -> Page:
        """List payment intents, newest first."""
        return intents.listed(caller().owner, query, languages.accepted())


@bp.route("/<string:intent_id>", parameters=[INTENT_ID])
class Intent(MethodView):
    """One intent."""

    @operation("retrievePaymentIntent", errors.OBJECT_UNKNOWN)
    @requires(Scope.PAYMENTS_READ)
    @bp.response(200, schemas.PaymentIntent(), example=schemas.INTENT)
    def get(self, intent_id: str) -> JsonObject:
        """Retrieve a payment intent."""
        return _shown(intents.owned(intent_id, caller().owner))

    @operation("updatePaymentIntent", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS)
    @requires(Scope.PAYMENTS_WRITE)
    @bp.arguments(schemas.IntentChanges(), example=schemas.INTENT_CHANGES)
    @bp.response(200, schemas.PaymentIntent(), example=schemas.INTENT)
    def patch(self, changes: ColumnValues, intent_id: str) -> JsonObject:
        """Change a payment intent while no money moves."""
        intent = intents.owned(intent_id, caller().owner)
        return _shown(intents.update(intent.id, changes))


@bp.route("/<string:intent_id>/confirm", parameters=[INTENT_ID])
class Confirmation(MethodView):
    """One attempt to pay."""

    @operation("confirmPaymentIntent", errors.OBJECT_UNKNOWN, errors.PAYMENT_INVALID, *_ENDED, *_CONFLICTS, *_DECLINES)
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent_call
    @bp.arguments(schemas.ConfirmInput(), required=False, example=schemas.CONFIRMATION)
    @bp.response(200, schemas.PaymentIntent(), example=schemas.CONFIRMED_INTENT)
    def post(self, body: tuple[Sequence[GivenMethod], str | None], intent_id: str) -> JsonObject:
        """Confirm a payment intent: ask the payer, or send the code that the payer received.

        It is rarely settled immediately: show the payer `next_action`, and wait for `payment_intent.succeeded` or
        `payment_intent.payment_failed`. A code goes into `payment_method_data.mobile_money.otp` of a second
        confirmation. Until an attempt is settled, no other one may start. 402 is a decline that is known immediately.
        """
        intent = intents.owned(intent_id, caller().owner)
        given, return_url = body
        returns.check_secure(return_url, livemode=intent.livemode)
        chosen = _agreed(given, lambda: intents.terms_of(intent))
        return _shown(_confirm(intent, chosen, return_url, once=recovery.remember))


@bp.route("/<string:intent_id>/cancel", parameters=[INTENT_ID])
class Cancellation(MethodView):
    """Cancellation of one intent."""

    @operation("cancelPaymentIntent", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS)
    @requires(Scope.PAYMENTS_WRITE)
    @idempotent
    @bp.response(200, schemas.PaymentIntent(), example=schemas.CANCELED_INTENT)
    def post(self, intent_id: str) -> JsonObject:
        """Cancel a payment intent that is not being paid; its open checkout session expires with it."""
        intent = intents.owned(intent_id, caller().owner)
        return _shown(cancellations.cancel(intent.id, clock.now()))


def _confirm(intent: Any, given: GivenMethod, return_url: str | None, once: Once) -> Any:
    """Try to pay the intent with the given method, or else with the one it was created with. Returns its new state."""
    payment = given.payment or intent.payment_method
    request = PayRequest(**payment, return_url=return_url, once=once) if payment else None
    earlier = recovery.stored()
    try:
        # An earlier run may have called the provider: the result of that call is the answer, not a new attempt.
        if earlier is None or not attempts.is_tried(earlier):
            with naming.fields_named(given.name):
                attempts.confirm(intent, request, clock.now())
    except Declined as refusal:
        refusal.details["payment_intent"] = [intent.id]
        raise
    return intents.owned(intent.id, caller().owner)


def _agreed(given: Sequence[GivenMethod], terms: Callable[[], Terms]) -> GivenMethod:
    """The payment method that the client gave. Raises ValidationFailed if two fields differ."""
    if len(given) == 2 and given[0].payment != given[1].payment:
        one, other = (_read(each, terms()) for each in given)
        if not payment_methods.is_same(one, other) or given[0].payment.get("otp") != given[1].payment.get("otp"):
            raise ValidationFailed(
                {each.field: ["the two differ; send one of them"] for each in given}, errors.PAYMENT_INVALID
            )
    return given[0] if given else schemas.NOTHING_GIVEN


def _unserved(body: schemas.IntentBody, given: GivenMethod) -> list[dict[str, str]]:
    """Warnings about what nobody takes now. A confirmed intent was just taken."""
    words = [] if body.confirm else intents.unserved(caller().owner, body.intent)
    return warnings.about(given.field if body.given else "payment_method_types", words)


def _read(given: GivenMethod, terms: Terms) -> PaymentMethod:
    with naming.fields_named(given.name):
        return payment_methods.read(PayRequest(**given.payment), terms)


def _shown(intent: Any) -> JsonObject:
    return merchant_view.payment_intent(snapshots.of_intent(intent), languages.accepted())
