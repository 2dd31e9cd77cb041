"""A client that a merchant generates from the document opens and retrieves a session, on a served app."""

import importlib
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import openapi_python_client
import pytest
from flask import Flask
from openapi_python_client.config import Config as Settings
from openapi_python_client.config import ConfigFile, MetaType
from werkzeug.serving import make_server

import ikawaari
from ikawaari.config import Config
from tests.conftest import disconnect
from tests.merchant_api.calls import Shop

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
PACKAGE = "generated_checkout_client"


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The app, served on a port of its own by a thread; its `servers` say where."""
    server = make_server("127.0.0.1", 0, Flask("soon"), threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    server.app = app = ikawaari.create_app(replace(config, api_url=url, pay_url=url))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()
    disconnect()


@pytest.fixture
def package(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The client, fresh from the document."""
    source = tmp_path / "openapi.json"
    source.write_bytes(app.test_client().get("/openapi.json").data)
    settings = Settings.from_sources(
        ConfigFile(post_hooks=[], package_name_override=PACKAGE),
        meta_type=MetaType.NONE,
        document_source=source,
        file_encoding="utf-8",
        overwrite=True,
        output_path=tmp_path / PACKAGE,
    )
    problems = openapi_python_client.generate(config=settings)
    assert [problem for problem in problems if problem.detail or problem.header] == []
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module(PACKAGE)
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def part(name: str) -> Any:
    """A module of the client."""
    return importlib.import_module(f"{PACKAGE}.{name}")


@pytest.mark.long
def test_a_generated_client_opens_and_retrieves_a_session(package: ModuleType, app: Flask) -> None:
    models, api = part("models"), "api.checkout_sessions"
    url = json.loads(app.test_client().get("/openapi.json").data)["servers"][0]["url"]
    client = package.AuthenticatedClient(base_url=url, token=Shop(app).key)
    item = models.LineItemInput(name="Wax", amount=2500, quantity=2)
    opened = part(f"{api}.create_checkout_session").sync(
        client=client,
        body=models.CheckoutSessionInput(amount=5000, currency="XOF", line_items=[item]),
        idempotency_key="order-1042",
    )
    assert (opened.amount, opened.line_items[0].name, opened.attempts) == (5000, "Wax", [])
    found = part(f"{api}.retrieve_checkout_session").sync(opened.id, client=client)
    assert found.to_dict() == {name: value for name, value in opened.to_dict().items() if name != "warnings"}


def test_a_generated_client_pays_and_reads_errors(package: ModuleType, app: Flask) -> None:
    models, api = part("models"), "api.public_checkout"
    shop = Shop(app)
    url = json.loads(app.test_client().get("/openapi.json").data)["servers"][0]["url"]
    client = package.Client(base_url=url)
    wallet = models.MobileMoneyInput(operator="orange_sn", phone_number="+221771234010")
    method = models.PaymentMethodInput(type_=models.PaymentMethodInputType.MOBILE_MONEY, mobile_money=wallet)
    pay = part(f"{api}.pay_checkout").sync
    view = pay(shop.opened()["id"], client=client, body=models.PaymentInput(payment_method=method))
    assert isinstance(view.next_action, models.NextActionRedirect)
    assert view.next_action.redirect_to_url.url.startswith(url)
    missing = pay("cs_1", client=client, body=models.PaymentInput(payment_method=method))
    assert (missing.error.code, missing.error.retryable) == ("IKW-CHK-001", False)
