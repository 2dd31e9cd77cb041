"""Every state of the page, frozen. A name is the page's `data-state`, a point, and what is special."""

from collections.abc import Mapping

from ikawaari.checkout.notes import Hindrance, Notes, Reason
from ikawaari.checkout.repeats import Earlier
from ikawaari.checkout.ways import OpenInvoice, RefundRow, Ways
from ikawaari.hosted.drafts import Draft
from ikawaari.hosted.gallery_views import (
    AT,
    BOTH,
    BY_CARD,
    CARD,
    DAY,
    DIALED,
    HOME,
    LEAD,
    LIVE_CARD,
    NO_QUOTE,
    OF_FRANC,
    PROMPT,
    SCAN,
    SESSION,
    SHOP,
    Fixture,
    a_code,
    costs,
    failed,
    mobile_money,
    paid,
    payment,
    subscription,
    view,
    waiting,
)
from ikawaari.providers.base import FailureCode

_DOWN = (("wave_sn", Hindrance(Reason.DOWN)), ("expresso_sn", Hindrance(Reason.MAXIMUM, 4_000)))
_BELOW = ("free_sn", Hindrance(Reason.MINIMUM, 10_000))
_SOME_DOWN = [mobile_money(*OF_FRANC, hindered=("wave_sn", "expresso_sn", "free_sn")), CARD]
_ALL_DOWN = mobile_money("SN", hindered=("orange_sn", "wave_sn", "free_sn", "expresso_sn"))
_EACH_DOWN = tuple((one["id"], Hindrance(Reason.DOWN)) for one in _ALL_DOWN["countries"][0]["operators"])
_TYPED = Draft({"phone": "77 123 45 67", "country": "SN"})
_SENT = Draft({**_TYPED.values, "operator": "orange_sn", "method": "mobile_money"})
_BY_CARD = Draft({"method": "card"})
_CHOSEN = {"amount": None, "amount_min": 500, "amount_max": 200_000}
_PRESETS = {**_CHOSEN, "amount_presets": [1_000, 2_000, 5_000, 10_000]}
_FEE = {"fee_mode": "customer_pays", "fees": [{"type": "mobile_money", "fee_amount": 75, "amount_total": 5_075}]}
_MONTHLY = {"mode": "subscription", "recurring": {"interval": "month", "interval_count": 1}}
_TRIAL = {**_MONTHLY, "recurring": {"interval": "month", "interval_count": 1, "trial_period_days": 30}}
_ITEMS = [
    {"name": "Wax hollandais, 6 yards", "amount": 12_500, "quantity": 2},
    {"name": "Livraison à Dakar", "amount": 500, "quantity": 1},
]
_ADJUSTABLE = [
    {"name": "Entrée adulte", "amount": 5_000, "quantity": 2, "adjustable_quantity": {"minimum": 0, "maximum": 6}},
    {"name": "Entrée enfant", "amount": 2_500, "quantity": 1, "adjustable_quantity": {"minimum": 0, "maximum": 6}},
    {"name": "Parking", "amount": 1_000, "quantity": 1},
]
_SIZES = [{"label": size, "value": size} for size in ("S", "M", "L")]
_QUESTIONS = [
    {"key": "size", "label": "Taille", "type": "dropdown", "options": _SIZES, "required": True},
    {"key": "name", "label": "Nom à broder", "type": "text", "options": None, "required": False},
    {"key": "count", "label": "Nombre de pièces", "type": "number", "options": None, "required": True},
    {"key": "day", "label": "Jour de livraison", "type": "date", "options": None, "required": False},
]
_EVERYTHING_WRONG = Draft(
    {"phone": "77 123", "country": "SN", "amount": "7", "field.count": "deux", "email": "awa"},
    ("amount", "field.size", "field.count", "phone", "operator", "email"),
)
_CARD_FAULTS = Draft({"method": "card"}, ("number", "expiry", "cvc"), {"number": "few", "expiry": "past"})
PAID_BEFORE: Earlier = {
    "id": "pi_0",
    "kind": "payment",
    "amount": 5_000,
    "currency": "XOF",
    "at": AT - DAY,
    "reference": "00055CE1",
    "type": "mobile_money",
    "operator": "orange_sn",
    "session": SESSION,
    "may_repeat": True,
}
_WAITS: Earlier = {"id": "pi_0", "kind": "waiting", "amount": 5_000, "currency": "XOF", "at": AT - 60}
_SUBSCRIBED: Earlier = {
    "id": "sub_0",
    "kind": "subscription",
    "amount": 5_000,
    "currency": "XOF",
    "at": AT - DAY,
    "interval": "month",
    "interval_count": 1,
}
_CONGO = {"currency": "CDF", "country": "CD", "amount": 2_500_000, "payment_methods": [mobile_money("CD"), CARD]}
_WAYS = Ways(check=True, asks_until=AT + 16 * 60)
_CANCELABLE = Ways(check=True, asks_until=AT + 16 * 60, cancel="86d9e7ea")
_OVER = {"created": AT - 120, "deadline_at": AT - 7}
_WAVE = {"operator": "wave_sn", "phone": "+221 77 ••• •• 67"}
_NO_MOBILE_MONEY = {"payment_methods": [CARD]}

_OPEN: Mapping[str, Fixture] = {
    "choose.empty": Fixture(view=view()),
    "choose.typed": Fixture(view=view(), draft=_TYPED),
    "choose.prefilled": Fixture(view=view(customer={"name": "A. D.", "email": None, "phone": "+221 77 ••• •• 67"})),
    "choose.error": Fixture(view=view(), draft=Draft({"phone": "77 123 45", "country": "SN"}, ("phone",))),
    "choose.no-operator": Fixture(view=view(), draft=Draft({"phone": "75 123 45 67", "country": "SN"}, ("operator",))),
    "choose.guess": Fixture(
        view=view(),
        draft=Draft({**_TYPED.values, "operator": "orange_sn"}, ("operator",), {"operator": "guess"}),
    ),
    "choose.ported": Fixture(view=view(), draft=Draft({**_TYPED.values, "operator": "free_sn"})),
    "choose.faults": Fixture(view=view(**_CHOSEN, custom_fields=_QUESTIONS), draft=_EVERYTHING_WRONG),
    "choose.down": Fixture(
        view=view(payment_methods=_SOME_DOWN), draft=_TYPED, notes=Notes(hindrances=(*_DOWN, _BELOW))
    ),
    "choose.down-chosen": Fixture(
        view=view(payment_methods=_SOME_DOWN),
        draft=Draft({**_TYPED.values, "operator": "wave_sn"}, ("operator",)),
        notes=Notes(hindrances=(*_DOWN, _BELOW)),
    ),
    "choose.all-down": Fixture(view=view(payment_methods=[_ALL_DOWN]), notes=Notes(hindrances=_EACH_DOWN)),
    "choose.cards-down": Fixture(view=view(), notes=Notes(cards_are_down=True)),
    "choose.five-operators": Fixture(view=view(**_CONGO)),
    "choose.mobile-money": Fixture(view=view(payment_methods=[mobile_money("SN")])),
    "choose.color": Fixture(view=view(merchant={**SHOP, "color": "#e30613"}, custom_text="Livré demain à Dakar.")),
    "choose.plain-shop": Fixture(
        view=view(merchant={**dict.fromkeys(SHOP), "name": "Awa", "country": "SN"}, cancel_url=None)
    ),
    "choose.card": Fixture(view=view(), draft=_BY_CARD),
    "choose.card-alone": Fixture(view=view(**_NO_MOBILE_MONEY)),
    "choose.card-faults": Fixture(view=view(), draft=_CARD_FAULTS),
    "choose.card-live": Fixture(view=view(livemode=True), draft=_BY_CARD, more={"card": LIVE_CARD}),
    "choose.amount": Fixture(view=view(**_CHOSEN)),
    "choose.presets": Fixture(view=view(**_PRESETS)),
    "choose.preset-and-other": Fixture(
        view=view(**_PRESETS), draft=Draft({"preset": "1000", "amount": "7000"}, ("amount",))
    ),
    "choose.items": Fixture(view=view(line_items=_ITEMS, amount=25_500)),
    "choose.quantities": Fixture(
        view=view(line_items=_ADJUSTABLE, amount=13_500, description=None), total=costs(13_500, 0, 2, 1, 1)
    ),
    "choose.questions": Fixture(view=view(custom_fields=_QUESTIONS, answered_fields=["name"])),
    "choose.fee": Fixture(view=view(**_FEE), total=costs(5_000, 75)),
    "choose.fee-unknown": Fixture(view=view(**_PRESETS, fee_mode="customer_pays"), total=NO_QUOTE),
    "choose.fee-changed": Fixture(view=view(**_FEE), total=costs(5_000, 75), draft=Draft(_TYPED.values, ("total",))),
    "choose.subscription": Fixture(view=view(**_MONTHLY), more={"asks_email": True}),
    "choose.trial": Fixture(view=view(**_TRIAL)),
    "choose.invoice": Fixture(view=view(invoice={"period_start": AT, "period_end": AT + 30 * DAY})),
    "choose.code-first": Fixture(
        view=view(), draft=Draft({**_TYPED.values, "operator": "orange_sn", "dial": "*144*4*6*5000#"})
    ),
    "choose.code-first-error": Fixture(
        view=view(), draft=Draft({**_TYPED.values, "operator": "orange_sn", "dial": "#144*391#"}, ("otp",))
    ),
    "choose.too-fast": Fixture(view=view(), draft=_TYPED, more={"rest": 60}),
    "choose.sending": Fixture(view=view(), draft=_SENT, is_busy=True),
    "choose.offline": Fixture(view=view(), draft=_TYPED, network="open"),
    "choose.offline-pressed": Fixture(view=view(), draft=_TYPED, network="pressed"),
    "choose.no-answer": Fixture(view=view(), draft=_TYPED, network="asking"),
    "choose.not-sent": Fixture(view=view(), draft=_TYPED, message="unsent"),
    "choose.paid-before": Fixture(view=view(), draft=_TYPED, earlier=PAID_BEFORE),
    "choose.waits": Fixture(view=view(), draft=_TYPED, earlier=_WAITS),
    "choose.subscribed-before": Fixture(view=view(**_MONTHLY), draft=_TYPED, earlier=_SUBSCRIBED),
    "choose.no-way": Fixture(view=view(payment_methods=[])),
    "choose.no-way-cards-down": Fixture(view=view(payment_methods=[]), notes=Notes(cards_are_down=True)),
    "choose.live": Fixture(view=view(livemode=True, payment_methods=[BOTH[0]])),
}
_FAILED: Mapping[str, Fixture] = {
    f"choose.failed-{code.replace('_', '-')}": Fixture(view=failed(code), draft=_TYPED)
    for code in (
        *("insufficient_funds", "payer_declined", "payment_timeout", "payer_not_found", "payer_limit"),
        *("payer_blocked", "otp_invalid", "otp_expired", "duplicate_in_progress", "provider_unavailable"),
        *("invalid_amount", "canceled", "configuration_error"),
    )
}
_FAILED_OTHERWISE: Mapping[str, Fixture] = {
    "choose.failed-in-wallet": Fixture(
        view=failed("payer_declined", of=_WAVE, payment_methods=[mobile_money("SN", led=("wave_sn",))]), draft=_TYPED
    ),
    "choose.failed-unknown": Fixture(view=failed("unknown"), draft=_TYPED, ways=Ways(check=True)),
    "choose.failed-doubt": Fixture(
        view=failed("unknown"), draft=_TYPED, notes=Notes(or_else=FailureCode.INSUFFICIENT_FUNDS)
    ),
    "choose.failed-either": Fixture(
        view=failed("payer_declined"), draft=_TYPED, notes=Notes(or_else=FailureCode.PAYMENT_TIMEOUT)
    ),
    "choose.failed-card": Fixture(view=failed("card_declined", of=BY_CARD), draft=_BY_CARD),
    "choose.failed-3ds": Fixture(view=failed("authentication_failed", of=BY_CARD), draft=_BY_CARD),
}
_WAITING: Mapping[str, Fixture] = {
    "sending.phone": Fixture(view=view(payment=payment("submitting"))),
    "sending.card": Fixture(view=view(payment=payment("submitting", **BY_CARD))),
    "prompt.menu": Fixture(view=waiting(PROMPT), ways=_WAYS),
    "prompt.dial": Fixture(view=waiting(DIALED, livemode=True), ways=_WAYS),
    "prompt.app": Fixture(view=waiting(PROMPT, of=_WAVE), ways=_WAYS),
    "prompt.no-dial-no-payee": Fixture(
        view=waiting(PROMPT, of={"operator": "expresso_sn"}, merchant={**SHOP, "payer_name": None}), ways=_WAYS
    ),
    "prompt.last-error": Fixture(
        view=waiting(PROMPT), ways=_WAYS, notes=Notes(last_error=FailureCode.INSUFFICIENT_FUNDS)
    ),
    "prompt.offline": Fixture(view=waiting(PROMPT), ways=_WAYS, network="waiting"),
    "prompt.server-down": Fixture(view=waiting(PROMPT), ways=_WAYS, network="down"),
    "prompt.checked": Fixture(view=waiting(PROMPT), ways=_WAYS, more={"checked": AT - 7}),
    "prompt.cancelable": Fixture(view=waiting(PROMPT), ways=_CANCELABLE, draft=_SENT),
    "prompt.canceling": Fixture(view=waiting(PROMPT), ways=_CANCELABLE, more={"canceling": True}),
    "time_over.phone": Fixture(view=waiting(PROMPT, of=_OVER), ways=_WAYS, more={"checked": AT - 7}),
    "time_over.cancelable": Fixture(view=waiting(PROMPT, of=_OVER), ways=_CANCELABLE, draft=_SENT),
    "otp.dial": Fixture(view=waiting(a_code("#144*391#")), ways=_CANCELABLE, draft=_SENT),
    "otp.sms": Fixture(view=waiting(a_code(None)), ways=_CANCELABLE, draft=_SENT),
    "otp.error": Fixture(view=waiting(a_code(None)), ways=_WAYS, draft=Draft({}, ("otp",))),
    "otp.too-fast": Fixture(view=waiting(a_code(None)), ways=_WAYS, more={"rest": 600}),
    "redirect.wallet": Fixture(view=waiting(LEAD, of=_WAVE), ways=_WAYS),
    "redirect.bank": Fixture(view=waiting(LEAD, of=BY_CARD), ways=_CANCELABLE),
    "qr.wave": Fixture(view=waiting(SCAN, of=_WAVE), ways=_WAYS),
    "unknown.phone": Fixture(view=waiting(of={"status": "unknown"}), ways=_WAYS),
    "unknown.checked": Fixture(view=waiting(of={"status": "unknown"}), ways=_WAYS, more={"checked": AT - 7}),
    "unknown.card": Fixture(view=waiting(of={"status": "unknown", **BY_CARD}), ways=_WAYS),
}
_RECEIPTS: Mapping[str, Fixture] = {
    "paid.plain": Fixture(view=paid()),
    "paid.fee": Fixture(view=paid(of={"amount": 5_075, "fee_amount": 75})),
    "paid.items": Fixture(view=paid(of={"amount": 25_500}, amount=25_500, line_items=_ITEMS)),
    "paid.contact": Fixture(view=paid(), more={"asks_contact": True}),
    "paid.contact-fault": Fixture(view=paid(), draft=Draft({"email": "awa"}, ("email",)), more={"asks_contact": True}),
    "paid.thanks": Fixture(view=paid(thank_you="Merci Awa !\nVotre wax part demain matin.")),
    "paid.way-back": Fixture(view=paid(success_url=HOME), more={"asks_contact": True}),
    "paid.held": Fixture(view=paid(success_url=HOME), told=False),
    "paid.card": Fixture(view=paid(of=BY_CARD)),
    "paid.live": Fixture(view=paid(livemode=True)),
    "paid.subscription": Fixture(view=paid(**subscription())),
    "paid.stopped": Fixture(view=paid(**subscription(stopped=True)), ways=Ways(resume=True)),
    "paid.ended": Fixture(view=paid(**subscription("canceled", stopped=True))),
    "trial.begun": Fixture(
        view=view(
            status="complete",
            payment_status="no_payment_required",
            completed_at=AT - 3,
            **subscription("trialing", recurring=_TRIAL["recurring"]),
        )
    ),
    "past_due.invoice": Fixture(
        view=paid(**subscription("past_due")),
        ways=Ways(invoice=OpenInvoice(SESSION, 5_000, AT - 30 * DAY, AT, AT + 7 * DAY)),
    ),
    "past_due.no-invoice": Fixture(view=paid(**subscription("unpaid"))),
    "past_due.stopped": Fixture(
        view=paid(**subscription("past_due", stopped=True)),
        ways=Ways(invoice=OpenInvoice(SESSION, 5_000, AT - 30 * DAY, AT, None)),
    ),
    "refunded.part": Fixture(
        view=paid("partially_refunded"), ways=Ways(refunds=(RefundRow(1_500, AT, False),), left_paid=3_500)
    ),
    "refunded.under-way": Fixture(
        view=paid("partially_refunded"),
        ways=Ways(refunds=(RefundRow(1_500, AT - DAY, False), RefundRow(1_000, AT, True)), left_paid=3_500),
    ),
    "refunded.whole": Fixture(view=paid("refunded"), ways=Ways(refunds=(RefundRow(5_000, AT, False),))),
    "refunded.card": Fixture(view=paid("refunded", of=BY_CARD), ways=Ways(refunds=(RefundRow(5_000, AT, False),))),
    "late.paid": Fixture(view=paid(late=True)),
    "receipt.paid": Fixture(
        view=paid(of={"amount": 25_500}, amount=25_500, line_items=_ITEMS, livemode=True),
        template="checkout/receipt.html",
    ),
    "receipt.test": Fixture(view=paid(), template="checkout/receipt.html"),
}
_ENDED: Mapping[str, Fixture] = {
    "expired.way-back": Fixture(view=view(status="expired")),
    "expired.no-way-back": Fixture(view=view(status="expired", cancel_url=None)),
    "expired.canceled": Fixture(view=view(status="expired"), notes=Notes(is_canceled=True)),
    "expired.approved": Fixture(
        view=view(status="expired", payment=payment("failed", settled_at=AT - 60)), ways=Ways(check=True)
    ),
    "unavailable.inactive": Fixture(view=view(unavailable="inactive", cancel_url=None)),
    "unavailable.used": Fixture(view=view(unavailable="used", cancel_url=None)),
    "unavailable.expired": Fixture(view=view(unavailable="expired")),
}
STATES: Mapping[str, Fixture] = {**_OPEN, **_FAILED, **_FAILED_OTHERWISE, **_WAITING, **_RECEIPTS, **_ENDED}
