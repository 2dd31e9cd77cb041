"""Who may call what: every merchant route meets every kind of credential, its own objects and those of others."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from ikawaari import clock
from ikawaari.merchants import credentials
from ikawaari.merchants.credentials import Scope
from ikawaari.store.models import Credential
from tests import factories
from tests.merchant_api.calls import MISSING, SESSIONS, Answer, Shop, error

INTENTS, REFUNDS = "/api/v1/payment-intents", "/api/v1/refunds"
LINKS, LINKS_V2 = "/api/v1/payment_links", "/api/v2/payment_links"
ENDPOINTS, EVENTS = "/api/v1/webhook-endpoints", "/api/v1/events"
SUBSCRIPTIONS, ADVANCE = "/api/v1/billing/subscriptions", "/api/test/subscriptions/{subscription_id}/advance"
CUSTOMERS, REPORTS = "/api/v1/customers", "/api/v1/reports"
_NAMES = ("session", "intent", "refund", "endpoint", "event", "link", "subscription", "customer")
_IDS = dict.fromkeys((f"{name}_id" for name in _NAMES), MISSING)
ROUTES = {
    ("POST", SESSIONS): Scope.PAYMENTS_WRITE,
    ("GET", SESSIONS): Scope.PAYMENTS_READ,
    ("GET", SESSIONS + "/{session_id}"): Scope.PAYMENTS_READ,
    ("POST", SESSIONS + "/{session_id}/expire"): Scope.PAYMENTS_WRITE,
    ("POST", LINKS): Scope.PAYMENTS_WRITE,
    ("GET", LINKS): Scope.PAYMENTS_READ,
    ("GET", LINKS + "/{link_id}"): Scope.PAYMENTS_READ,
    ("POST", LINKS + "/{link_id}/deactivate"): Scope.PAYMENTS_WRITE,
    ("POST", LINKS_V2): Scope.PAYMENTS_WRITE,
    ("GET", LINKS_V2): Scope.PAYMENTS_READ,
    ("GET", LINKS_V2 + "/{link_id}"): Scope.PAYMENTS_READ,
    ("POST", LINKS_V2 + "/{link_id}/deactivate"): Scope.PAYMENTS_WRITE,
    ("POST", INTENTS): Scope.PAYMENTS_WRITE,
    ("GET", INTENTS): Scope.PAYMENTS_READ,
    ("GET", INTENTS + "/{intent_id}"): Scope.PAYMENTS_READ,
    ("PATCH", INTENTS + "/{intent_id}"): Scope.PAYMENTS_WRITE,
    ("POST", INTENTS + "/{intent_id}/confirm"): Scope.PAYMENTS_WRITE,
    ("POST", INTENTS + "/{intent_id}/cancel"): Scope.PAYMENTS_WRITE,
    ("GET", CUSTOMERS): Scope.CUSTOMERS_READ,
    ("GET", CUSTOMERS + "/{customer_id}"): Scope.CUSTOMERS_READ,
    ("GET", REPORTS + "/daily"): Scope.REPORTS_READ,
    ("POST", REFUNDS): Scope.REFUNDS_WRITE,
    ("GET", REFUNDS): Scope.PAYMENTS_READ,
    ("GET", REFUNDS + "/{refund_id}"): Scope.PAYMENTS_READ,
    ("POST", ENDPOINTS): Scope.WEBHOOKS_WRITE,
    ("GET", ENDPOINTS): Scope.WEBHOOKS_READ,
    ("GET", ENDPOINTS + "/{endpoint_id}"): Scope.WEBHOOKS_READ,
    ("POST", ENDPOINTS + "/{endpoint_id}"): Scope.WEBHOOKS_WRITE,
    ("DELETE", ENDPOINTS + "/{endpoint_id}"): Scope.WEBHOOKS_WRITE,
    ("POST", ENDPOINTS + "/{endpoint_id}/rotate_secret"): Scope.WEBHOOKS_WRITE,
    ("POST", ENDPOINTS + "/{endpoint_id}/test"): Scope.WEBHOOKS_WRITE,
    ("GET", ENDPOINTS + "/{endpoint_id}/deliveries"): Scope.WEBHOOKS_READ,
    ("GET", EVENTS): Scope.WEBHOOKS_READ,
    ("GET", EVENTS + "/{event_id}"): Scope.WEBHOOKS_READ,
    ("POST", EVENTS + "/{event_id}/redeliver"): Scope.WEBHOOKS_WRITE,
    ("POST", EVENTS + "/redeliver"): Scope.WEBHOOKS_WRITE,
    ("GET", SUBSCRIPTIONS): Scope.SUBSCRIPTIONS_READ,
    ("GET", SUBSCRIPTIONS + "/{subscription_id}"): Scope.SUBSCRIPTIONS_READ,
    ("GET", SUBSCRIPTIONS + "/{subscription_id}/invoices"): Scope.SUBSCRIPTIONS_READ,
    ("POST", SUBSCRIPTIONS + "/{subscription_id}/cancel"): Scope.SUBSCRIPTIONS_WRITE,
    ("POST", ADVANCE): Scope.SUBSCRIPTIONS_WRITE,
}
# Headers, and what each route says of them; addresses, and whether each route lets them in. Most of what a test costs
# is its set-up, so a route meets them all in one.
NO_CREDENTIALS = [
    (None, "IKW-AUTH-001"),
    ("", "IKW-AUTH-001"),
    ("Bearer", "IKW-AUTH-001"),
    ("Bearer   ", "IKW-AUTH-001"),
    ("Basic aWs6", "IKW-AUTH-002"),
    ("ik_test_x", "IKW-AUTH-001"),
    ("Token ik_test_x", "IKW-AUTH-002"),
    ("Bearer ik_test_" + "0" * 27, "IKW-AUTH-002"),
    ("Bearer é\x00\x7f", "IKW-AUTH-002"),
    ("Bearer " + "a" * 8000, "IKW-AUTH-002"),
]
NETWORKS = ["10.1.0.0/16", "2001:db8::/32"]
IN_THEM, OUTSIDE = ("10.1.2.3", "2001:db8::1"), ("10.2.0.1", "::1", "", "unix")
OF_ONE_OBJECT = [route for route in ROUTES if "{session_id}" in route[1]]
every_route = pytest.mark.parametrize(("method", "path"), ROUTES, ids=[*map(" ".join, ROUTES)])


def call(app: Flask, method: str, path: str, authorization: str | None = None, **options: Any) -> Answer:
    """Call a route with that header; an id in its path is that of no object, unless told."""
    headers = {} if authorization is None else {"Authorization": authorization}
    url = path.format(**_IDS | {"session_id": options.pop("session_id", MISSING)})
    return app.test_client().open(url, method=method, headers=headers, **options)


def test_the_table_of_routes_is_whole(shared_shop: Shop) -> None:
    document = shared_shop.client.get("/openapi.json").json
    secured = {
        (method.upper(), path): operation["security"][0]["bearer"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters" and operation["security"]
    }
    assert secured == {route: [scope.value] for route, scope in ROUTES.items()}


@every_route
def test_without_a_credential_that_counts_nothing_is_told(shared_app: Flask, method: str, path: str) -> None:
    for authorization, code in NO_CREDENTIALS:
        answer = call(shared_app, method, path, authorization)
        error(answer, 401, code)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "X-RateLimit-Limit" not in answer.headers


@every_route
def test_a_revoked_key_is_dead(shared_app: Flask, method: str, path: str) -> None:
    key = factories.credential()
    credentials.revoke(Credential.get(Credential.hint.endswith(key[-4:])).id, clock.now())
    error(call(shared_app, method, path, f"Bearer {key}"), 401, "IKW-AUTH-003")


@every_route
def test_an_expired_key_is_dead(shared_app: Flask, method: str, path: str) -> None:
    key = factories.credential(expires_at=clock.now() + timedelta(hours=1))
    assert call(shared_app, method, path, f"Bearer {key}").status_code != 401
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=False):
        error(call(shared_app, method, path, f"Bearer {key}"), 401, "IKW-AUTH-004")


@every_route
def test_an_app_token_dies_with_its_installation(shared_app: Flask, method: str, path: str) -> None:
    owner = factories.merchant()
    installation = credentials.install_app(owner, "app", clock.now())
    token = factories.credential(owner, installation=installation)
    assert token.startswith("ik_app_test_")
    assert call(shared_app, method, path, f"Bearer {token}").status_code != 401
    credentials.uninstall_app(installation.id, clock.now())
    error(call(shared_app, method, path, f"Bearer {token}"), 401, "IKW-AUTH-003")


@every_route
def test_a_missing_scope_is_named(shared_app: Flask, method: str, path: str) -> None:
    scope = ROUTES[method, path]
    key = factories.credential(scopes=[other for other in Scope if other != scope])
    answer = call(shared_app, method, path, f"Bearer {key}")
    assert error(answer, 403, "IKW-AUTHZ-001")["details"] == {"scope": [scope.value]}
    assert scope.value in answer.json["error"]["message"]
    assert "X-RateLimit-Remaining" in answer.headers


@every_route
def test_the_scope_alone_is_enough(shared_app: Flask, method: str, path: str) -> None:
    key = factories.credential(scopes=[ROUTES[method, path]])
    # A body that was not sent is missed only by those who may come in.
    assert call(shared_app, method, path, f"Bearer {key}").status_code in {200, 201, 400, 404}


@every_route
def test_an_allow_list_of_addresses_is_kept(shared_app: Flask, method: str, path: str) -> None:
    key = factories.credential(allowed_networks=NETWORKS)
    for address in (*IN_THEM, *OUTSIDE):
        answer = call(shared_app, method, path, f"Bearer {key}", environ_base={"REMOTE_ADDR": address})
        if address in IN_THEM:
            assert answer.status_code != 403, address
        else:
            error(answer, 403, "IKW-AUTHZ-002")


@pytest.mark.parametrize(("method", "path"), OF_ONE_OBJECT, ids=[*map(" ".join, OF_ONE_OBJECT)])
class TestOneObject:
    """Whose object it is, and of which mode."""

    def test_one_s_own_is_found(self, shared_app: Flask, method: str, path: str) -> None:
        shop = Shop(shared_app)
        session_id = shop.opened()["id"]
        answer = call(shared_app, method, path, f"Bearer {shop.key}", session_id=session_id)
        assert (answer.status_code, answer.json["id"]) == (200, session_id)

    def test_another_merchant_s_is_not_found(self, shared_app: Flask, method: str, path: str) -> None:
        session_id = Shop(shared_app).opened()["id"]
        answer = call(shared_app, method, path, f"Bearer {factories.credential()}", session_id=session_id)
        error(answer, 404, "IKW-RES-001")

    @pytest.mark.parametrize("livemode", [True, False])
    def test_one_of_the_other_mode_is_not_found(
        self, shared_app: Flask, method: str, path: str, livemode: bool
    ) -> None:
        shop = Shop(shared_app, livemode=livemode)
        session_id = shop.opened()["id"]
        other = factories.credential(shop.merchant, livemode=not livemode)
        error(call(shared_app, method, path, f"Bearer {other}", session_id=session_id), 404, "IKW-RES-001")

    @pytest.mark.parametrize(
        "odd",
        ["x", "cs_", "..", "%00", "a%00b", "%ED%A0%80", "%FF", "' OR 1=1 --", "é", "🧵", "%2e", "a" * 500, "a" * 9000],
    )
    def test_an_odd_id_is_not_found(self, shared_shop: Shop, method: str, path: str, odd: str) -> None:
        call_it = shared_shop.get if method == "GET" else shared_shop.post
        error(call_it(path.format(session_id=odd), Idempotency_Key="k"), 404, "IKW-RES-001")


def test_lists_hold_the_caller_s_own_objects_of_the_key_s_mode_alone(shared_app: Flask) -> None:
    shop, stranger = Shop(shared_app), Shop(shared_app)
    live = Shop(shared_app, shop.merchant, livemode=True)
    ids = {who: who.opened()["id"] for who in (shop, stranger, live)}
    for who, own in ids.items():
        assert [session["id"] for session in who.get(SESSIONS).json["data"]] == [own]
