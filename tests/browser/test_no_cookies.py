"""A customer whose browser keeps no cookies pays like everybody else, with script and without."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.shop import Shop, assert_paid_once, charges, open_session
from tests.browser.steps import arrive, declined, end, pay, pay_by_phone, phone, see

_TIMEOUT_SECONDS = 20
_NOT_PASSED_ON = {"connection", "content-encoding", "content-length", "set-cookie", "transfer-encoding"}


class _Forgetful(BaseHTTPRequestHandler):
    """A proxy that takes every cookie off."""

    def do_GET(self) -> None:
        self._forward()

    def do_POST(self) -> None:
        self._forward()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def _forward(self) -> None:
        headers = {name: text for name, text in self.headers.items() if name.lower() != "cookie"}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = requests.request(
            self.command, self.path, headers=headers, data=body, allow_redirects=False, timeout=_TIMEOUT_SECONDS
        )
        self.send_response(answer.status_code)
        for name, text in answer.headers.items():
            if name.lower() not in _NOT_PASSED_ON:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """The address of such a proxy."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forgetful)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def customer(request: pytest.FixtureRequest, visit: Visit, proxy: str) -> Page:
    """A page whose browser neither sends nor keeps a cookie, with script, then one without."""
    return visit(script=request.param, proxy={"server": proxy, "bypass": "<-loopback>"})


def test_a_mistake_and_another_language_lose_nothing_and_a_payment_is_made_once(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    phone(customer).fill("77 123")
    pay(customer)
    see(customer, "choose!", "Il manque")
    expect(phone(customer)).to_have_value("77 123")
    customer.get_by_role("button", name="English").click()
    expect(customer.locator("html")).to_have_attribute("lang", "en")
    expect(phone(customer)).to_have_value("77 123")
    assert charges(shop, session) == []
    pay_by_phone(customer)
    end(customer, "paid", "Paid")
    assert_paid_once(shop, session)
    assert customer.context.cookies() == []
    assert not re.search("77|123", customer.url.partition("?")[2].partition("d=")[0])


def test_after_a_decline_the_number_is_still_there(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "001")
    declined(customer, "Rien n’a été débité")
    expect(phone(customer)).to_have_value(re.compile("77 ?123 ?40 ?01"))
