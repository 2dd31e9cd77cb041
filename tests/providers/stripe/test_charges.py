"""Taking money from a card: two steps with their lost answers, look-ups, the bank's page, the account."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer

from ikawaari.money import Money
from ikawaari.providers.base import ActionKind, FailureCode, Result
from tests.providers.bench_stripe import ASKS, VISA, StripeBench


def test_a_charge_is_sent_as_the_card_says(bench: StripeBench) -> None:
    charge, outcome = bench.charged(bench.charge(card=VISA))
    assert (outcome.result, outcome.money, outcome.saved) == (Result.SUCCEEDED, charge.money, None)
    (made,) = bench.intents()
    assert made["id"] == charge.reference
    assert (made["amount"], made["currency"], made["description"]) == (5_000, "xof", "Boutique Awa")
    assert made["metadata"] == {"attempt": charge.id, "intent": "pi_test"}
    assert (made["allowed_payment_method_types"], made["setup_future_usage"], made["customer"]) == (
        ["card"],
        None,
        None,
    )


@pytest.mark.parametrize("fault", ["reset", "500", "garbage", "html"])
def test_a_lost_answer_of_the_first_step_is_repeated_under_the_same_key(bench: StripeBench, fault: str) -> None:
    bench.talk.next(fault, on="intent")
    charge, outcome = bench.charged(bench.charge(card=VISA))
    assert outcome.result is Result.SUCCEEDED
    assert bench.started(charge.id) == 1
    assert bench.taken(charge.id) == 5_000


def test_a_replayed_500_of_the_first_step_is_unknown_and_then_ends(bench: StripeBench) -> None:
    bench.talk.next("accepted_then_500", on="intent")  # it is kept under the key
    charge, outcome = bench.charged(bench.charge(card=VISA))
    assert outcome.result is Result.UNKNOWN
    assert bench.looked_up(charge).result is Result.NOT_FOUND
    ended = bench.looked_up(charge, later=91)
    assert (ended.result, ended.failure) == (Result.FAILED, FailureCode.PROVIDER_UNAVAILABLE)
    (made,) = bench.intents()
    assert (made["status"], made["cancellation_reason"]) == ("canceled", "abandoned")
    assert bench.taken(charge.id) == 0


def test_a_replayed_500_of_the_second_step_is_looked_up(bench: StripeBench) -> None:
    bench.talk.next("accepted_then_500")
    charge, outcome = bench.charged(bench.charge(card=VISA))
    assert (outcome.result, outcome.reference is not None) == (Result.UNKNOWN, True)
    _, again = bench.charged(charge)
    assert (again.result, again.money) == (Result.SUCCEEDED, charge.money)
    assert bench.taken(charge.id) == 5_000


@pytest.mark.parametrize("fault", ["429", "key_in_use"])
@pytest.mark.parametrize("on", ["intent", "charge"])
def test_who_comes_too_soon_or_too_often_is_unknown(bench: StripeBench, fault: str, on: str) -> None:
    bench.talk.next(fault, on=on)
    charge, outcome = bench.charged(bench.charge(card=VISA))
    assert outcome.result is Result.UNKNOWN
    assert bench.looked_up(charge).result is Result.NOT_FOUND
    assert bench.charged(charge)[1].result is Result.SUCCEEDED
    assert bench.taken(charge.id) == 5_000


def test_the_key_of_another_request_is_no_refusal(bench: StripeBench) -> None:
    """Somebody used our id with another amount: what became of that is looked up."""
    charge, _ = bench.charged(bench.charge(card=VISA))
    other = replace(charge, money=Money(6_000, "XOF"), reference=None)
    _, outcome = bench.charged(other)
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, charge.money)
    assert bench.taken(charge.id) == 5_000


def test_another_card_under_the_same_id_takes_nothing_more(bench: StripeBench) -> None:
    charge, _ = bench.charged(bench.charge(card=VISA))
    _, outcome = bench.charged(replace(charge, card_token=bench.token(VISA)))
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, charge.money)
    assert bench.taken(charge.id) == 5_000


def test_an_intent_that_ended_in_the_meantime_is_looked_up(bench: StripeBench) -> None:
    bench.talk.next("reset", accepted=False)
    charge, _ = bench.charged(bench.charge(card=VISA))
    bench.ask(f"/v1/payment_intents/{charge.reference}/cancel", {"cancellation_reason": "abandoned"})
    _, outcome = bench.charged(charge)
    assert (outcome.result, outcome.failure) == (Result.FAILED, FailureCode.CANCELED)


def test_a_token_that_was_used_is_a_card_that_was_declined(bench: StripeBench) -> None:
    first = bench.charge(card=VISA)
    bench.charged(first)
    second, outcome = bench.charged(replace(bench.charge(), card_token=first.card_token))
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CARD_DECLINED)
    assert bench.taken(second.id) == 0


@pytest.mark.parametrize(
    ("card", "failure"),
    [
        ("pm_card_chargeDeclinedInsufficientFunds", FailureCode.INSUFFICIENT_FUNDS),
        ("pm_card_chargeDeclinedExpiredCard", FailureCode.CARD_EXPIRED),
        ("pm_card_chargeDeclinedStolenCard", FailureCode.CARD_DECLINED),
        ("pm_card_chargeDeclinedVelocityLimitExceeded", FailureCode.PAYER_LIMIT),
        ("pm_card_chargeDeclinedProcessingError", FailureCode.PROVIDER_UNAVAILABLE),
    ],
)
def test_a_decline_is_final_and_never_a_refusal(bench: StripeBench, card: str, failure: FailureCode) -> None:
    charge, outcome = bench.charged(bench.charge(card=card))
    assert (outcome.result, outcome.failure) == (Result.FAILED, failure)
    again = bench.looked_up(charge)
    assert (again.result, again.failure, again.raw_code) == (Result.FAILED, failure, outcome.raw_code)


def test_an_account_of_the_other_mode_takes_nothing(bench: StripeBench) -> None:
    charge = bench.charge(card=VISA)
    wrong = replace(bench.account, livemode=True)
    outcome = bench.provider.charge(wrong, charge, bench.now())
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
    assert [made["status"] for made in bench.intents()] == ["requires_payment_method"]


def test_live_mode_pays_live(bench: StripeBench) -> None:
    bench.in_live_mode()
    charge, outcome = bench.charged(bench.charge(card=VISA))
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, charge.money)
    assert bench.intents()[0]["livemode"] is True


def test_a_charge_without_a_card_is_refused(bench: StripeBench) -> None:
    _, outcome = bench.charged(replace(bench.charge(), card_token=None))
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
    assert bench.intents() == []


def test_what_takes_its_time_is_processing(bench: StripeBench) -> None:
    bench.talk.set(settles_after=60)
    charge, outcome = bench.charged(bench.charge(card=VISA))
    assert outcome.result is Result.PROCESSING
    bench.talk.advance(60)
    assert bench.looked_up(charge).money == charge.money


def test_another_amount_than_was_asked_for_is_told(bench: StripeBench) -> None:
    bench.talk.next("other_amount", amount=4_000)
    _, outcome = bench.charged(bench.charge(card=VISA))
    assert outcome.money == Money(4_000, "XOF")


# ---------------------------------------------------------------- look-ups without the intent's id


def test_a_charge_is_found_among_hundreds(bench: StripeBench) -> None:
    charge, _ = bench.charged(bench.charge(card=VISA))
    for number in range(120):
        form = {"amount": "1000", "currency": "xof", "metadata[attempt]": f"other-{number}"}
        bench.ask("/v1/payment_intents", {**form, "allowed_payment_method_types[]": "card"})
    assert bench.looked_up(replace(charge, reference=None)).money == charge.money


def test_a_list_that_breaks_off_says_nothing(bench: StripeBench) -> None:
    charge, _ = bench.charged(bench.charge(card=VISA))
    for answer in ("garbage", "500", "reset"):
        bench.talk.next(answer, on="lookup")
        assert bench.looked_up(replace(charge, reference=None)).result is Result.UNKNOWN


def test_an_intent_that_stripe_does_not_show_is_unknown(bench: StripeBench) -> None:
    """Another key sees another account's intents: that proves nothing about ours."""
    charge, _ = bench.charged(bench.charge(card=VISA))
    assert bench.looked_up(replace(charge, reference="pi_of_others")).result is Result.UNKNOWN
    wrong = replace(bench.account, settings={**bench.account.settings, "secret_key": "sk_test_wrong"})
    assert bench.provider.lookup(wrong, charge, bench.now()).result is Result.UNKNOWN


# ---------------------------------------------------------------- 3-D Secure, and what nobody finishes


@pytest.mark.parametrize(
    ("decision", "result", "failure"),
    [("complete", Result.SUCCEEDED, None), ("fail", Result.FAILED, FailureCode.AUTHENTICATION_FAILED)],
)
def test_the_banks_page_decides(bench: StripeBench, decision: str, result: Result, failure: FailureCode | None) -> None:
    charge, outcome = bench.charged(bench.charge(card=ASKS))
    assert outcome.action
    assert outcome.action.kind is ActionKind.REDIRECT
    assert bench.looked_up(charge).result is Result.REQUIRES_ACTION
    bench.decide(charge, decision)
    found = bench.looked_up(charge)
    assert (found.result, found.failure) == (result, failure)


def test_what_is_given_up_is_canceled_as_abandoned_and_can_no_longer_be_paid(bench: StripeBench) -> None:
    charge, outcome = bench.charged(bench.charge(card=ASKS))
    ended = bench.provider.cancel(bench.account, replace(charge, reference=None), bench.now())
    assert (ended.result, ended.failure) == (Result.FAILED, FailureCode.CANCELED)
    assert bench.intents()[0]["cancellation_reason"] == "abandoned"
    assert outcome.action
    bench.click(str(outcome.action.url), "complete")
    assert bench.taken(charge.id) == 0


@pytest.mark.parametrize("fault", ["reset", "500", "accepted_then_500"])
def test_a_cancellation_without_an_answer_is_looked_up_and_can_be_asked_for_again(
    bench: StripeBench, fault: str
) -> None:
    charge, _ = bench.charged(bench.charge(card=ASKS))
    bench.talk.next(fault, on="cancel")
    first = bench.provider.cancel(bench.account, charge, bench.now())
    assert first.result in {Result.REQUIRES_ACTION, Result.FAILED}
    later = bench.now() + timedelta(seconds=5)
    assert bench.provider.cancel(bench.account, charge, later).failure is FailureCode.CANCELED


def test_each_cancellation_has_a_key_of_its_own(bench: StripeBench, httpserver: HTTPServer) -> None:
    """Stripe would replay the answer of the first one for a day, even a 500."""
    httpserver.expect_request("/v1/payment_intents/pi_1/cancel").respond_with_json({}, 500)
    charge = replace(bench.charge(), reference="pi_1")
    found = {"id": "pi_1", "livemode": False, "status": "requires_action", "metadata": {"attempt": charge.id}}
    httpserver.expect_request("/v1/payment_intents/pi_1").respond_with_json(found)
    account = bench.account_at(httpserver.url_for("").rstrip("/"))
    for seconds in (0, 5):
        outcome = bench.provider.cancel(account, charge, bench.now() + timedelta(seconds=seconds))
        assert outcome.result is Result.REQUIRES_ACTION
    keys = [request.headers["Idempotency-Key"] for request, _ in httpserver.log if request.method == "POST"]
    assert len(set(keys)) == len(keys) == 2


def test_nothing_to_cancel_is_not_found(bench: StripeBench) -> None:
    assert bench.provider.cancel(bench.account, bench.charge(), bench.now()).result is Result.NOT_FOUND


# ---------------------------------------------------------------- the account


@pytest.mark.parametrize(
    ("settings", "livemode", "words"),
    [
        ({}, True, "The secret_key is one of test mode"),
        ({"publishable_key": "pk_live_x"}, False, "The publishable_key is one of live mode"),
        ({"publishable_key": "sk_test_x"}, False, "does not start with pk_"),
        ({"webhook_secret": "made_up"}, False, "does not start with whsec_"),
        ({"secret_key": "sk_test_wrong"}, False, "does not know the secret key"),
        ({"secret_key": "pk"}, False, "is restricted"),
    ],
)
def test_a_checkup_names_what_is_wrong(
    bench: StripeBench, settings: dict[str, str], livemode: bool, words: str
) -> None:
    if settings == {"secret_key": "pk"}:
        settings = {"secret_key": bench.account.text("publishable_key")}
    wrong = replace(bench.account, settings={**bench.account.settings, **settings}, livemode=livemode)
    found = bench.provider.check(wrong, bench.now())
    assert not found.is_usable
    assert words in found.words


@pytest.mark.parametrize(("currency", "least"), [("XOF", 300), ("GNF", 4_500), ("CDF", 140_000), ("USD", 50)])
def test_the_least_amount_is_stripes_to_know(bench: StripeBench, currency: str, least: int) -> None:
    reach = bench.provider.capabilities.cards
    assert reach
    assert reach.takes(Money(1, currency))
    assert not reach.takes(Money(100_000_000, currency))
    charge = replace(bench.charge(card=VISA), money=Money(least, currency))
    assert bench.charged(charge)[1].money == charge.money
    less = bench.charged(replace(bench.charge(card=VISA), money=Money(least - 1, currency)))[1]
    assert (less.result, less.failure) == (Result.REFUSED, FailureCode.INVALID_AMOUNT)


def test_the_pages_fields_come_from_the_account(bench: StripeBench) -> None:
    fields, base = bench.card_fields(bench.account), bench.talk.base_url
    assert (fields.script, fields.key) == (f"{base}/v3/", bench.account.settings["publishable_key"])
    assert fields.scripts == fields.frames == fields.calls == (base,)
    assert bench.account.text("secret_key") not in repr(fields)


def test_live_fields_are_stripes_own(bench: StripeBench) -> None:
    fields = bench.card_fields(replace(bench.account, settings={"publishable_key": "pk_live_1"}))
    assert fields.script == "https://js.stripe.com/v3/"
    assert "https://hooks.stripe.com" in fields.frames
    assert fields.calls == ("https://api.stripe.com",)


@pytest.mark.parametrize("step", ["/v1/payment_intents", "/v1/payment_intents/pi_1/confirm"])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_error_that_is_not_stripes_own_refuses_nothing(
    bench: StripeBench, httpserver: HTTPServer, step: str, status: int
) -> None:
    """A proxy's page says nothing of what Stripe did."""
    made = {"id": "pi_1", "livemode": False, "status": "requires_payment_method"}
    httpserver.expect_request(step).respond_with_data("<html>Forbidden</html>", status, content_type="text/html")
    httpserver.expect_request("/v1/payment_intents").respond_with_json(made)
    account = bench.account_at(httpserver.url_for("").rstrip("/"))
    assert bench.provider.charge(account, bench.charge(), bench.now()).result is Result.UNKNOWN
