"""A business's wallet at the simulated Wave, spoken to over HTTP, and the browser of who pays it."""

import hashlib
import hmac
import time
from typing import Any

import requests

from ikawaari.simulators.wave import rules
from tests.simulators.talking import Talk

REFERENCE = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"
ABSENT = object()
SUCCESS_URL, ERROR_URL = "https://pay.example.com/r/ok", "https://pay.example.com/r/ko"


class Wallet:
    """The wallet of one country, called with its plain key."""

    def __init__(self, sim: Talk, wallet: str = "sn") -> None:
        self.sim, self.key, self.timeout = sim, rules.api_key(wallet), 5.0
        self.sessions = f"{sim.base_url}/v1/checkout/sessions"

    def create(self, **changes: object) -> requests.Response:
        """A session of 1000 XOF, with changes."""
        body: dict[str, object] = {
            "amount": "1000",
            "currency": "XOF",
            "success_url": SUCCESS_URL,
            "error_url": ERROR_URL,
            "client_reference": REFERENCE,
        } | changes
        sent = {name: value for name, value in body.items() if value is not ABSENT}
        return requests.post(self.sessions, json=sent, headers=self.headers, timeout=self.timeout)

    def opened(self, **changes: object) -> dict[str, Any]:
        """A new session, as it is shown."""
        answer = self.create(**changes)
        assert answer.status_code == 200, answer.text
        session: dict[str, Any] = answer.json()
        return session

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.sim.base_url}/v1{path}", headers=self.headers, timeout=5)

    def post(self, path: str, body: object = None) -> requests.Response:
        return requests.post(f"{self.sim.base_url}/v1{path}", json=body, headers=self.headers, timeout=5)

    def session(self, session: dict[str, Any]) -> dict[str, Any]:
        """How a session stands."""
        answer = self.get(f"/checkout/sessions/{session['id']}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def standing(self, session: dict[str, Any]) -> tuple[str, str]:
        """Its two statuses."""
        shown = self.session(session)
        return shown["checkout_status"], shown["payment_status"]

    def expire(self, session: dict[str, Any]) -> requests.Response:
        return self.post(f"/checkout/sessions/{session['id']}/expire")

    def refund(self, session: dict[str, Any], body: object = None) -> requests.Response:
        return self.post(f"/checkout/sessions/{session['id']}/refund", body)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def press(session: dict[str, Any], decision: str, **form: str) -> str:
    """Press a button of the page; where the browser is sent."""
    data = {"decision": decision, **form}
    answer = requests.post(session["wave_launch_url"], data=data, allow_redirects=False, timeout=5)
    assert answer.status_code == 303
    return answer.headers["Location"]


def signed(body: bytes, *, secret: str | None = None, between: str = "") -> str:
    """The header that signs a request now, with something wrong `between` time and body if asked for."""
    moment = str(int(time.time()))
    return f"t={moment},v1={hexdigest(secret or rules.signing_secret('sn'), (moment + between).encode() + body)}"


def hexdigest(key: str, message: bytes) -> str:
    """HMAC-SHA256, made here without the simulator's own."""
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()
