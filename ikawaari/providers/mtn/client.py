"""Requests to MTN: each with the token of its product."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ikawaari.providers.http import Answer, Call, NoAnswer, read_text
from ikawaari.providers.mtn.codes import SANDBOX
from ikawaari.providers.tokens import Token, Tokens
from ikawaari.providers.values import Account
from ikawaari.shapes import JsonObject

_LOGIN_SECONDS = 30.0  # to answer a log-in, which the platform of 2026 may need 20 for
_TOKEN_SECONDS, _RENEWED_BEFORE = 3600, timedelta(minutes=10)


@dataclass(frozen=True)
class Product:
    """One of MTN's products: its name, and where its transactions are."""

    name: str
    path: str


COLLECTION = Product("collection", "/collection/v1_0/requesttopay")
DISBURSEMENT = Product("disbursement", "/disbursement/v1_0/refund")


@dataclass(frozen=True)
class NoToken:
    """No token was given, and this is why: the request that needed one was not sent."""

    answer: Answer | NoAnswer

    @property
    def word(self) -> str:
        """The raw code of an outcome."""
        return f"log-in: {self.answer.word}"


Got = Answer | NoAnswer | NoToken


def environment_of(account: Account) -> str:
    """The value of X-Target-Environment."""
    return account.text("target_environment")


def has_disbursement(account: Account) -> bool:
    """Whether it has credentials for refunds."""
    return isinstance(account.settings.get(DISBURSEMENT.name), Mapping)


@dataclass(frozen=True)
class Client:
    """The requests of one verb to one product, with a token that the account's other verbs use too."""

    tokens: Tokens
    call: Call
    account: Account
    product: Product
    now: datetime

    def create(self, own_id: str, body: JsonObject) -> Got:
        """Start a transaction."""
        headers = {"X-Reference-Id": own_id, "Content-Type": "application/json"}
        if self._may_call_back():
            headers["X-Callback-Url"] = self.account.tagged_url(own_id)
        return self._ask("POST", self.product.path, headers, body)

    def lookup(self, own_id: str) -> Got:
        """Ask for a transaction."""
        return self._ask("GET", f"{self.product.path}/{own_id}", {}, None)

    def _may_call_back(self) -> bool:
        """The sandbox calls addresses without TLS only, and refuses a payment that names another one."""
        return environment_of(self.account) != SANDBOX or self.account.callback_url.startswith("http:")

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: JsonObject | None) -> Got:
        token = self._token()
        if isinstance(token, NoToken):
            return token
        answer = self._sent(token, method, path, headers, body)
        if not isinstance(answer, Answer) or answer.status != 401:
            return answer
        # The token ended before its time. This happens once: after a second 401 the settings are wrong.
        renewed = self._token(instead_of=token)
        return renewed if isinstance(renewed, NoToken) else self._sent(renewed, method, path, headers, body)

    def _sent(
        self, token: Token, method: str, path: str, headers: Mapping[str, str], body: JsonObject | None
    ) -> Answer | NoAnswer:
        what = f"{self.product.name} {'lookup' if body is None else 'create'}"
        bearing = {"Authorization": f"Bearer {token.text}", **self._everywhere(), **headers}
        return self.call.send(method, path, what=what, headers=bearing, body=body)

    def _token(self, instead_of: Token | None = None) -> Token | NoToken:
        return self.tokens.of(self.account, self.now, self._log_in, product=self.product.name, instead_of=instead_of)

    def _log_in(self) -> Token | NoToken:
        """Ask for a token, with an empty body: any other is refused."""
        basic = base64.b64encode(f"{self._setting('api_user')}:{self._setting('api_key')}".encode()).decode()
        answer = self.call.send(
            "POST",
            f"/{self.product.name}/token/",
            what=f"{self.product.name} login",
            headers={"Authorization": f"Basic {basic}", **self._everywhere()},
            read_seconds=_LOGIN_SECONDS,
        )
        text = read_text(answer.value(), "access_token") if isinstance(answer, Answer) else None
        if not text or not isinstance(answer, Answer) or answer.status != 200:
            return NoToken(answer)
        seconds = answer.read("expires_in")
        whole = timedelta(seconds=seconds if type(seconds) is int else _TOKEN_SECONDS)
        return Token(text, self.now + max(whole - _RENEWED_BEFORE, whole / 2))

    def _everywhere(self) -> Mapping[str, str]:
        """Headers of all requests. The old platform does without the environment where a token is asked for."""
        return {
            "Ocp-Apim-Subscription-Key": self._setting("subscription_key"),
            "X-Target-Environment": environment_of(self.account),
        }

    def _setting(self, name: str) -> str:
        own = () if self.product is COLLECTION else (self.product.name,)
        return read_text(self.account.settings, *own, name) or ""
