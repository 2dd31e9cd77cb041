"""What every call to Wave goes through: the key and its signature, errors in either form, faults ordered by code."""

import time
from collections.abc import Mapping
from typing import Any

from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.shapes import Body
from ikawaari.simulators.wave import errors, rules
from ikawaari.simulators.wave.rules import CURRENCIES
from ikawaari.simulators.web import Answer, Refused, Request

DEFAULT_COUNTRY = "SN"


class WaveApi(Simulator):
    """The wallets of a business, one in each country, each with a plain and a signing key."""

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        """Raises ValueError for a country without Wave."""
        super().__init__(callback_url, country)
        self.wallet = (country or DEFAULT_COUNTRY).lower()
        if self.wallet not in CURRENCIES:
            raise ValueError(f"Wave is not in {country}, but in {', '.join(sorted(CURRENCIES)).upper()}")
        self.knobs |= {"nests_errors": False}

    def settings(self) -> Mapping[str, object]:
        """Of the wallet of `country`, with its signing key."""
        return {
            "base_url": self.base_url,
            "api_key": rules.signing_key(self.wallet),
            "webhook_secret": rules.webhook_secret(self.wallet),
            "signing_secret": rules.signing_secret(self.wallet),
        }

    def server_error(self) -> Answer:
        """Wave's."""
        return self.error(errors.INTERNAL)

    def not_found(self, request: Request) -> Answer:
        """An address that Wave does not have."""
        return self.error("not-found", http=404)

    def error(self, code: str, **more: Any) -> Answer:
        """An error, in the form that is set."""
        return errors.answer(code, is_nested=self.knobs["nests_errors"], **more)

    def invalid(self, words: Mapping[str, str], http: int | None = None) -> Refused:
        """To raise for a request of which some fields are wrong."""
        details = [{"loc": [name], "msg": message} for name, message in words.items()]
        return Refused(self.error(errors.INVALID, http=http, details=details))

    def authenticate(self, request: Request, on: str) -> str:
        """The wallet whose key came with a call about `on`. Raises Refused, also if that was ordered."""
        order = self.orders.take("refuse", on)
        if order is not None:
            raise Refused(self.error(str(order.more.get("code", errors.INVALID)), http=order.more.get("http")))
        wallet, problem = rules.authenticate(request, int(time.time()))
        if problem is not None:
            raise Refused(self.error(problem))
        return wallet

    def body(self, request: Request) -> Body:
        """The body, a JSON object. Raises Refused."""
        try:
            given = request.json()
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise self.invalid({"body": "value is not a valid dict"}, http=400)
        return given
