"""The files in `static/`, as a browser gets them: our scripts small, and kept for good."""

import gzip
from typing import Any

import brotli
import pytest
from flask import Flask

from ikawaari.config import ROOT

OURS = sorted(path.name for path in (ROOT / "static").glob("*.js"))
UNPACK: dict[str, Any] = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.fixture
def engine() -> str:
    """No database is asked."""
    return "sqlite"


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(
    ("accepted", "coding"), [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip")]
)
def test_a_script_of_ours_arrives_compressed(app: Flask, name: str, accepted: str, coding: str) -> None:
    answer = app.test_client().get(f"/static/{name}", headers={"Accept-Encoding": accepted})
    assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, coding)
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert UNPACK[coding](answer.data) == (ROOT / "static" / name).read_bytes()


@pytest.mark.parametrize(
    "headers", [{}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0"}, {"Range": "bytes=0-9"}]
)
def test_a_client_that_unpacks_nothing_gets_the_script_as_it_is(app: Flask, headers: dict[str, str]) -> None:
    answer = app.test_client().get("/static/checkout.js", headers=headers, buffered=True)
    assert "Content-Encoding" not in answer.headers
    assert answer.data == (ROOT / "static" / "checkout.js").read_bytes()


def test_a_script_is_asked_for_by_head_and_by_its_tag(app: Flask) -> None:
    client, accepts = app.test_client(), {"Accept-Encoding": "br"}
    head = client.head("/static/checkout.js", headers=accepts)
    assert (head.status_code, head.data, head.headers["Content-Encoding"]) == (200, b"", "br")
    assert (
        client.get("/static/checkout.js", headers=accepts | {"If-None-Match": head.headers["ETag"]}).status_code == 304
    )
    assert client.post("/static/checkout.js").status_code == 405


@pytest.mark.parametrize("name", [*OURS, "vendor/htmx-4.0.1.min.js"])
def test_a_browser_keeps_a_script_for_good(app: Flask, name: str) -> None:
    answer = app.test_client().get(f"/static/{name}", buffered=True)
    assert "immutable" in answer.headers["Cache-Control"]
