"""Balance transactions at the simulator of Stripe."""

from tests.simulators.stripe_account import Account

PATH = "/v1/balance_transactions"


def test_a_charge_and_its_refunds_move_the_balance(shop: Account) -> None:
    paid = shop.pay()
    refund = shop.post("/v1/refunds", payment_intent=paid["id"], amount=400).json()
    newest, oldest = shop.get(PATH).json()["data"]
    assert (oldest["type"], oldest["amount"], oldest["fee"], oldest["net"]) == ("charge", 1_000, 29, 971)
    assert oldest["source"] == paid["latest_charge"]
    assert shop.get(f"/v1/charges/{oldest['source']}").json()["balance_transaction"] == oldest["id"]
    assert (newest["type"], newest["amount"], newest["fee"], newest["source"]) == ("refund", -400, 0, refund["id"])
    assert shop.get(f"{PATH}/{newest['id']}").json() == newest
    assert [one["id"] for one in shop.get(PATH, type="charge").json()["data"]] == [oldest["id"]]
    assert shop.get(PATH, created={"gt": newest["created"]}).json()["data"] == []


def test_its_source_can_be_shown_with_it(shop: Account) -> None:
    paid = shop.pay()
    (shown,) = shop.get(PATH, expand=["data.source"]).json()["data"]
    assert (shown["source"]["object"], shown["source"]["payment_intent"]) == ("charge", paid["id"])


def test_what_was_declined_moves_nothing(shop: Account) -> None:
    shop.pay("pm_card_chargeDeclined")
    assert shop.get(PATH).json()["data"] == []


def test_a_refund_that_fails_comes_back(shop: Account) -> None:
    paid = shop.pay("pm_card_refundFail")
    refund = shop.post("/v1/refunds", payment_intent=paid["id"]).json()
    shop.advance(4 * 86_400)
    back = shop.get(PATH).json()["data"][0]
    assert (back["type"], back["amount"], back["source"]) == ("refund_failure", 1_000, refund["id"])
