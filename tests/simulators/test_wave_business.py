"""What a business has at the simulated Wave beside its sessions, and the settings of its wallets."""

import pytest
import requests

from ikawaari.simulators.wave import Wave, business, rules
from tests.simulators.talking import talk
from tests.simulators.wave_wallet import ABSENT, Wallet, press


def test_the_balance_is_what_came_and_stayed(wave: Wallet) -> None:
    sessions = [wave.opened(amount=amount) for amount in ("1000", "250", "70")]
    for session in sessions[:2]:
        press(session, "pay")
    wave.refund(sessions[1])
    assert wave.get("/balance").json() == {"amount": "990", "currency": "XOF"}  # without the fee
    assert Wallet(wave.sim, "ci").get("/balance").json() == {"amount": "0", "currency": "XOF"}


def test_transactions_are_listed_by_day_and_in_pages(wave: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(business, "PAGE", 2)
    session = wave.opened(client_reference=ABSENT)
    press(session, "pay")
    press(wave.opened(), "pay")
    wave.refund(session)
    first = wave.get("/transactions").json()
    assert first["page_info"] == {"end_cursor": "2", "has_next_page": True}
    second = wave.get(f"/transactions?date={first['date']}&after=2").json()
    amounts = [(one["amount"], one["is_reversal"]) for one in first["items"] + second["items"]]
    assert amounts == [("990", False), ("990", False), ("-990", True)]
    assert [one["fee"] for one in first["items"] + second["items"]] == ["10", "10", "-10"]
    assert first["items"][0]["client_reference"] is None
    assert (
        first["items"][0]["checkout_api_session_id"] == second["items"][0]["checkout_api_session_id"] == session["id"]
    )
    assert second["page_info"]["has_next_page"] is False
    assert first["items"][0]["transaction_id"] == session["transaction_id"]
    assert wave.get("/transactions?date=2020-01-01").json()["items"] == []


def test_a_business_may_collect_for_merchants_of_its_own(wave: Wallet) -> None:
    merchant = wave.post("/aggregated_merchants", {"name": "Chez Fatou"}).json()
    assert merchant["id"].startswith("am-")
    session = wave.opened(aggregated_merchant_id=merchant["id"])
    assert (session["aggregated_merchant_id"], session["business_name"]) == (merchant["id"], "Chez Fatou")
    address = f"{wave.sim.base_url}/v1/aggregated_merchants/{merchant['id']}"
    changed = requests.put(address, json={"name": "Fatou"}, headers=wave.headers, timeout=5).json()
    assert changed == {"id": merchant["id"], "name": "Fatou"}
    assert wave.get("/aggregated_merchants").json()["items"] == [changed]
    assert wave.get(f"/aggregated_merchants/{merchant['id']}").json() == changed


def test_a_merchant_belongs_to_one_wallet_and_has_a_name(wave: Wallet) -> None:
    merchant = wave.post("/aggregated_merchants", {"name": "Chez Fatou"}).json()
    other = Wallet(wave.sim, "ci")
    assert other.get(f"/aggregated_merchants/{merchant['id']}").status_code == 404
    assert other.get("/aggregated_merchants").json()["items"] == []
    assert other.create(aggregated_merchant_id=merchant["id"]).status_code == 422
    assert wave.post("/aggregated_merchants", {"name": " "}).status_code == 422


# ---------------------------------------------------------------- itself


def test_the_settings_are_those_of_the_wallet_of_the_country() -> None:
    with talk(Wave(country="CI")) as sim:
        assert sim.settings() == {
            "base_url": sim.base_url,
            "api_key": rules.signing_key("ci"),
            "webhook_secret": rules.webhook_secret("ci"),
            "signing_secret": rules.signing_secret("ci"),
        }


def test_a_country_without_wave_is_refused() -> None:
    with pytest.raises(ValueError, match="not in TG"):
        Wave(country="TG")
