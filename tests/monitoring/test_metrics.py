"""Who may read the metrics, and what of requests, calls and work is counted in them."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from ikawaari import clock, meters, worker
from ikawaari.checkout import figures
from ikawaari.config import Config, UnsafeConfiguration
from ikawaari.events import endpoints
from ikawaari.monitoring import exposition, listener
from ikawaari.store.models import DueWork, PaymentAttempt
from tests import factories, warm
from tests.apps import app_of
from tests.conftest import disconnect
from tests.events.receiver import listening
from tests.merchant_api.calls import MISSING, SESSIONS, Shop, error
from tests.monitoring.reading import HEADERS, TOKEN, of_client, of_server, samples, total
from tests.serving import free_port

CARD = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
SECONDS = "ikawaari_http_request_duration_seconds_count"


@pytest.fixture
def config(config: Config) -> Config:
    """With a token."""
    return replace(config, metrics_token=TOKEN)


@pytest.fixture
def client(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of an application whose figures are read anew each time."""
    monkeypatch.setattr(exposition, "KEPT_SECONDS", 0.0)
    return app.test_client()


# ---------------------------------------------------------------- who may read them


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer ", f"Bearer {TOKEN}x", TOKEN, f"Bearer {TOKEN[:-1]}", "Bearer é"]
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_without_the_token_nobody_reads_anything(client: Any, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    error(client.get("/metrics", headers=headers), 401, "IKW-AUTH-002")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_merchants_key_is_not_the_token(app: Flask) -> None:
    error(Shop(app).get("/metrics"), 401, "IKW-AUTH-002")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_who_has_the_token_is_never_asked_to_wait_and_finds_it_in_no_document(client: Any) -> None:
    answers = {client.get("/metrics", headers=HEADERS).status_code for _ in range(150)}
    assert answers == {200}
    assert "/metrics" not in json.loads(client.get("/openapi.json").text)["paths"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_where_no_token_is_set_there_are_none(config: Config) -> None:
    other = app_of(replace(config, metrics_token="")).test_client()
    for headers in ({}, HEADERS, {"Authorization": "Bearer "}):
        assert other.get("/metrics", headers=headers).status_code == 404
    disconnect()


@pytest.mark.parametrize("token", ["short", "with blanks 0123456789", "à-token-of-some-length"])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(UnsafeConfiguration, match="METRICS_TOKEN"):
        Config(metrics_token=token)


def test_a_server_without_metrics_does_not_even_import_the_library(tmp_path: Any) -> None:
    environment = {**os.environ, "IKAWAARI_DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3"}
    ended = warm.run("tests.monitoring.imported", [], environment)
    assert ended.stdout.split() == ["[]"], ended


# ---------------------------------------------------------------- what is counted


@pytest.mark.parametrize("engine", ["sqlite"])
def test_requests_are_counted_by_the_rule_of_their_route_whatever_is_asked_for(app: Flask, client: Any) -> None:
    shop, before = Shop(app), of_client(client)
    for number in range(20):
        assert shop.get(f"{SESSIONS}/{MISSING[:-2]}{number:02}").status_code == 404
        assert client.get(f"/api/nowhere/{number}").status_code == 404
        assert client.open(SESSIONS, method=f"X{number}").status_code == 405
    shop.opened()
    assert client.get("/static/checkout.js").status_code == 200
    after = of_client(client)

    def grown(**labels: str) -> float:
        return total(after, SECONDS, **labels) - total(before, SECONDS, **labels)

    assert grown(method="GET", route=f"{SESSIONS}/<string:session_id>", status="404") == 20
    assert grown(method="GET", route="unmatched", status="404") == 20
    assert grown(method="other", route="unmatched", status="405") == 20
    assert grown(method="POST", route=SESSIONS, status="201") == 1
    assert grown(route="static", status="200") == 1
    rules = {rule.rule for rule in app.url_map.iter_rules()} | {"unmatched", "static"}
    assert {labels["route"] for name, labels, _ in samples(after) if name == SECONDS} <= rules


def test_payments_calls_webhooks_and_work_are_counted(app: Flask, client: Any) -> None:
    shop, before = Shop(app), of_client(client)
    with listening() as receiver:
        owner = factories.owner(shop.merchant)
        endpoints.create(owner, url=receiver.url, enabled_events=["*"], now=clock.now())
        session = shop.opened()["id"]
        assert client.post(f"/api/checkout/{session}/pay", json=CARD).status_code == 200
        declined = {"payment_method": {"type": "card", "card": {"token": "tok_test_declined"}}}
        assert client.post(f"/api/checkout/{shop.opened()['id']}/pay", json=declined).status_code == 402
        while worker.run_once(clock.now()):
            pass
    after = of_client(client)

    def grown(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    of_cards = {"account": "sandbox", "mode": "test", "operator": "cards"}
    assert grown("ikawaari_attempts_total", **of_cards, status="succeeded") == 1
    assert grown("ikawaari_attempts_total", **of_cards, status="failed", failure="card_declined") == 1
    assert grown("ikawaari_provider_calls_total", **of_cards, verb="charge", result="succeeded") == 1
    assert grown("ikawaari_provider_calls_total", **of_cards, verb="charge") == 2
    assert grown("ikawaari_provider_call_duration_seconds_count", account="sandbox", verb="charge") == 2
    sent = grown("ikawaari_webhook_tries_total", mode="test", result="accepted")
    assert sent == grown("ikawaari_webhook_lag_seconds_count", mode="test") == len(receiver.heard) > 3
    assert grown("ikawaari_due_work_duration_seconds_count", kind="webhook.deliver") >= 1


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_the_hourly_audit_finds_is_counted(app: Flask, client: Any) -> None:
    worker.housekeeping("", clock.now())
    session, before = Shop(app).opened()["id"], of_client(client)
    assert client.post(f"/api/checkout/{session}/pay", json=CARD).status_code == 200
    PaymentAttempt.update(returned=1).execute()  # the books are wrong
    Shop(app).opened()
    DueWork.delete().where(DueWork.kind == "session.expire").execute()  # and work is lost
    worker.housekeeping("", clock.now())
    after = of_client(client)
    grown = {
        (labels["finding"], labels["mended"]): value - total(before, name, **labels)
        for name, labels, value in samples(after)
        if name == "ikawaari_audit_findings_total"
    }
    assert grown == {("attempt_differs_from_its_refunds", "no"): 1, ("session_without_expiry", "yes"): 1}


def test_every_series_has_a_name_and_labels_that_are_declared(app: Flask, client: Any) -> None:
    declared = {meter.name: set(meter.labels) for meter in meters.ALL}
    endings = ("_bucket", "_sum", "_count")
    for name, labels, _ in samples(of_client(client)):
        own = next((name.removesuffix(end) for end in endings if name.removesuffix(end) in declared), name)
        assert set(labels) - {"le"} == declared[own], name


def test_a_database_that_is_away_is_said_and_what_was_counted_is_still_there(
    client: Any, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    assert total(of_client(client), "ikawaari_database_up") == 1
    monkeypatch.setattr(figures, "read", unreachable)
    text = of_client(client)
    assert total(text, "ikawaari_database_up") == 0
    assert total(text, SECONDS, route="/metrics", status="200") > 0


def unreachable(_now: object) -> None:
    """No figures."""
    raise OSError


# ---------------------------------------------------------------- a worker's


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_worker_serves_its_own_to_who_has_the_token(app: Flask, config: Config) -> None:
    import requests

    port = free_port()
    server = listener.start(f"127.0.0.1:{port}", config)
    try:
        url = f"http://127.0.0.1:{port}"
        assert total(of_server(url), "ikawaari_processes") == 1
        assert requests.get(f"{url}/metrics", timeout=5).status_code == 401
        assert requests.get(f"{url}/", headers=HEADERS, timeout=5).status_code == 404
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("bind", ["nowhere", "127.0.0.1:no", "127.0.0.1:99999999"])
def test_an_address_that_cannot_be_listened_on_is_refused(bind: str) -> None:
    with pytest.raises(UnsafeConfiguration, match="--metrics"):
        listener.start(bind, Config(metrics_token=TOKEN))
