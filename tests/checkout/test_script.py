"""The sandbox's script, ending by ending: what the attempt, the intent, the session, the events and the ledger say."""

import pytest

from ikawaari.checkout import attempts, test_mode
from ikawaari.errors import Conflict, Declined
from ikawaari.providers.sandbox import ledger, screens
from ikawaari.store.models import Callback, CheckoutSession, Invoice
from tests import factories
from tests.world import FAILED, PAID, UNKNOWN, WAITING, World, audit, intent, latest, refunds, statuses, tries

OPENED = ["payment_intent.created", "checkout.session.created"]
TRIED = "payment_intent.processing"
ASKED = "payment_intent.requires_action"
REFUSED = "payment_intent.payment_failed"
GOT = ["payment_intent.succeeded", "checkout.session.completed"]
BACK = ["refund.created", "refund.succeeded"]


@pytest.fixture(params=["callback", "enquiry"])
def news(request: pytest.FixtureRequest, world: World) -> str:
    """By which door the news come."""
    if request.param == "callback":
        world.callbacks_arrive()
    return str(request.param)


def then_pays(world: World) -> None:
    """Whatever happened before, a plain number pays now, and all books agree for ever after."""
    session = CheckoutSession.get()
    world.later(1)
    world.pay(session)
    world.wait(6)
    assert statuses(session) == PAID
    assert world.told()[-2:] == GOT
    world.wait(60, 3600, 90_000)
    assert statuses(session) == PAID
    audit()


@pytest.mark.usefixtures("news")
def test_a_plain_number_pays_after_a_short_prompt(world: World) -> None:
    session = world.session()
    world.pay(session)
    assert statuses(session) == WAITING
    world.wait(6)
    assert statuses(session) == PAID
    assert world.told() == [*OPENED, TRIED, ASKED, *GOT]
    assert intent(session).amount_received == 5_000
    audit()


@pytest.mark.usefixtures("news")
@pytest.mark.parametrize(
    ("ending", "failure", "seconds"),
    [("001", "insufficient_funds", 6), ("002", "payer_declined", 6), ("003", "payment_timeout", 66)],
)
def test_a_scripted_refusal_fails_and_may_be_tried_again(world: World, ending: str, failure: str, seconds: int) -> None:
    session = world.session()
    world.pay(session, ending)
    world.wait(1)
    assert statuses(session) == WAITING
    world.wait(seconds)
    assert statuses(session) == FAILED
    assert latest(session).failure_code == failure
    assert world.told() == [*OPENED, TRIED, ASKED, REFUSED]
    then_pays(world)


@pytest.mark.usefixtures("news")
def test_004_no_answer_is_unknown_until_an_enquiry_finds_the_money(world: World) -> None:
    session = world.session()
    world.pay(session, "004")
    assert statuses(session) == UNKNOWN
    world.wait(4)
    assert statuses(session) == UNKNOWN
    assert not world.callbacks
    world.wait(2)
    assert statuses(session) == PAID
    assert world.told() == [*OPENED, TRIED, *GOT]
    audit()


def test_004_unknown_holds_back_a_second_try(world: World) -> None:
    session = world.session()
    world.pay(session, "004")
    with pytest.raises(Conflict, match="IKW-RES-003"):
        world.pay(session)
    assert len(tries(session)) == 1


@pytest.mark.usefixtures("news")
def test_005_an_error_is_unknown_until_the_callback(world: World) -> None:
    session = world.session()
    world.pay(session, "005")
    assert statuses(session) == UNKNOWN
    world.wait(6)
    assert statuses(session) == PAID
    assert world.told() == [*OPENED, TRIED, *GOT]
    audit()


def test_005_is_settled_by_its_callback_before_any_enquiry(world: World) -> None:
    world.callbacks_arrive()
    session = world.session()
    world.pay(session, "005")
    world.wait(1)
    assert world.callbacks == ["succeeded"]
    assert statuses(session) == PAID
    assert latest(session).enquired_at is None


def test_006_a_success_told_three_times_and_older_news_after_it_change_nothing_more(world: World) -> None:
    world.callbacks_arrive()
    session = world.session()
    world.pay(session, "006")
    world.wait(3, 1, 1, 60)
    assert world.callbacks == ["succeeded"] * 3 + ["processing", "failed"]
    assert statuses(session) == PAID
    assert world.told() == [*OPENED, TRIED, ASKED, *GOT]
    audit()


def test_006_the_repeated_callback_is_known_by_its_event_id(world: World) -> None:
    world.callbacks_arrive()
    world.pay(world.session(), "006")
    world.wait(3, 1, 1)
    assert len(world.callbacks) == 5
    assert Callback.select().count() == 4


@pytest.mark.usefixtures("news")
def test_007_a_failure_is_corrected_to_a_success(world: World) -> None:
    session = world.session()
    world.pay(session, "007")
    world.wait(5)
    assert statuses(session) == FAILED
    world.wait(60)
    assert statuses(session) == PAID
    assert world.told() == [*OPENED, TRIED, ASKED, REFUSED, *GOT]
    assert latest(session).failure_code is None
    audit()


@pytest.mark.usefixtures("news")
def test_007_a_correction_after_a_second_try_is_surplus_and_goes_back(world: World) -> None:
    session = world.session()
    world.pay(session, "007")
    world.wait(5)
    assert statuses(session) == FAILED
    world.pay(session)
    world.wait(3, 60)
    first, second = tries(session)
    assert (first.status, second.status) == ("succeeded", "succeeded")
    assert first.surplus != second.surplus
    assert statuses(session) == PAID
    assert [refund.reason for refund in refunds()] == ["duplicate"]
    assert sorted(world.told()[5:]) == sorted([TRIED, ASKED, *GOT, *BACK])
    audit()


def test_008_an_operator_that_is_down_refuses_at_once(world: World) -> None:
    session = world.session()
    with pytest.raises(Declined) as refusal:
        world.pay(session, "008")
    assert refusal.value.retryable
    assert statuses(session) == FAILED
    assert latest(session).failure_code == "provider_unavailable"
    assert world.told() == [*OPENED, TRIED, REFUSED]
    then_pays(world)


def test_009_the_right_code_pays(world: World) -> None:
    session = world.session()
    world.pay(session, "009")
    assert statuses(session) == WAITING
    assert latest(session).next_action["type"] == "mobile_money_otp"
    attempts.submit_otp(session.id, "123456", world.later(10))
    assert statuses(session) == PAID
    assert world.told() == [*OPENED, TRIED, ASKED, *GOT]
    audit()


def test_009_the_code_may_come_with_a_second_pay_call(world: World) -> None:
    session = world.session()
    world.pay(session, "009")
    world.pay(session, "009", otp="123456")
    assert statuses(session) == PAID
    assert len(tries(session)) == 1


def test_009_a_wrong_code_fails_and_may_be_tried_again(world: World) -> None:
    session = world.session()
    world.pay(session, "009")
    with pytest.raises(Declined, match="declined"):
        attempts.submit_otp(session.id, "000000", world.later(10))
    assert statuses(session) == FAILED
    assert latest(session).failure_code == "otp_invalid"
    then_pays(world)


@pytest.mark.usefixtures("news")
def test_009_a_code_that_nobody_types_expires(world: World) -> None:
    session = world.session()
    world.pay(session, "009")
    world.wait(30, 31)
    assert statuses(session) == FAILED
    assert latest(session).failure_code == "otp_expired"
    with pytest.raises(Conflict, match="No code is awaited"):
        attempts.submit_otp(session.id, "123456", world.now)
    then_pays(world)


def test_009_a_code_typed_after_its_end_is_refused(world: World) -> None:
    session = world.session()
    world.pay(session, "009")
    world.later(61)
    with pytest.raises(Declined):
        attempts.submit_otp(session.id, "123456", world.now)
    assert latest(session).failure_code in {"otp_expired", "otp_invalid"}
    audit()


def _screen(world: World, session: CheckoutSession) -> str:
    world.pay(session, "010")
    assert statuses(session) == WAITING
    url = str(latest(session).next_action["redirect_to_url"]["url"])
    assert url.startswith(f"{world.config.pay_url}/sandbox/")
    return url.rpartition("/")[2]


@pytest.mark.usefixtures("news")
def test_010_approved_on_the_wallets_page_pays(world: World) -> None:
    session = world.session()
    back = screens.decide(_screen(world, session), True, world.later(10))
    assert back == f"{world.config.pay_url}/{session.id}?returned=1"
    world.wait(5)
    assert statuses(session) == PAID
    assert world.told() == [*OPENED, TRIED, ASKED, *GOT]
    audit()


@pytest.mark.usefixtures("news")
def test_010_refused_on_the_wallets_page_fails(world: World) -> None:
    session = world.session()
    screens.decide(_screen(world, session), False, world.later(10))
    world.wait(5)
    assert statuses(session) == FAILED
    assert latest(session).failure_code == "payer_declined"
    then_pays(world)


@pytest.mark.usefixtures("news")
def test_010_an_abandoned_page_expires(world: World) -> None:
    session = world.session()
    _screen(world, session)
    world.wait(30, 31)
    assert statuses(session) == FAILED
    assert latest(session).failure_code == "expired"
    then_pays(world)


def test_010_deciding_twice_changes_nothing(world: World) -> None:
    session = world.session()
    reference = _screen(world, session)
    screens.decide(reference, True, world.later(10))
    screens.decide(reference, False, world.later(1))
    world.wait(5)
    assert statuses(session) == PAID
    audit()


@pytest.mark.usefixtures("news")
def test_011_never_ends_by_itself(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    world.wait(6, 60, 600, 3600)
    assert statuses(session) == ("processing", "processing", "open", "processing")
    with pytest.raises(Conflict, match="IKW-RES-003"):
        world.pay(session)
    audit()


@pytest.mark.parametrize(("succeeded", "end"), [(True, PAID), (False, FAILED)])
def test_011_ends_when_told(world: World, succeeded: bool, end: tuple[str, ...]) -> None:
    session = world.session()
    world.pay(session, "011")
    test_mode.decide(intent(session).id, succeeded=succeeded, failure_reason="payer_limit", now=world.later(10))
    assert statuses(session) == end
    assert latest(session).failure_code == (None if succeeded else "payer_limit")
    audit()


@pytest.mark.usefixtures("news")
def test_012_a_smaller_amount_goes_back_and_the_session_may_be_paid_again(world: World) -> None:
    session = world.session()
    world.pay(session, "012")
    world.wait(6)
    assert statuses(session) == FAILED
    assert latest(session).failure_code == "invalid_amount"
    assert [(refund.amount, refund.reason, refund.status) for refund in refunds()] == [
        (2_500, "wrong_amount", "succeeded")
    ]
    assert intent(session).amount_received == 0
    assert world.told() == [*OPENED, TRIED, ASKED, REFUSED, *BACK]
    then_pays(world)


def test_a_qr_code_is_shown_by_an_operator_that_has_them(world: World) -> None:
    session = world.session()
    world.pay(session, operator="wave_sn", preferred_flow="qr")
    assert statuses(session) == WAITING
    data = latest(session).next_action["display_qr_code"]["data"]
    screens.decide(data.rpartition("/")[2], True, world.later(5))
    world.wait(5)
    assert statuses(session) == PAID
    audit()


@pytest.mark.parametrize(
    ("operator", "flow", "action"),
    [
        ("orange_sn", "otp", "mobile_money_otp"),
        ("wave_sn", "redirect", "redirect_to_url"),
        ("wave_sn", "qr", "display_qr_code"),
        ("orange_sn", "ussd_push", "mobile_money_ussd"),
        ("orange_sn", "qr", "mobile_money_ussd"),
        ("wave_sn", "otp", "redirect_to_url"),
        ("wave_sn", "ussd_push", "redirect_to_url"),
        ("wave_sn", None, "redirect_to_url"),
    ],
)
def test_a_preferred_flow_is_honoured_when_the_operator_has_it(
    world: World, operator: str, flow: str | None, action: str
) -> None:
    session = world.session()
    world.pay(session, operator=operator, preferred_flow=flow)
    assert latest(session).next_action["type"] == action


@pytest.mark.parametrize(("decision", "ends"), [(True, PAID), (False, FAILED)])
def test_a_payer_of_wave_decides_on_its_page(world: World, decision: bool, ends: object) -> None:
    session = world.session()
    world.pay(session, operator="wave_sn")
    world.wait(5, 10)
    assert statuses(session) == WAITING, "no prompt that somebody approves by himself"
    url = latest(session).next_action["redirect_to_url"]["url"]
    screens.decide(url.rpartition("/")[2], decision, world.later(5))
    world.wait(5)
    assert statuses(session) == ends


@pytest.mark.parametrize(("ending", "ends"), [("013", PAID), ("001", FAILED), ("011", WAITING)])
@pytest.mark.on_postgres
def test_a_number_that_says_how_it_ends_needs_no_click_at_wave(world: World, ending: str, ends: object) -> None:
    session = world.session()
    world.pay(session, ending, operator="wave_sn")
    reference = latest(session).next_action["redirect_to_url"]["url"].rpartition("/")[2]
    assert screens.find(reference)
    screens.decide(reference, ending == "001", world.now)  # what the number says counts
    assert statuses(session) == WAITING
    world.wait(6)
    assert statuses(session) == ends


@pytest.mark.on_postgres
def test_nobody_opens_waves_page_for_a_renewal(world: World) -> None:
    monthly = {"interval": "month", "interval_count": 1}
    session = world.session(mode="subscription", recurring=monthly)
    world.pay(session, "013", operator="wave_sn")
    world.wait(6)
    assert statuses(session) == PAID
    world.wait(32 * 86_400, 3_600)
    assert len(tries(session)) == 1
    assert Invoice.get(Invoice.period == 2).next_try_at is None


@pytest.mark.parametrize("token", ["tok_test_card", "tok_test_renewal_declined"])
def test_a_card_pays_at_once(world: World, token: str) -> None:
    session = world.session()
    world.pay_by_card(session, token)
    assert statuses(session) == PAID
    assert world.told() == [*OPENED, TRIED, *GOT]
    audit()


@pytest.mark.parametrize(
    ("token", "failure"),
    [
        ("tok_test_declined", "card_declined"),
        ("tok_test_insufficient_funds", "insufficient_funds"),
        ("tok_test_expired", "card_expired"),
        ("tok_of_nobody", "card_declined"),
    ],
)
def test_a_card_is_declined_at_once_and_another_one_pays(world: World, token: str, failure: str) -> None:
    session = world.session()
    with pytest.raises(Declined) as refusal:
        world.pay_by_card(session, token)
    assert refusal.value.details == {"failure_code": [failure]}
    assert statuses(session) == FAILED
    world.later(1)
    world.pay_by_card(session)
    assert statuses(session) == PAID
    audit()


@pytest.mark.usefixtures("news")
@pytest.mark.parametrize(("approved", "end"), [(True, PAID), (False, FAILED)])
def test_a_3ds_card_asks_its_bank(world: World, approved: bool, end: tuple[str, ...]) -> None:
    session = world.session()
    world.pay_by_card(session, "tok_test_3ds")
    assert statuses(session) == WAITING
    reference = latest(session).next_action["redirect_to_url"]["url"].rpartition("/")[2]
    screens.decide(reference, approved, world.later(10))
    world.wait(5)
    assert statuses(session) == end
    assert latest(session).failure_code == (None if approved else "authentication_failed")
    audit()


@pytest.mark.parametrize("country", ["SN", "CI", "ML", "BF", "GN", "CM", "CD", "BJ", "TG", "NE"])
def test_the_script_is_the_same_in_every_country(world: World, country: str) -> None:
    merchant = factories.merchant(country=country)
    session = factories.session(merchant)
    phone = factories.phone("002", country)
    operator = {"CD": "orange_cd", "CI": "orange_ci", "GN": "orange_gn"}.get(country)  # the others are guessed
    attempts.pay(session.id, factories.pay_request(phone, operator), world.now)
    world.wait(6)
    assert latest(session).failure_code == "payer_declined"
    assert next(ledger.entries())["amount"] == 0
