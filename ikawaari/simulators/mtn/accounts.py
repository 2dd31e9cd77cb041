"""Who may call MTN: subscription keys, API users, and their tokens."""

import base64
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from ikawaari.simulators.mtn import fields
from ikawaari.simulators.timeline import Timeline
from ikawaari.simulators.web import Answer, Refused, Request, in_json

TOKEN_SECONDS = 3600


@dataclass
class ApiUser:
    """A user of the API. Its callbacks go to one host only."""

    id: str
    host: Callable[[], str]
    key: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass
class Product:
    """A product of the developer portal: `collection` or `disbursement`."""

    name: str
    subscription_key: str = field(default_factory=lambda: secrets.token_hex(16))
    users: dict[str, ApiUser] = field(default_factory=dict)
    tokens: dict[str, tuple[ApiUser, float]] = field(default_factory=dict)  # and when each expires

    def add_user(self, host: Callable[[], str], user_id: str | None = None) -> ApiUser:
        """Register a user."""
        user = ApiUser(user_id or str(uuid.uuid4()), host)
        self.users[user.id] = user
        return user

    def settings(self) -> dict[str, str]:
        """The credentials of the first user."""
        user = next(iter(self.users.values()))
        return {"subscription_key": self.subscription_key, "api_user": user.id, "api_key": user.key}

    def check_subscription(self, request: Request) -> None:
        """Raises Refused."""
        if request.header("Ocp-Apim-Subscription-Key") != self.subscription_key:
            raise unauthorized("Access denied due to invalid or missing subscription key.")

    def login(self, request: Request, timeline: Timeline) -> Answer:
        """Give out a token. Raises Refused."""
        if request.body:
            raise fields.bad("the body must be empty")
        user = self._authenticated(request)
        token = secrets.token_urlsafe(48)
        self.tokens[token] = (user, timeline.now() + TOKEN_SECONDS)
        return in_json({"access_token": token, "token_type": "access_token", "expires_in": TOKEN_SECONDS})

    def caller(self, request: Request, timeline: Timeline) -> ApiUser:
        """Whose token a request bears. Raises Refused."""
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        user, expires = self.tokens.get(token, (None, 0.0))
        if scheme != "Bearer" or user is None or timeline.now() >= expires:
            raise unauthorized("The access token is missing, invalid or expired.")
        return user

    def _authenticated(self, request: Request) -> ApiUser:
        for user in self.users.values():
            written = base64.b64encode(f"{user.id}:{user.key}".encode()).decode()
            if request.header("Authorization") == f"Basic {written}":
                return user
        raise unauthorized("Wrong user or key.")


def unauthorized(message: str) -> Refused:
    """401."""
    return Refused(in_json({"statusCode": 401, "message": message}, 401))
