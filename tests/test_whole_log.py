"""All that a whole run logs, at each provider's simulator: nothing in it opens anything or names anybody."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ikawaari import clock, ids, sealing
from ikawaari.checkout import accounts, enquiry
from ikawaari.config import Config
from ikawaari.merchants import credentials
from ikawaari.merchants.credentials import Scope
from ikawaari.store.models import CheckoutSession, WebhookEndpoint
from tests import live as lives
from tests.live import Live
from tests.merchant_api.calls import SESSIONS
from tests.providers.bench import Bench
from tests.providers.contract import BENCHES
from tests.world import latest

NAME, EMAIL, SECRET = "Awa Marème Diop", "awa.diop@example.sn", "whsec_madeupforthetest"
WRONG_KEY = "ik_live_nobodyhasthisone0123"
ORDER = "Commande de Ndeye"
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture(params=BENCHES, ids=lambda bench: bench.label())
def live(request: pytest.FixtureRequest, config: Config) -> Iterator[Live]:
    """Each provider in turn, alone."""
    made: type[Bench] = request.param
    with lives.opened(config, made) as opened:
        yield opened


class Run:
    """A merchant's shop and its customers at one provider."""

    def __init__(self, live: Live) -> None:
        self.live, self.app = live, live.door.app
        assert self.app is not None
        self.client: Any = self.app.test_client()
        mode = live.bench.livemode
        self.key = credentials.create(live.merchant, livemode=mode, scopes=list(Scope), now=live.now)
        WebhookEndpoint.create(
            id=ids.new("we"),
            merchant=live.merchant,
            livemode=mode,
            url="http://127.0.0.1:9/hook",
            secret=sealing.seal(SECRET),
            enabled_events=["*"],
            enabled=True,
            created_at=live.now,
        )
        self.charge = live.bench.charge()
        self.sessions: list[CheckoutSession] = []

    @property
    def private(self) -> set[str]:
        """What must not be in the log."""
        phone = (self.charge.phone or "+221771234500").removeprefix("+")
        own = {self.key, SECRET, WRONG_KEY, EMAIL, NAME, "Marème", phone, phone[3:], self.charge.card_token or SECRET}
        return {*own, *self.live.bench.secrets, *(session.id for session in self.sessions)}

    def api(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """A request of the shop."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return self.client.open(path, method=method, json=body, headers=headers)

    def buy(self) -> CheckoutSession:
        """A customer opens a session and presses the button."""
        charge = self.charge
        body = {"amount": charge.money.amount, "currency": charge.money.currency, "description": ORDER}
        opened = self.api("POST", SESSIONS, body | {"customerEmail": EMAIL, "customerPhone": charge.phone})
        assert opened.status_code == 201, opened.text
        session = CheckoutSession.get_by_id(opened.json["id"])
        self.sessions.append(session)
        method: dict[str, Any] = {"type": "card", "card": {"token": charge.card_token}}
        if charge.operator:
            wallet = {"operator": charge.operator, "phone_number": charge.phone, "otp": charge.otp}
            method = {"type": "mobile_money", "mobile_money": {name: text for name, text in wallet.items() if text}}
        answers = {"customerDetails": {"name": NAME, "email": EMAIL}}
        self.client.post(f"/api/checkout/{session.id}/pay", json={"payment_method": method, "collected": answers})
        self.client.get(f"/{session.id}", headers={"User-Agent": f"browser of {NAME}"})
        return session

    def forge(self) -> None:
        """Strangers send what they have heard of: callbacks with other bodies, wrong keys, wrong addresses."""
        for request in list(self.live.door.received):
            self.live.door.pass_on(request, body=request.body + b" ")
        phone = self.charge.phone or "+221771234500"
        self.client.post(f"/callbacks/{self.live.account.id}?phone={phone}", data=f"phone={phone}&name={NAME}")
        self.api("GET", f"{SESSIONS}/{self.sessions[0].id}", key=WRONG_KEY)
        self.api("POST", SESSIONS, {"customerEmail": EMAIL, "metadata": {"phone": phone}, "amount": "many"})
        self.client.get(f"/api/checkout/{self.sessions[0].id}x?phone={phone}&token={self.key}")


def test_nothing_of_a_whole_run_that_opens_something_or_names_somebody_is_logged(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(live)
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stderr", log)
        paid = run.buy()
        run.live.end(paid)
        assert latest(paid).status == "succeeded"
        live.bench.order_refusal()
        run.buy()
        live.bench.order_decline()
        run.live.end(run.buy())
        if live.refunds:
            refund = run.api("POST", "/api/v1/refunds", {"payment_intent": latest(paid).intent_id})
            assert refund.status_code == 201, refund.text
            live.wait(5, 60)
        run.forge()
        adapter_fails(live, run.buy(), monkeypatch)
        monkeypatch.undo()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    text = "\n".join(str(value) for line in lines for value in line.values())
    assert [private for private in run.private if private in text] == []
    asked = [line for line in lines if line["event"] == "provider_asked"]
    assert len(asked) > 4
    for line in asked:
        assert line.get("request_id") or line.get("work"), line
    ours = {one.id for session in run.sessions for one in [latest(session)]}
    assert ours & {line.get("attempt_id") for line in asked}
    payments = [line for line in asked if line.get("work") in {"attempt.enquire", "refund.send"}]
    assert all(line.get("attempt_id") for line in payments)
    assert any(line["event"] == "provider_adapter_failed" and "Traceback" in line["exception"] for line in lines)


def adapter_fails(live: Live, session: CheckoutSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The adapter has a bug, whose words are all that it was given."""
    attempt = latest(session)
    phone = live.charge_of(session).phone or ""

    def look_up(account: object, *given: object) -> None:
        words = f"cannot read {account!r} {given!r}: {live.bench.secrets!r}"
        raise ValueError(f"{words} {phone}, {phone[4:]}, {EMAIL}")

    monkeypatch.setattr(live.provider, "lookup", look_up)
    channel = accounts.channel(live.account.id)
    assert channel is not None
    enquiry.ask(attempt, channel, clock.now())
