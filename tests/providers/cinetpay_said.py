"""A CinetPay that says what a test wants, in raw form: answers that its simulator has no reason to give."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from ikawaari import ids
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.cinetpay import CinetPay
from ikawaari.providers.outcomes import Action, FailureCode, Outcome, Result
from ikawaari.providers.values import Account, Charge
from ikawaari.simulators.web import Answer, Request, Server, in_json
from tests.simulators.cinetpay_account import ID

CHARGE_ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"  # vector of card 2.3, with ID
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
HTML = Answer(200, b"<html>502 Bad Gateway</html>", "text/html")
LOGIN = in_json({"code": 200, "status": "OK", "access_token": "eyJ1", "expires_in": 3600})


class Scripted:
    """Answers each kind of call with the next of its answers, and from then on with the last one."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {"login": [LOGIN], "create": [], "lookup": []}
        self.asked: list[tuple[str, Request]] = []
        self._server = Server("127.0.0.1", 0, self._respond)
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.provider = CinetPay(Config())

    def _respond(self, request: Request) -> Answer:
        kind = "lookup" if request.method == "GET" else "login" if request.path.endswith("/login") else "create"
        self.asked.append((kind, request))
        answers = self.answers[kind]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def kinds(self) -> list[str]:
        """What was asked, in order."""
        return [kind for kind, _ in self.asked]

    def bodies(self, kind: str) -> list[Any]:
        """What was sent with each call of a kind."""
        return [request.json() for one, request in self.asked if one == kind]

    def creates(self, *answers: Answer, charge: Charge | None = None, account: Account | None = None) -> Outcome:
        """The outcome of a charge that is answered so."""
        self.answers["create"] = list(answers)
        return self.provider.charge(account or account_of(self), charge or charge_of(), NOW)

    def finds(self, *answers: Answer, charge: Charge | None = None, account: Account | None = None) -> Outcome:
        """The outcome of a look-up that is answered so."""
        self.answers["lookup"] = list(answers)
        return self.provider.lookup(account or account_of(self), charge or charge_of(), NOW)

    @contextmanager
    def listening(self) -> Iterator["Scripted"]:
        """Answer for as long as the block lasts."""
        Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


def account_of(scripted: Scripted, **changes: Any) -> Account:
    """The account of Senegal."""
    given: dict[str, Any] = {
        "id": f"acc_{ids.random_text(16)}",
        "provider": "cinetpay",
        "settings": {"api_key": "sk_test_made_up", "api_password": "made-up", "base_url": scripted.base_url},
        "country": "SN",
        "livemode": True,
        "callback_url": "https://pay.example.com/callbacks/acc_ABCDEFGH12345678",
        "callback_key": b"made_up_secret",
    }
    return Account(**given | changes)


def charge_of(**changes: Any) -> Charge:
    """1,000 francs from a wallet of Free in Senegal, by push."""
    given: dict[str, Any] = {
        "id": CHARGE_ID,
        "intent_id": "pi_0001",
        "money": Money(1_000, "XOF"),
        "method_type": "mobile_money",
        "operator": "free_sn",
        "country": "SN",
        "phone": "+221763456789",
        "customer_name": "Awa Ndiaye",
        "customer_email": "awa@example.com",
        "page_url": "https://pay.example.com/cs_AbC",
        "statement": "Boutique Awa",
        "submitted_at": NOW,
    }
    return Charge(**given | changes)


def started(code: int | None = 2002, status: str = "PENDING", **changes: object) -> Answer:
    """The answer to a create that was carried out."""
    details = {"code": code, "status": status, "message": "", "must_be_redirected": changes.pop("redirected", False)}
    given = {
        "code": 200,
        "status": "OK",
        "payment_token": "ptk_made_up",
        "notify_token": "ntk_made_up",
        "transaction_id": "CP0001",
        "merchant_transaction_id": ID,
        "payment_url": None,
        "details": {name: value for name, value in details.items() if value is not None},
    }
    return in_json(given | changes)


def of(code: object, status: object = None, http: int = 200, /, **more: object) -> Answer:
    """The answer to a look-up of the payment, or one that refuses a call."""
    said = {"code": code, "status": status, "merchant_transaction_id": ID, "transaction_id": "CP0001"}
    return in_json({name: value for name, value in (said | more).items() if value is not None}, http)


def waits(outcome: Outcome) -> tuple[Result, Action | None]:
    """What an outcome lets the payer do."""
    return outcome.result, outcome.action


def ended(outcome: Outcome) -> tuple[Result, FailureCode | None]:
    """How an outcome ended."""
    return outcome.result, outcome.failure
