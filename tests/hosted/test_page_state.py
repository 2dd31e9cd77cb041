"""Which page a public view calls for: pure, so every state is built by hand here."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ikawaari import clock
from ikawaari.hosted import page_state

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
USSD = {"type": "mobile_money_ussd", "mobile_money_ussd": {"message": ""}}
OTP = {"type": "mobile_money_otp", "mobile_money_otp": {"message": "", "dial_code": "#144#"}}
QR = {"type": "display_qr_code", "display_qr_code": {"data": "x"}}


AGREED = {"status": "active", "cancel_at_period_end": False}
OWING = {"status": "past_due", "cancel_at_period_end": False}


def redirect_to(url: str) -> dict[str, Any]:
    return {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": ""}}


def payment(status: str, *, age: int = 5, left: int | None = 60, **fields: Any) -> dict[str, Any]:
    deadline = None if left is None else clock.unix(NOW) + left
    made = clock.unix(NOW) - age
    return {
        "status": status,
        "type": "mobile_money",
        "operator": "wave_sn",
        "created": made,
        "deadline_at": deadline,
        "reference": "A",
    } | fields


def view(**fields: Any) -> Any:
    return {
        "status": "open",
        "payment_status": "unpaid",
        "payment": None,
        "next_action": None,
        "payment_methods": [{"type": "card"}],
        "country": "SN",
        "customer": {},
        "last_payment_error": None,
        "late": False,
        "success_url": None,
        "subscription": None,
        "thank_you": None,
        "unavailable": None,
        "completed_at": clock.unix(NOW),
    } | fields


def taking(*flows: str) -> list[dict[str, Any]]:
    """The payment methods of a session that Wave takes in these ways."""
    return [{"type": "mobile_money", "countries": [{"operators": [{"id": "wave_sn", "flows": list(flows)}]}]}]


STATES: list[tuple[str, Any]] = [
    ("choose", view()),
    ("choose", view(payment=payment("failed"), last_payment_error={"code": "payer_declined"})),
    ("sending", view(payment=payment("submitting"))),
    ("unknown", view(payment=payment("submitting", age=40))),
    ("unknown", view(payment=payment("unknown"))),
    ("prompt", view(payment=payment("processing"), next_action=USSD)),
    ("prompt", view(payment=payment("processing"))),
    ("sending", view(payment=payment("processing", type="card"))),
    ("prompt", view(payment=payment("processing"), payment_methods=taking("redirect", "ussd_push"))),
    ("sending", view(payment=payment("processing"), payment_methods=taking("redirect", "qr"))),
    ("sending", view(payment=payment("processing"), payment_methods=taking("otp"))),
    ("prompt", view(payment=payment("processing", operator="free_sn"), payment_methods=taking("otp"))),
    ("otp", view(payment=payment("requires_action"), next_action=OTP)),
    ("redirect", view(payment=payment("requires_action"), next_action=redirect_to("https://wallet.example/x"))),
    ("qr", view(payment=payment("requires_action"), next_action=QR)),
    (
        "prompt",
        view(payment_status="processing", payment=payment("succeeded")),
    ),  # what follows from its success has still to be done
    ("prompt", view(payment_status="processing", payment=payment("failed"))),
    ("sending", view(payment=payment("succeeded", type="card"))),
    ("time_over", view(payment=payment("requires_action", left=0), next_action=USSD)),
    ("time_over", view(payment=payment("processing", left=-60))),
    ("time_over", view(payment=payment("requires_action", left=0), next_action=OTP)),
    (
        "time_over",
        view(payment=payment("requires_action", left=-1), next_action=redirect_to("https://wallet.example/")),
    ),
    ("time_over", view(payment=payment("requires_action", left=-1), next_action=QR)),
    ("sending", view(payment=payment("processing", type="card", left=-1))),
    ("unknown", view(payment=payment("unknown", left=-1))),
    ("paid", view(status="complete", payment_status="paid", payment=payment("succeeded"))),
    ("paid", view(status="complete", payment_status="paid", payment=payment("succeeded"), subscription=AGREED)),
    ("past_due", view(status="complete", payment_status="paid", payment=payment("succeeded"), subscription=OWING)),
    ("past_due", view(status="complete", payment_status="no_payment_required", subscription=OWING)),
    ("past_due", view(status="complete", payment_status="paid", subscription=OWING | {"status": "unpaid"})),
    ("paid", view(status="complete", payment_status="paid", subscription=OWING | {"status": "canceled"})),
    ("refunded", view(status="complete", payment_status="refunded", payment=payment("succeeded"), subscription=OWING)),
    ("late", view(status="expired", payment_status="paid", payment=payment("succeeded"), late=True)),
    ("refunded", view(status="complete", payment_status="refunded", payment=payment("succeeded"))),
    ("refunded", view(status="expired", payment_status="partially_refunded", payment=payment("succeeded"), late=True)),
    ("trial", view(status="complete", payment_status="no_payment_required")),
    ("expired", view(status="expired")),
    ("expired", view(status="expired", payment=payment("failed"))),
    ("unknown", view(status="expired", payment=payment("unknown"))),
    ("unavailable", view(unavailable="used")),
    ("unavailable", view(unavailable="inactive", payment=payment("failed"))),
    ("expired", view(unavailable="used", status="expired")),
    ("prompt", view(unavailable="inactive", payment=payment("processing"), next_action=USSD)),
    ("paid", view(unavailable="used", status="complete", payment_status="paid", payment=payment("succeeded"))),
]


@pytest.mark.parametrize(("name", "shown"), STATES)
def test_every_view_has_its_page(name: str, shown: Any) -> None:
    assert page_state.of(shown, NOW).name == name


def test_only_a_page_that_has_ended_without_moving_money_is_gone() -> None:
    for name, shown in STATES:
        assert page_state.of(shown, NOW).http_status == (410 if name in {"expired", "unavailable"} else 200)


def test_the_page_looks_again_only_while_money_may_be_moving() -> None:
    for name, shown in STATES:
        assert (page_state.of(shown, NOW).poll_seconds is not None) == (name in page_state.WAITING)


@pytest.mark.parametrize(("age", "seconds"), [(0, 2), (29, 2), (30, 3), (90, 5), (240, 10), (86_400, 10)])
def test_looks_grow_rarer_with_age_and_half_as_many_save_data(age: int, seconds: int) -> None:
    shown = view(payment=payment("processing", age=age), next_action=USSD)
    assert page_state.of(shown, NOW).poll_seconds == seconds
    assert page_state.of(shown, NOW, save_data=True).poll_seconds == 2 * seconds


def test_time_alone_does_not_change_what_was_seen_until_the_prompt_ends() -> None:
    shown = view(payment=payment("processing", left=60), next_action=USSD)
    seen = [page_state.of(shown, NOW + timedelta(seconds=seconds)).seen for seconds in (0, 20, 59, 60, 90)]
    assert seen[0] == seen[1] == seen[2] != seen[3] == seen[4]


@pytest.mark.parametrize(
    ("code", "age", "seconds"),
    [("unknown", 0, 10), ("unknown", 299, 10), ("unknown", 300, None), ("payer_declined", 0, None)],
)
def test_a_failure_of_which_nobody_knows_the_reason_is_looked_at_for_some_minutes(
    code: str, age: int, seconds: int | None
) -> None:
    failed = payment("failed", age=age, settled_at=clock.unix(NOW) - age)
    state = page_state.of(view(payment=failed, last_payment_error={"code": code}), NOW)
    assert (state.name, state.poll_seconds, state.reloads) == ("choose", seconds, False)


def test_another_decline_is_something_new_to_see() -> None:
    first = view(payment=payment("failed"), last_payment_error={"code": "payer_declined"})
    again = view(payment=payment("failed", reference="B"), last_payment_error={"code": "payer_declined"})
    assert page_state.of(first, NOW).seen != page_state.of(again, NOW).seen


def test_a_fresh_receipt_leads_back_to_the_shop_and_an_old_one_stays() -> None:
    paid = {"status": "complete", "payment_status": "paid", "success_url": "https://shop.example/ok"}
    slow = payment("succeeded", age=7200)
    assert page_state.of(view(payment=slow, **paid), NOW).forward is not None
    assert page_state.of(view(payment=slow, **paid), NOW + timedelta(hours=1)).forward is None


@pytest.mark.parametrize(("name", "shown"), [row for row in STATES if row[0] in {"paid", "trial"}])
def test_a_receipt_gives_its_reader_eight_seconds_or_as_long_as_they_like(name: str, shown: Any) -> None:
    receipt = shown | {"success_url": "https://shop.example/ok"}
    going = page_state.of(receipt, NOW)
    assert (going.name, going.forward) == (name, page_state.Forward("https://shop.example/ok", 8))
    assert page_state.of(receipt, NOW, stays=True).forward is None


def test_a_wallet_opens_also_for_who_wants_to_stay() -> None:
    shown = view(payment=payment("requires_action"), next_action=redirect_to("https://wallet.example/x"))
    assert page_state.of(shown, NOW, stays=True).forward is not None


def test_a_receipt_with_a_word_from_the_shop_stays() -> None:
    paid = {"status": "complete", "payment_status": "paid", "success_url": "https://shop.example/ok"}
    assert page_state.of(view(payment=payment("succeeded"), thank_you="À bientôt", **paid), NOW).forward is None


@pytest.mark.parametrize(("name", "shown"), [row for row in STATES if row[0] in {"paid", "trial"}])
def test_the_way_back_waits_some_seconds_for_the_shop_to_be_told(name: str, shown: Any) -> None:
    receipt = shown | {"success_url": "https://shop.example/ok"}
    held = page_state.of(receipt, NOW + timedelta(seconds=5), told=False)
    assert (held.name, held.held, held.forward, held.looking) == (name, True, None, True)
    for released in (page_state.of(receipt, NOW), page_state.of(receipt, NOW + timedelta(seconds=6), told=False)):
        assert (released.held, released.looking, released.poll_seconds) == (False, False, None)
        assert released.forward is not None
        assert released.seen != held.seen


def test_only_a_receipt_waits_for_the_shop() -> None:
    held = {name for name, shown in STATES if page_state.of(shown, NOW, told=False).held}
    assert held == {"paid", "trial"}


def test_a_redirect_leads_to_the_wallet() -> None:
    shown = view(payment=payment("requires_action"), next_action=redirect_to("https://wallet.example/x"))
    forward = page_state.of(shown, NOW).forward
    assert forward is not None
    assert forward.url == "https://wallet.example/x"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/\\evil.example", "", None, "https:"]
)
def test_a_link_leads_nowhere_but_to_http(url: str | None) -> None:
    assert page_state.safe_url(url) is None


@pytest.mark.parametrize("url", ["https://shop.example/a?b=c", "http://127.0.0.1:8000/", "/sandbox/x"])
def test_a_link_may_lead_to_a_site_or_to_a_path_of_ours(url: str) -> None:
    assert page_state.safe_url(url) == url


def test_a_receipt_is_dated_on_the_clocks_of_the_country() -> None:
    assert page_state.moment(clock.unix(NOW), "SN").hour == 12
    assert page_state.moment(clock.unix(NOW), "CM").hour == 13
