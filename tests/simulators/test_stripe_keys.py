"""Idempotency keys at the simulator of Stripe, and the answers that never arrive."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
import requests

from tests.simulators.stripe_account import Account, error, intent

CREATE = "/v1/payment_intents"


def pay_at_once(shop: Account, key: str, **given: object) -> requests.Response:
    """Create and confirm in one call, under a key."""
    charge = {"confirm": True, "payment_method": "pm_card_visa", **given}
    return shop.post(CREATE, key=key, timeout=30, **intent(**charge))


def test_the_same_request_under_the_same_key_is_replayed(shop: Account) -> None:
    first, second = (shop.post(CREATE, key="a1", **intent()) for _ in range(2))
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert len(shop.get(CREATE).json()["data"]) == 1


def test_a_decline_is_replayed_as_well(shop: Account) -> None:
    answers = [pay_at_once(shop, "a1", payment_method="pm_card_chargeDeclined") for _ in range(2)]
    assert error(answers[0], 402) == error(answers[1], 402)
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert len(shop.charges()) == 1


def test_other_parameters_under_the_same_key_are_refused(shop: Account) -> None:
    shop.post(CREATE, key="a1", **intent())
    refused = error(shop.post(CREATE, key="a1", **intent(amount=2_000)))
    assert refused["type"] == "idempotency_error"
    assert len(shop.get(CREATE).json()["data"]) == 1


def test_another_address_under_the_same_key_is_refused(shop: Account) -> None:
    first, second = (f"{CREATE}/{shop.create()['id']}/cancel" for _ in range(2))
    assert shop.post(first, key="a1").json()["status"] == "canceled"
    assert error(shop.post(second, key="a1"))["type"] == "idempotency_error"


def test_what_was_wrong_before_anything_began_keeps_no_key(shop: Account) -> None:
    assert shop.post(CREATE, key="a1", **intent(colour="red")).status_code == 400
    assert shop.post(CREATE, key="a1", **intent()).status_code == 200


def test_a_key_is_forgotten_after_a_day(shop: Account) -> None:
    shop.post(CREATE, key="a1", **intent())
    shop.advance(86_399)
    assert shop.post(CREATE, key="a1", **intent()).headers["Idempotent-Replayed"] == "true"
    shop.advance(2)
    assert "Idempotent-Replayed" not in shop.post(CREATE, key="a1", **intent()).headers


def test_a_hundred_creates_at_once_with_one_key_make_one_charge(shop: Account) -> None:
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: pay_at_once(shop, "a1"), range(100)))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    assert {error(one, 409)["code"] for one in answers if one.status_code == 409} <= {"idempotency_key_in_use"}
    assert [charge["state"] for charge in shop.charges()] == ["succeeded"]


def test_a_second_request_at_the_same_time_is_told_to_wait(shop: Account) -> None:
    with ThreadPoolExecutor() as pool:
        with shop.simulator.lock:  # nobody is answered before it is free
            both = [pool.submit(pay_at_once, shop, "a1") for _ in range(2)]
            waited = next(iter(as_completed(both)))
            assert error(waited.result(), 409)["code"] == "idempotency_key_in_use"
        assert sorted(one.result().status_code for one in both) == [200, 409]
    assert len(shop.charges()) == 1


def test_a_second_request_may_be_told_to_wait_on_order(shop: Account) -> None:
    shop.next("key_in_use")
    refused = error(shop.post(CREATE, key="a1", **intent()), 409)
    assert (refused["type"], refused["code"]) == ("idempotency_error", "idempotency_key_in_use")
    assert shop.post(CREATE, key="a1", **intent()).status_code == 200


def test_a_500_after_the_charge_is_replayed_for_ever(shop: Account) -> None:
    created = shop.create()
    confirm = f"{CREATE}/{created['id']}/confirm"
    shop.next("accepted_then_500")
    answers = [shop.post(confirm, key="a1:confirm", payment_method="pm_card_visa") for _ in range(3)]
    assert [error(answer, 500)["type"] for answer in answers] == ["api_error"] * 3
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
    assert shop.retrieve(created["id"])["status"] == "succeeded"
    assert len(shop.charges()) == 1


def test_a_500_before_anything_began_is_not_kept(shop: Account) -> None:
    shop.next("500")
    assert error(pay_at_once(shop, "a1"), 500)["type"] == "api_error"
    assert shop.charges() == []
    assert pay_at_once(shop, "a1").json()["status"] == "succeeded"


def test_a_500_later_does_not_replace_the_answer_that_was_kept(shop: Account) -> None:
    assert pay_at_once(shop, "a1").status_code == 200
    shop.next("500")
    shop.next("accepted_then_500")
    assert [pay_at_once(shop, "a1").status_code for _ in range(3)] == [500, 500, 200]
    assert len(shop.charges()) == 1


@pytest.mark.parametrize("kind", ["timeout", "reset"])
def test_after_an_answer_that_never_came_the_same_key_gets_it(shop: Account, kind: str) -> None:
    shop.next(kind)
    with pytest.raises((requests.Timeout, requests.ConnectionError)):
        shop.post(CREATE, key="a1", timeout=0.5, **intent(confirm=True, payment_method="pm_card_visa"))
    answer = pay_at_once(shop, "a1")
    assert (answer.json()["status"], answer.headers["Idempotent-Replayed"]) == ("succeeded", "true")
    assert len(shop.charges()) == 1


@pytest.mark.parametrize("kind", ["garbage", "html"])
def test_an_answer_that_nobody_can_read_has_charged(shop: Account, kind: str) -> None:
    shop.next(kind)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        pay_at_once(shop, "a1").json()
    assert pay_at_once(shop, "a1").json()["status"] == "succeeded"
    assert len(shop.charges()) == 1


def test_orders_for_charges_are_for_confirmations(shop: Account) -> None:
    shop.next("500", times=2)
    created = shop.create()
    assert shop.confirm(created["id"]).status_code == 500
    assert pay_at_once(shop, "a1").status_code == 500
    assert shop.confirm(created["id"]).status_code == 200


def test_a_rate_limit_begins_nothing(shop: Account) -> None:
    shop.next("429")
    assert error(pay_at_once(shop, "a1"), 429)["code"] == "rate_limit"
    assert shop.charges() == []
    assert pay_at_once(shop, "a1").status_code == 200
