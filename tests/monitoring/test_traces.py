"""Traces: where they are on, what arrives by OTLP is one tree for each request, and names nobody."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from flask import Flask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from werkzeug.test import Client

import ikawaari
from ikawaari import clock, logs, monitoring, tracing, worker
from ikawaari.config import Config, UnsafeConfiguration
from ikawaari.edge.measuring import Traced
from ikawaari.events import endpoints
from ikawaari.monitoring import traces
from tests import factories
from tests.conftest import disconnect
from tests.events.receiver import listening
from tests.merchant_api.calls import Shop
from tests.serving import serve

PHONE, EMAIL, NAME = "+221771234500", "awa@example.sn", "Awa Diop"
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


class Collector:
    """A tiny receiver of traces."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    collector.bodies.append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def spans(self) -> list[Any]:
        """All that has arrived."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        scopes = [scope for one in requests for resource in one.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """One that listens where the standard variable says."""
    opened = Collector()
    threading.Thread(target=opened.server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", opened.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


@pytest.fixture
def sender(collector: Collector) -> Iterator[Any]:
    """What sends the spans of this process."""
    yield traces.start()
    traces.finish()


def attributes(span: Any) -> dict[str, Any]:
    """What a span says."""
    return {
        one.key: one.value.string_value or (one.value.int_value if one.value.HasField("int_value") else "")
        for one in span.attributes
    }


def test_a_payment_is_one_tree_and_names_nobody(app: Flask, collector: Collector, sender: Any) -> None:
    shop, client = Shop(app), Client(Traced(app.wsgi_app))
    with listening() as receiver:
        endpoint = endpoints.create(
            factories.owner(shop.merchant), url=receiver.url, enabled_events=["*"], now=clock.now()
        )
        session = shop.opened(customerEmail=EMAIL)["id"]
        wallet = {"operator": "orange_sn", "phone_number": PHONE}
        body = {
            "payment_method": {"type": "mobile_money", "mobile_money": wallet},
            "collected": {"customerDetails": {"name": NAME}},
        }
        answer = client.post(f"/api/checkout/{session}/pay?phone={PHONE}", json=body, headers={"traceparent": THEIRS})
        assert answer.status_code == 200
        while worker.run_once(clock.now()):
            pass
    sender.force_flush()
    spans = {span.name: span for span in collector.spans}
    request, charge = spans["POST /api/checkout/<string:session_id>/pay"], spans["provider charge"]
    assert charge.parent_span_id == request.span_id
    assert request.parent_span_id == b"", "nobody outside is its parent"
    told, called = attributes(request), attributes(charge)
    assert told["http.response.status_code"] == 200
    assert told["ikawaari.request_id"] == called["ikawaari.request_id"] == answer.headers["Ikawaari-Request-Id"]
    assert told["ikawaari.attempt_id"] == called["ikawaari.attempt_id"]
    assert (called["account"], called["operator"]) == ("sandbox", "orange_sn")
    webhook, work = spans["webhook"], spans["due webhook.deliver"]
    assert webhook.parent_span_id in {span.span_id for span in collector.spans if span.name == work.name}
    assert attributes(webhook)["endpoint"] == endpoint.id
    assert attributes(work)["ikawaari.work"] == "webhook.deliver"
    sent = b"".join(collector.bodies).decode(errors="replace")
    assert [text for text in (PHONE, PHONE[1:], EMAIL, NAME, session, shop.key, receiver.url) if text in sent] == []


THEIRS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_of_an_error_a_span_has_the_kind_alone(app: Flask, collector: Collector, sender: Any) -> None:
    logs.begin()
    with pytest.raises(ValueError, match="Awa"), tracing.span("work", tracing.Kind.CONSUMER, account="acc_1"):
        raise ValueError(f"{NAME} {PHONE}")
    sender.force_flush()
    (span,) = collector.spans
    assert attributes(span) == {"account": "acc_1", "error.type": "ValueError"}
    assert not span.events
    assert NAME.encode() not in b"".join(collector.bodies)


def test_a_collector_that_is_away_costs_no_answer(
    app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    traces.start()
    try:
        assert Shop(app).opened()["id"]
    finally:
        traces.finish()
    assert all(line.startswith("{") for line in capsys.readouterr().err.splitlines())


def test_without_the_libraries_it_is_refused_in_one_line(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(monitoring, "import_module", missing)
    with pytest.raises(UnsafeConfiguration, match=r"IKAWAARI_TRACES needs more libraries: pip install .*\[traces\]"):
        ikawaari.create_app(replace(config, traces=True))
    disconnect()


def test_a_server_sends_what_it_has_at_its_end(database_url: str, collector: Collector) -> None:
    settings = {
        "IKAWAARI_DATABASE_URL": database_url,
        "IKAWAARI_TRACES": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    with serve(settings, 1, 2, "--no-worker"):
        pass
    names = [span.name for span in collector.spans]
    assert names.count("GET /readyz") >= 1, names
