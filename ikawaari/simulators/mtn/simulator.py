"""The simulator of MTN MoMo: its routes, its settings, and what stands before every call."""

from collections.abc import Callable, Mapping, Sequence

from ikawaari.simulators.ground import HTML, Simulator
from ikawaari.simulators.mtn import fields
from ikawaari.simulators.mtn.accounts import ApiUser, Product
from ikawaari.simulators.mtn.transactions import (
    OWN_ORDERS,
    UNKNOWN_NUMBER,
    Refunds,
    Transactions,
    host_of,
)
from ikawaari.simulators.web import Answer, Refused, Request, Route, in_json

Endpoint = Callable[[Request, ApiUser], Answer]


class Mtn(Simulator):
    """MTN MoMo Collections, and the refunds of Disbursements."""

    extra_orders = OWN_ORDERS
    signs_callbacks = False

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        """An account in Cameroon unless `country` says otherwise. Raises ValueError."""
        self.environment = fields.ENVIRONMENTS.get(country or "CM", "")
        if not self.environment:
            raise ValueError(f"mtn is simulated for {', '.join(fields.ENVIRONMENTS)}, not for {country}")
        self.collection, self.disbursement = Product("collection"), Product("disbursement")
        for product in (self.collection, self.disbursement):
            product.add_user(lambda: host_of(self.knobs["callback_url"]))
        super().__init__(callback_url, country)
        self.knobs |= {
            "platform": "old",
            "callback_method": "PUT",
            "repeats_callbacks": False,
            "reason_as_string": False,
            "echo_decimals": 0,
            "exists_code": "RESOURCE_ALREADY_EXIST",
            "invalid_currency_status": 500,
            "disbursements_enabled": True,
        }

    def settings(self) -> Mapping[str, object]:
        return {
            "base_url": self.base_url,
            **self.collection.settings(),
            "target_environment": self.environment,
            "platform": self.knobs["platform"],
            "disbursement": self.disbursement.settings(),
        }

    def routes(self) -> Sequence[Route]:
        payments = Transactions(self, self.environment)
        refunds = Refunds(self, self.environment, payments)
        collection, disbursement = self.collection, self.disbursement
        active = "/collection/v1_0/accountholder/msisdn/{number}/active"
        return [
            Route("POST", "/collection/token/", self._login(collection), "login"),
            Route("POST", "/disbursement/token/", self._login(disbursement), "login"),
            self._call(collection, "POST", "/collection/v1_0/requesttopay", payments.create, "charge"),
            self._call(collection, "GET", "/collection/v1_0/requesttopay/{id}", payments.show, "lookup"),
            self._call(collection, "GET", active, _is_active),
            self._call(disbursement, "POST", "/disbursement/v1_0/refund", self._if_enabled(refunds.create), "refund"),
            self._call(disbursement, "POST", "/disbursement/v2_0/refund", self._if_enabled(refunds.create), "refund"),
            self._call(disbursement, "GET", "/disbursement/v1_0/refund/{id}", refunds.show, "lookup"),
            Route("POST", "/v1_0/apiuser", self._provision),
            Route("GET", "/v1_0/apiuser/{id}", self._show_user),
            Route("POST", "/v1_0/apiuser/{id}/apikey", self._make_key),
        ]

    def server_error(self) -> Answer:
        return fields.error(500, "INTERNAL_PROCESSING_ERROR", "An internal error occurred while processing.")

    def not_found(self, request: Request) -> Answer:
        return in_json({"statusCode": 404, "message": "Resource not found"}, 404)

    # ------------------------------------------------------------ before every call

    def _call(self, product: Product, method: str, pattern: str, endpoint: Endpoint, on: str = "other") -> Route:
        """A route for callers with a token of `product`."""

        def handler(request: Request) -> Answer:
            self._refuse_client(request)
            product.check_subscription(request)
            user = product.caller(request, self.timeline)
            fields.environment(request, self.environment)
            return endpoint(request, user)

        return Route(method, pattern, handler, on)

    def _login(self, product: Product) -> Callable[[Request], Answer]:
        def handler(request: Request) -> Answer:
            self._refuse_client(request)
            product.check_subscription(request)
            if self.knobs["platform"] == "new":
                fields.environment(request, self.environment)
            return product.login(request, self.timeline)

        return handler

    def _refuse_client(self, request: Request) -> None:
        """The new platform's firewall knows the default name of a library. Raises Refused."""
        if self.knobs["platform"] == "new" and "python-requests" in (request.header("User-Agent") or ""):
            raise Refused(Answer(403, HTML, "text/html"))

    def _if_enabled(self, endpoint: Endpoint) -> Endpoint:
        def enabled(request: Request, user: ApiUser) -> Answer:
            if not self.knobs["disbursements_enabled"]:
                return fields.error(403, "FORBIDDEN", "The product is not enabled.")
            return endpoint(request, user)

        return enabled

    # ------------------------------------------------------------ the sandbox's provisioning

    def _provision(self, request: Request) -> Answer:
        product = self._subscribed(request)
        user_id, given = fields.reference(request), fields.body(request)
        host = given.get("providerCallbackHost")
        if not isinstance(host, str) or not host or "/" in host:
            raise fields.bad("providerCallbackHost must be a host")
        if user_id in product.users:
            return fields.error(409, self.knobs["exists_code"], "Duplicated reference id.")
        product.add_user(lambda: host, user_id)
        return Answer(201)

    def _show_user(self, request: Request) -> Answer:
        user = self._user(request)
        return in_json({"providerCallbackHost": user.host(), "targetEnvironment": self.environment})

    def _make_key(self, request: Request) -> Answer:
        return in_json({"apiKey": self._user(request).key}, 201)

    def _user(self, request: Request) -> ApiUser:
        user = self._subscribed(request).users.get(request.params["id"])
        if user is None:
            raise Refused(fields.error(404, "RESOURCE_NOT_FOUND", "Requested resource was not found."))
        return user

    def _subscribed(self, request: Request) -> Product:
        """The product whose key a request has; only the sandbox provisions. Raises Refused."""
        if self.environment != "sandbox":
            raise Refused(self.not_found(request))
        is_disbursement = request.header("Ocp-Apim-Subscription-Key") == self.disbursement.subscription_key
        product = self.disbursement if is_disbursement else self.collection
        product.check_subscription(request)
        return product


def _is_active(request: Request, _user: ApiUser) -> Answer:
    return in_json({"result": request.params["number"] != UNKNOWN_NUMBER})
