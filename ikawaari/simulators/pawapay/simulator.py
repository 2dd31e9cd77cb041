"""The simulator of pawaPay: its routes, its settings, who may call, and how callbacks are signed."""

import hmac
import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.pawapay import signatures
from ikawaari.simulators.pawapay.deposits import AUTHORIZE, Deposits
from ikawaari.simulators.pawapay.failures import Rejected, server_error
from ikawaari.simulators.pawapay.hosted import Checkouts, PaymentPages
from ikawaari.simulators.pawapay.operations import FATES
from ikawaari.simulators.pawapay.refunds import Refunds
from ikawaari.simulators.pawapay.statements import FILE, Statements
from ikawaari.simulators.pawapay.toolkit import Toolkit
from ikawaari.simulators.web import Answer, Request, Route, in_json

Handler = Callable[[Request], Answer]


class PawaPay(Simulator):
    """pawaPay's Merchant API v2."""

    extra_orders = FATES | {"refuse", "other_amount"}

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        """One account serves every country. Raises ValueError if one is given."""
        if country is not None:
            raise ValueError("pawapay has one account for all countries")
        self.token = f"sim-{secrets.token_urlsafe(24)}"
        self.keys = signatures.Keys()
        super().__init__(callback_url, country)
        self.knobs |= {
            "availability": {},
            "availability_as_list": False,
            "deposits_allowed": True,
            "refunds_allowed": True,
            "one_prompt_per_wallet": False,
            "auth_url_at_once": False,
            "echo_decimals": 2,
            "v1_rejections": False,
            "sign_callbacks": True,
            "key_number": 1,
        }

    def settings(self) -> Mapping[str, object]:
        return {"base_url": self.base_url, "token": self.token, "sign_callbacks": self.knobs["sign_callbacks"]}

    def routes(self) -> Sequence[Route]:
        deposits = Deposits(self)
        refunds, toolkit, statements = Refunds(self, deposits), Toolkit(self), Statements(self)
        hosted, checkouts = PaymentPages(self, deposits), Checkouts(self, deposits)
        private = [
            Route("POST", "/v2/deposits", deposits.create, "charge"),
            Route("GET", "/v2/deposits/{id}", deposits.show, "lookup"),
            Route("POST", "/v2/deposits/resend-callback/{id}", deposits.resend),
            Route("POST", "/v2/refunds", refunds.create, "refund"),
            Route("GET", "/v2/refunds/{id}", refunds.show, "lookup"),
            Route("POST", "/v2/refunds/resend-callback/{id}", refunds.resend),
            Route("POST", "/v2/refunds/fail-enqueued/{id}", refunds.fail_enqueued),
            Route("GET", "/v2/active-conf", toolkit.configuration),
            Route("GET", "/v2/availability", toolkit.availability),
            Route("POST", "/v2/predict-provider", toolkit.predict),
            Route("GET", "/v2/public-key/http", self._published_keys),
            Route("GET", "/v2/wallet-balances", statements.balances, "report"),
            Route("POST", "/v2/statements", statements.create, "report"),
            Route("GET", "/v2/statements/{id}", statements.show, "report"),
            Route("POST", "/v2/paymentpage", hosted.create),
            Route("POST", "/v2/checkouts", checkouts.create),
            Route("GET", "/v2/checkouts/{id}", checkouts.show, "lookup"),
            Route("POST", "/v2/checkouts/{id}/expire", checkouts.expire),
        ]
        return [
            *(Route(one.method, one.pattern, self._guarded(one.handler), one.on) for one in private),
            Route("GET", AUTHORIZE, deposits.page),
            Route("POST", AUTHORIZE, deposits.decide),
            Route("GET", FILE, statements.file, "report"),
            *hosted.screens(),
            *checkouts.screens(),
        ]

    def server_error(self) -> Answer:
        return server_error()

    def sign(self, method: str, url: str, body: bytes, is_good: bool) -> Mapping[str, str]:
        if not self.knobs["sign_callbacks"]:
            return {}
        with self.lock:
            number = self.knobs["key_number"]
            key = self.keys.get(number) if is_good else self.keys.foreign
        return signatures.headers(method, url, body, key=key, keyid=signatures.key_id(number), now=time.time())

    def _published_keys(self, _request: Request) -> Answer:
        self.keys.get(self.knobs["key_number"])
        return in_json(self.keys.published())

    def _guarded(self, handler: Handler) -> Handler:
        def guarded(request: Request) -> Answer:
            try:
                self._authenticate(request)
                return handler(request)
            except Rejected as rejected:
                return rejected.answer()

        return guarded

    def _authenticate(self, request: Request) -> None:
        """Raises Rejected."""
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Rejected("NO_AUTHENTICATION", "The Authorization header is missing, or holds no bearer token.")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise Rejected("AUTHENTICATION_ERROR", "The token is invalid.")
