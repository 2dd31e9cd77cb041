"""A pawaPay that says what a test wants, in raw form: answers that its simulator has no reason to give."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.outcomes import Outcome
from ikawaari.providers.pawapay import PawaPay
from ikawaari.providers.values import Account, Charge, RefundOrder
from ikawaari.simulators.web import Answer, Request, Server, in_json
from tests.providers.bench_pawapay import charge_of

CHARGE_ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"
REFUND_ID = "7ab9b401-ed6f-48a5-841a-ed537b2adcc9"
TOKEN = "made-up-token"
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
HTML = Answer(200, b"<html>Bad Gateway</html>", "text/html")
CHARGE = replace(charge_of("orange_sn", "ORANGE_SEN", Money(1_000, "XOF"), charge_id=CHARGE_ID), submitted_at=NOW)
WAVE = replace(charge_of("wave_sn", "WAVE_SEN", Money(1_000, "XOF"), charge_id=CHARGE_ID), submitted_at=NOW)
ORDER = RefundOrder(
    id=REFUND_ID, charge_id=CHARGE_ID, charge_reference="MP1", money=Money(400, "XOF"), submitted_at=NOW
)
_KINDS = ("active-conf", "availability", "public-key")


def accepted(next_step: str | None = "FINAL_STATUS", **more: object) -> Answer:
    """A deposit is accepted."""
    step = {"nextStep": next_step} if next_step else {}
    return in_json({"depositId": CHARGE_ID, "status": "ACCEPTED", **step, "created": "2026-11-25T10:00:00Z", **more})


def rejected(code: str, status: int = 200, message: str = "Why.", **ids: str) -> Answer:
    """A create is answered with a failure code. Errors of the request name no id."""
    named = ids or ({"depositId": CHARGE_ID} if status == 200 else {})
    reason = {"failureCode": code, "failureMessage": message}
    return in_json({**named, "status": "REJECTED", "failureReason": reason}, status)


def found(status: str, **more: object) -> Answer:
    """A deposit is found."""
    return in_json({"status": "FOUND", "data": data(status, **more)})


def data(status: str, **more: object) -> dict[str, Any]:
    """What look-ups and callbacks say of a deposit."""
    account = {"phoneNumber": "221773456789", "provider": "ORANGE_SEN"}
    return {
        "depositId": CHARGE_ID,
        "status": status,
        "amount": "1000.00",
        "currency": "XOF",
        "country": "SEN",
        "payer": {"type": "MMO", "accountDetails": account},
        "created": "2026-11-25T10:00:00Z",
        "providerTransactionId": "MP261125.1000.A00001",
        **more,
    }


def reason(code: str) -> Mapping[str, object]:
    """Why it failed."""
    return {"failureReason": {"failureCode": code, "failureMessage": "Why."}}


class Said:
    """Answers each kind of call with the next of its answers, and from then on with the last one."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Request] = []
        self._server = Server("127.0.0.1", 0, self._respond)
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.provider = PawaPay(Config())
        self.account = Account(
            id=f"acc_{id(self):016}",
            provider="pawapay",
            settings={"token": TOKEN, "sign_callbacks": True, "base_url": self.base_url},
            livemode=True,
            callback_url="https://pay.example.com/callbacks/pawapay",
        )

    def _respond(self, request: Request) -> Answer:
        self.asked.append(request)
        named = next((kind for kind in _KINDS if kind in request.path), None)
        answers = self.answers[named or ("create" if request.method == "POST" else "lookup")]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def creates(self, *answers: Answer, charge: Charge = CHARGE, lookup: Answer = HTML) -> Outcome:
        """The outcome of a charge that is answered so; `lookup` answers what it may ask afterwards."""
        self.answers |= {"create": list(answers), "lookup": [lookup]}
        return self.provider.charge(self.account, charge, NOW)

    def finds(self, answer: Answer, charge: Charge = CHARGE, now: datetime = NOW) -> Outcome:
        """The outcome of a look-up that is answered so."""
        self.answers["lookup"] = [answer]
        return self.provider.lookup(self.account, charge, now)

    def refunds(self, answer: Answer, lookup: Answer = HTML) -> Outcome:
        """The outcome of a refund that is answered so."""
        self.answers |= {"create": [answer], "lookup": [lookup]}
        return self.provider.refund(self.account, ORDER, NOW)

    def finds_refund(self, answer: Answer) -> Outcome:
        """The outcome of a refund's look-up that is answered so."""
        self.answers["lookup"] = [answer]
        return self.provider.lookup_refund(self.account, ORDER, NOW)

    @contextmanager
    def listening(self) -> Iterator["Said"]:
        """Answer for as long as the block lasts."""
        Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
