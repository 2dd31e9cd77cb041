"""POST /callbacks/{provider}: whatever the internet sends there is refused with a reason, and never breaks anything."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from flask import Flask

from ikawaari import clock
from ikawaari.providers import registry
from ikawaari.providers.base import Account, CallbackRequest, Report
from ikawaari.providers.sandbox import Sandbox
from tests.merchant_api.calls import app_on, error, refused

PATH = "/callbacks/sandbox"


@pytest.fixture
def app(shared_url: str) -> Iterator[Flask]:
    """One app for all tests here."""
    with app_on(shared_url) as app:
        yield app


@pytest.mark.parametrize(
    "signature",
    [
        None,
        *("", "x", "t=,v1=", "t=1,v1=x", "v1=x", "t=99999999999999999999,v1=x", f"t={'9' * 5000},v1=x", "t=\xb2,v1=x"),
        *("t=-1,v1=", "t=NaN,v1=", "t=é,v1=é"),
    ],
)
def test_an_unsigned_callback_is_refused(app: Flask, signature: str | None) -> None:
    headers = {} if signature is None else {"Sandbox-Signature": signature}
    refused(app.test_client().post(PATH, json={"event_id": "1"}, headers=headers), "callback")


def test_a_forged_or_old_signature_is_refused(app: Flask) -> None:
    now = clock.unix(clock.now())
    for signature in (f"t={now},v1={'0' * 64}", f"t={now - 301},v1=x", f"t={now + 301},v1=x"):
        refused(app.test_client().post(PATH, data=b"{}", headers={"Sandbox-Signature": signature}), "callback")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"5", b"{}", b"\xff", b"[" * 50_000, b'{"event_id": "1", "charge_id": "2"}', b"\x00"],
)
def test_a_signed_callback_that_says_nothing_is_refused(app: Flask, body: bytes) -> None:
    sandbox = registry.named("sandbox")
    assert isinstance(sandbox, Sandbox)
    headers = {"Sandbox-Signature": sandbox.sign(body, clock.now())}
    refused(app.test_client().post(PATH, data=body, headers=headers), "callback")


def test_a_stranger_is_not_found_and_a_huge_body_not_read(app: Flask) -> None:
    client = app.test_client()
    error(client.post("/callbacks/nobody", data=b"{}"), 404, "IKW-RES-001")
    error(client.put("/callbacks/nobody", data=b"{}"), 404, "IKW-RES-001")
    error(client.post(PATH, data=b"a" * 131_073), 413, "IKW-REQ-004")
    error(client.delete(PATH), 405, "IKW-REQ-005")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/tag", f"{PATH}/charge/tag"])
def test_a_probe_is_answered(app: Flask, path: str) -> None:
    """Some providers ask by HEAD, OPTIONS or GET whether there is anybody before they use an address."""
    assert app.test_client().head(path).status_code == 200
    assert app.test_client().get(path).json == {"received": True}
    assert app.test_client().options(path).status_code == 200


@pytest.mark.parametrize(
    ("path", "tag"), [(PATH, None), (f"{PATH}/t1", "t1"), (f"{PATH}/8f%33c/t1?a=%31&b=", "t1")], ids=str
)
def test_an_adapter_gets_the_request_as_it_was_sent(
    app: Flask, monkeypatch: pytest.MonkeyPatch, path: str, tag: str | None
) -> None:
    """Signatures cover the raw path, and the host that the world knows, whatever a Host header says."""
    got: list[CallbackRequest] = []

    def noted(_self: Sandbox, _account: Account, request: CallbackRequest, _now: datetime) -> list[Report]:
        got.append(request)
        return []

    monkeypatch.setattr(Sandbox, "parse_callback", noted)
    headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Host", "evil.example")]
    assert app.test_client().put(path, data=b"\x00\xff", headers=headers).status_code == 200
    (request,) = got
    where, _, query = path.partition("?")
    assert (request.method, request.path, request.query, request.tag) == ("PUT", where, query, tag)
    assert request.authority == urlsplit(app.config["IKAWAARI"].api_url).netloc
    assert (request.body, request.header("x-twice")) == (b"\x00\xff", "1, 2")
