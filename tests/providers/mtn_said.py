"""An MTN that says what a test writes down, and keeps what it was asked: answers that its simulator never gives."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ikawaari import ids
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.mtn import Mtn
from ikawaari.providers.outcomes import Outcome
from ikawaari.providers.values import Account, Charge, RefundOrder
from ikawaari.shapes import JsonValue
from ikawaari.simulators.web import Answer, Request, Server, in_json

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
ID, REFUND_ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11", "0d2a8e8e-9f63-4a11-8d0e-000000000001"
CREDENTIALS = {  # of the card: their Basic is known
    "subscription_key": "made-up",
    "api_user": "11111111-2222-4333-8444-555555555555",
    "api_key": "0123456789abcdef0123456789abcdef",
}
REFUNDING = {"subscription_key": "for-refunds", "api_user": "99999999-2222-4333-8444-555555555555", "api_key": "k"}
HTML = b"<html>Please try again later</html>"
TAKEN = Answer(202)
CHARGE = Charge(
    id=ID,
    intent_id="pi_1",
    money=Money(1_000, "XAF"),
    method_type="mobile_money",
    operator="mtn_cm",
    country="CM",
    phone="+237670123456",
    statement="Boutique Awa",
    submitted_at=NOW,
)
ORDER = RefundOrder(id=REFUND_ID, charge_id=ID, charge_reference="23503452", money=Money(400, "XAF"), operator="mtn_cm")
_ASKED = "(that of what is asked for)"
SHOWN = {
    "amount": "1000",
    "currency": "XAF",
    "externalId": _ASKED,
    "payer": {"partyIdType": "MSISDN", "partyId": "237670123456"},
    "payerMessage": "Boutique Awa",
    "payeeNote": "Boutique Awa",
}


def shown(**changes: Any) -> Answer:
    """A look-up's answer."""
    return in_json({**SHOWN, **changes})


def error(status: int, code: str, message: str = "") -> Answer:
    """An error, as the API writes it."""
    return in_json({"code": code, "message": message}, status)


class Said:
    """Answers each kind of call (`login`, `create`, `lookup`) with the next of its answers; with the last for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {"create": [TAKEN], "lookup": [shown(status="PENDING")], "login": []}
        self.asked: defaultdict[str, list[Request]] = defaultdict(list)
        self.server = Server("127.0.0.1", 0, self._respond)
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.provider = Mtn(Config())
        self.account = Account(
            id=f"acc_{ids.random_text(16)}",
            provider="mtn",
            settings={"base_url": self.base_url, "target_environment": "mtncameroon", **CREDENTIALS},
            country="CM",
            livemode=True,
            callback_url="https://pay.example.com/callbacks/acc_ABCDEFGH12345678",
            callback_key=b"made_up_secret",
        )

    def set(self, **settings: JsonValue) -> None:
        """Change the account's settings."""
        self.account = replace(self.account, settings={**self.account.settings, **settings})

    def says(self, **answers: Answer | list[Answer]) -> "Said":
        """Answer so from now on."""
        self.answers |= {name: list(one) if isinstance(one, list) else [one] for name, one in answers.items()}
        return self

    def charge(self, charge: Charge = CHARGE, now: datetime = NOW) -> Outcome:
        """Create a payment."""
        return self.provider.charge(self.account, charge, now)

    def lookup(self, charge: Charge = CHARGE, now: datetime = NOW) -> Outcome:
        """Look it up."""
        return self.provider.lookup(self.account, charge, now)

    def refund(self, order: RefundOrder = ORDER) -> Outcome:
        """Return money."""
        self.set(disbursement=REFUNDING)
        return self.provider.refund(self.account, order, NOW)

    def lookup_refund(self, order: RefundOrder = ORDER) -> Outcome:
        """Look that up."""
        self.set(disbursement=REFUNDING)
        return self.provider.lookup_refund(self.account, order, NOW)

    def _respond(self, request: Request) -> Answer:
        kind = "login" if request.path.endswith("/token/") else "lookup" if request.method == "GET" else "create"
        self.asked[kind].append(request)
        answers = self.answers[kind]
        if answers:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            asked = request.path.rsplit("/", 1)[1]
            return replace(answer, body=answer.body.replace(_ASKED.encode(), asked.encode()))
        token = f"token{len(self.asked['login'])}"
        return in_json({"access_token": token, "token_type": "access_token", "expires_in": 3600})


@contextmanager
def said() -> Iterator[Said]:
    """Such a provider, for as long as the block lasts."""
    made = Said()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
