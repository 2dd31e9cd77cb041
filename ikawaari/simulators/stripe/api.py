"""The simulator of Stripe: its API, the bank's page of 3-D Secure, the browser script, and signed events."""

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping, Sequence
from functools import partial

from ikawaari.simulators.callbacks import Callback
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.shapes import Body, Json
from ikawaari.simulators.stripe import forms, listing, pages, signatures
from ikawaari.simulators.stripe.books import Books, World, random_text
from ikawaari.simulators.stripe.endpoints import ENDPOINTS, Endpoint
from ikawaari.simulators.stripe.errors import API, Refused, invalid
from ikawaari.simulators.stripe.idempotency import LONGEST_KEY, Keys, Name, in_use
from ikawaari.simulators.web import Answer, Request, Route, Silence, in_json

VERSION = "2026-10-28.endive"
FORM = "application/x-www-form-urlencoded"
# What a webhook endpoint is sent; `/v1/events` lists everything.
SUBSCRIBED = frozenset(
    {
        *("payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.requires_action"),
        *("payment_intent.processing", "payment_intent.canceled"),
        *("refund.created", "refund.updated", "refund.failed"),
        *("charge.refunded", "charge.dispute.created", "charge.dispute.closed"),
        *("setup_intent.succeeded", "setup_intent.setup_failed"),
    }
)
# Seconds until a webhook is repeated that was not answered with 2xx: for three days.
RETRIES = (5.0, 60.0, 600.0, 3_600.0, 3 * 3_600.0, 8 * 3_600.0, 12 * 3_600.0, 24 * 3_600.0, 24 * 3_600.0)
ACKNOWLEDGED = tuple(range(200, 300))

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")


class _Confirming(Route):
    """Creates that confirm at once: for orders they are charges."""

    def match(self, request: Request) -> Request | None:
        """The request, if its body has `confirm=true`."""
        return super().match(request) if b"confirm=true" in request.body.split(b"&") else None


class Stripe(Simulator):
    """An account at Stripe, with keys for test mode and for live mode; test cards work in both."""

    extra_orders = frozenset({"429", "key_in_use", "other_amount", "refund_fails"})

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        super().__init__(callback_url, country)
        self.knobs |= {
            "settles_after": 0.0,  # cards settle at once
            "cancels_after": 0.0,  # the provider cancels what was not paid so many seconds after it was created
            "api_version": VERSION,  # the account's: of events, and of requests that name none
            "refund_settles_after": 3_600.0,
            "refund_fails_after": 3 * 86_400.0,
            "fee_percent": 2.9,  # of a charge, as its balance transaction says
            "signature_age": 0.0,  # how old, in seconds, the signatures of webhooks are
        }
        secret = random_text(24)
        self._keys = {f"{kind}_{mode}_{secret}": mode for kind in ("sk", "pk") for mode in ("test", "live")}
        self._secret = secret
        self._webhook_secret = f"whsec_{random_text(32)}"
        self._books = {mode: self._new_books(mode) for mode in ("test", "live")}
        self._idempotency = Keys()

    def _new_books(self, mode: str) -> Books:
        world = World(
            now=self.timeline.now,
            later=self.timeline.later,
            publish=self._publish,
            ordered=self.orders.take,
            charged=self.ledger.charges,
            refunded=self.ledger.refunds,
            knobs=self.knobs,
            home=lambda: self.base_url,
        )
        return Books(mode == "live", world)

    def settings(self) -> Mapping[str, object]:
        """Those of test mode; the same with `_live_` for `_test_` are those of live mode."""
        return {
            "base_url": self.base_url,
            "secret_key": f"sk_test_{self._secret}",
            "publishable_key": f"pk_test_{self._secret}",
            "webhook_secret": self._webhook_secret,
        }

    def routes(self) -> Sequence[Route]:
        """The API, and what browsers open."""
        create = ENDPOINTS[0]
        return [
            _Confirming(create.method, create.path, partial(self._call, create), "charge"),
            *(Route(one.method, one.path, partial(self._call, one), one.on) for one in ENDPOINTS),
            *pages.routes(lambda: list(self._books.values())),
        ]

    def sign(self, method: str, url: str, body: bytes, is_good: bool) -> Mapping[str, str]:
        """The signature says real time, whatever the simulator's clock says: the receiver's clock was not moved."""
        secret = self._webhook_secret if is_good else "whsec_of_somebody_else"
        at = int(time.time() - self.knobs["signature_age"])
        return {"Stripe-Signature": signatures.header(secret, at, body)}

    def server_error(self) -> Answer:
        """A 500 as the API words it."""
        error = Refused(500, "An unexpected error occurred on our side.", kind=API)
        return in_json(error.body, error.status, {"Request-Id": f"req_{random_text(14)}"})

    def not_found(self, request: Request) -> Answer:
        """A 404 as the API words it."""
        error = Refused(404, f"Unrecognized request URL ({request.method}: {request.path}).")
        return in_json(error.body, error.status)

    # ------------------------------------------------------------ one call

    def respond(self, request: Request) -> Answer | Silence:
        """Answer; of two requests at once with one idempotency key, the second is told to wait."""
        key = request.header("Idempotency-Key")
        if request.method != "POST" or key is None or not request.path.startswith("/v1/"):
            return super().respond(request)
        name = (_api_key(request), key)
        with self._idempotency.turn(name) as is_free:
            if not is_free:
                return self._error(request, in_use(), f"req_{random_text(14)}")
            is_new = not self._idempotency.knows(name)
            answer = super().respond(request)
            if is_new and isinstance(answer, Answer) and answer.status == 500:
                self._idempotency.correct(name, answer)
            return answer

    def _call(self, endpoint: Endpoint, request: Request) -> Answer:
        request_id = f"req_{random_text(14)}"
        try:
            return self._carry_out(endpoint, request, request_id)
        except Refused as refused:
            return self._error(request, refused, request_id)

    def _carry_out(self, endpoint: Endpoint, request: Request, request_id: str) -> Answer:
        """Raises Refused for what is wrong before anything was begun: no such answer is kept for a replay."""
        mode = self._mode(endpoint, request)
        version = self._version(request)
        self._refuse_if_ordered(endpoint)
        given = endpoint.parameters.check(_given(request), version)
        key = request.header("Idempotency-Key")
        if request.method != "POST" or key is None:
            return self._act(endpoint, request, self._books[mode], given, request_id)
        if not 0 < len(key) <= LONGEST_KEY:
            raise invalid(f"Idempotency-Key may have {LONGEST_KEY} characters")
        name: Name = (_api_key(request), key)
        fingerprint, now = (request.path, given), self.timeline.now()
        answer = self._idempotency.replayed(name, fingerprint, now)
        if answer is None:
            answer = self._act(endpoint, request, self._books[mode], given, request_id)
            self._idempotency.keep(name, fingerprint, answer, now)
        return answer

    def _act(self, endpoint: Endpoint, request: Request, books: Books, given: Json, request_id: str) -> Answer:
        books.request = {"id": request_id, "idempotency_key": request.header("Idempotency-Key")}
        try:
            found = endpoint.act(books, request.params.get("id", ""), given)
            body = listing.shown(books, found, given.get("expand", ()))
        except Refused as refused:
            return self._error(request, refused, request_id)
        finally:
            books.request = {"id": None, "idempotency_key": None}
        return in_json(body, 200, self._headers(request, request_id))

    def _error(self, request: Request, refused: Refused, request_id: str) -> Answer:
        return in_json(refused.body, refused.status, self._headers(request, request_id))

    def _headers(self, request: Request, request_id: str) -> Mapping[str, str]:
        version = request.header("Stripe-Version") or self.knobs["api_version"]
        headers = {"Request-Id": request_id, "Stripe-Version": version}
        key = request.header("Idempotency-Key")
        return headers if key is None else headers | {"Idempotency-Key": key}

    def _mode(self, endpoint: Endpoint, request: Request) -> str:
        """The mode of the key. Raises Refused: 401 without a key of this account, 403 for one that may not do this."""
        key = _api_key(request)
        if not key:
            raise Refused(401, "You did not provide an API key. Send it as `Authorization: Bearer YOUR_SECRET_KEY`.")
        if key not in self._keys:
            raise Refused(401, f"Invalid API Key provided: {key[:8]}****")
        if key.startswith("pk_") and not (endpoint.for_browsers and _is_for_browsers(request)):
            raise Refused(403, "This API call cannot be made with a publishable API key.", code="secret_key_required")
        return self._keys[key]

    def _version(self, request: Request) -> str:
        version = request.header("Stripe-Version") or str(self.knobs["api_version"])
        if _VERSION.fullmatch(version) is None:
            raise invalid(f"Invalid Stripe API version: {version}")
        return version

    def _refuse_if_ordered(self, endpoint: Endpoint) -> None:
        """Raises Refused for the orders that only this provider has."""
        if self.orders.take("429", endpoint.on):
            raise Refused(429, "Request rate limit exceeded.", code="rate_limit")
        if endpoint.method == "POST" and self.orders.take("key_in_use", endpoint.on):
            raise in_use()

    # ------------------------------------------------------------ events

    def _publish(self, event: Json) -> None:
        """Send an event to the webhook endpoint, if it wants events of its type."""
        url = self.knobs["callback_url"]
        if not url or event["type"] not in SUBSCRIBED:
            return
        event["pending_webhooks"] = 1
        about = event["data"]["object"]
        on = "refund" if event["type"].startswith(("refund.", "charge.refunded")) else "charge"
        ours = "refund" if about["object"] == "refund" else "attempt"
        self.callbacks.post(
            Callback(
                id=about["metadata"].get(ours, about["id"]),
                url=url,
                body=json.dumps(event, ensure_ascii=False, indent=2).encode(),
                on=on,
                headers={"Content-Type": "application/json; charset=utf-8"},
                retries=RETRIES,
                acknowledged=ACKNOWLEDGED,
            )
        )


def _api_key(request: Request) -> str:
    """The key of a request: of `Bearer`, or the user's name of `Basic`; empty if there is none."""
    kind, _, value = (request.header("Authorization") or "").partition(" ")
    if kind == "Bearer":
        return value.strip()
    if kind != "Basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _is_for_browsers(request: Request) -> bool:
    return request.method == "POST" or "client_secret=" in request.target


def _given(request: Request) -> Body:
    """The parameters of a request. Raises Refused for a body that is no form."""
    if request.method == "GET":
        return forms.decoded(request.target.partition("?")[2])
    kind = (request.header("Content-Type") or FORM).partition(";")[0].strip()
    if request.body and kind != FORM:
        raise invalid(f"Invalid request (check that your POST content type is {FORM}).")
    try:
        return forms.decoded(request.body.decode())
    except UnicodeDecodeError:
        raise invalid("Invalid request: the body is not UTF-8.") from None
