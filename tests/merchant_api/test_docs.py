"""The page at /docs: Swagger UI, unchanged, under a policy that allows it nothing but its own files."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from tests.merchant_api.calls import Shop

FOLDER = Path(__file__).parents[2] / "static" / "vendor" / "swagger-ui" / "5.35.0"
UNCHANGED = {
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_swagger_ui_is_as_its_makers_published_it(name: str) -> None:
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == UNCHANGED[name]


def test_the_page_allows_its_own_files_and_nothing_else(shared_app: Flask) -> None:
    answer = shared_app.test_client().get("/docs")
    policy = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "<style" not in answer.text
    assert "style=" not in answer.text


@pytest.fixture
def docs_url(app: Flask) -> Iterator[str]:
    """The page, served by a thread."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/docs"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_browser_shows_operations_and_webhooks_and_complains_of_nothing(
    app: Flask, docs_url: str, page: Page
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(docs_url)
    told = Shop(app).client.get("/openapi.json").json
    operations = sum(len(item.keys() - {"parameters"}) for item in told["paths"].values())
    expect(page.locator(".opblock")).to_have_count(operations + len(told["webhooks"]))
    page.locator("#operations-Checkout_sessions-createCheckoutSession").click()
    expect(page.get_by_text("Idempotency-Key").nth(1)).to_be_visible()
    expect(page.locator(".opblock-body .example").first).to_contain_text("Wax hollandais")
    page.locator("#operations-webhooks-onRefundSucceeded").click()
    expect(page.locator("#operations-webhooks-onRefundSucceeded")).to_contain_text("settled_at")
    assert complaints == []
