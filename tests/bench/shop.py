"""The shop that is measured: its merchant, its key, its sessions, and the requests that people send it."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ikawaari
from ikawaari import store
from ikawaari.config import Config
from ikawaari.providers.sandbox import ledger
from tests import factories

RATE = 100_000_000  # requests a minute: no limit is measured
ENDPOINTS = "/api/v1/webhook-endpoints"
SESSIONS = "/api/v1/checkout/sessions"
BODY = json.dumps({"amount": 5000, "currency": "XOF"})
CARD = json.dumps({"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}})
JSON = {"Content-Type": "application/json"}
BROWSER = {"Accept-Encoding": "gzip, deflate, br", "Accept-Language": "fr-SN,fr;q=0.9,en;q=0.8", "Accept": "text/html"}


@dataclass(frozen=True)
class Request:
    """One request: method, path, headers, and a body where there is one."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


Ask = Callable[[Request], bytes]  # sends a request, and returns the body of the answer, which is a success


@dataclass(frozen=True)
class Kind:
    """A kind of request that is measured."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    is_keyed: bool = False  # each request has an Idempotency-Key of its own
    pays: bool = False  # `{}` in its path stands for a session that has not been paid

    def request(self, session_id: str = "") -> Request:
        """One of them."""
        keyed = {"Idempotency-Key": str(uuid.uuid4())} if self.is_keyed else {}
        return Request(self.method, self.path.replace("{}", session_id), {**self.headers, **keyed}, self.body)


@dataclass(frozen=True)
class Shop:
    """A merchant's key, and how to reach the server."""

    key: str
    ask: Ask

    @property
    def authorized(self) -> dict[str, str]:
        """The headers of a merchant's request."""
        return {"Authorization": f"Bearer {self.key}"}

    def kinds(self, lengths: Iterable[int] = ()) -> list[Kind]:
        """What is measured: of one session, which is looked at again and again, and of lists of these lengths."""
        (session_id,) = self.sessions(1)
        page = f"/{session_id}"
        return [
            Kind("POST session", "POST", SESSIONS, {**self.authorized, **JSON}, BODY, is_keyed=True),
            Kind("GET session", "GET", f"{SESSIONS}/{session_id}", self.authorized),
            Kind("GET public JSON", "GET", f"/api/checkout/{session_id}"),
            Kind("the page", "GET", page),
            Kind("the page, gzip", "GET", page, BROWSER),
            Kind("pay by card", "POST", "/api/checkout/{}/pay", JSON, CARD, pays=True),
            *(Kind(f"list of {length}", "GET", f"{SESSIONS}?limit={length}", self.authorized) for length in lengths),
        ]

    def sessions(self, count: int) -> list[str]:
        """The ids of so many new sessions, open."""
        return [self._post(SESSIONS, BODY)["id"] for _ in range(count)]

    def add_endpoint(self, url: str) -> None:
        """Have every event delivered to `url`."""
        self._post(ENDPOINTS, json.dumps({"url": url}))

    def _post(self, path: str, body: str) -> Any:
        return json.loads(self.ask(Request("POST", path, {**self.authorized, **JSON}, body)))


def settings(database_url: str) -> dict[str, str]:
    """The environment of a server that is measured."""
    return {
        "IKAWAARI_DATABASE_URL": database_url,
        "IKAWAARI_MERCHANT_RATE_LIMIT": str(RATE),
        "IKAWAARI_SECRET_KEY": "b" * 32,
        "IKAWAARI_LOG_LEVEL": "ERROR",
        "IKAWAARI_SANDBOX_DELAY_SECONDS": "0",
    }


def prepare(config: Config) -> str:
    """A new database's tables, and its merchant's key."""
    ikawaari.start(config)
    ikawaari.migrate()
    key = factories.credential(rate_limit=RATE)
    disconnect()
    return key


def disconnect() -> None:
    """Close this process's connections, before others use the database, and at the end."""
    store.disconnect()
    ledger.disconnect()
    close_all: Callable[[], None] | None = getattr(ledger.database.obj, "close_all", None)
    if close_all:
        close_all()
