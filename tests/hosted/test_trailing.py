"""What people and their apps put behind an address leads to the page all the same."""

from typing import Any

import pytest
from flask import Flask

from tests.merchant_api.calls import Shop

BEHIND = [
    *(".", ",", ")", "]", ">", "»", "”", "'", "!", "%3F", ";", ":", "…", "*", "_", "~"),
    *("/", "//", "/.", ").", "%20", "%20%20"),
    *("%C2%A0", "%E2%80%8B", "%E2%80%8E", "%E2%81%A0", "%EF%BB%BF", "%EF%B8%8F", "%0A", "%FF", "%22", "&", "%E3%80%82"),
    "%F0%9F%98%80",
]


@pytest.fixture
def engine() -> str:
    """Addresses are the same on both."""
    return "sqlite"


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A merchant."""
    return Shop(app)


def followed(client: Any, path: str) -> str:
    """Where an address leads."""
    answer = client.get(path)
    assert answer.status_code == 303, (path, answer.status_code)
    assert answer.headers["Ikawaari-Request-Id"]
    return str(answer.headers["Location"])


def test_a_page_is_found_whatever_follows_its_address(shop: Shop) -> None:
    page = f"/{shop.opened()['id']}"
    for behind in BEHIND:
        assert followed(shop.client, page + behind) == page
    assert shop.client.get(page).status_code == 200


def test_a_link_is_found_whatever_follows_its_address_and_opens_nothing_on_the_way(shop: Shop) -> None:
    link = "/" + shop.post("/api/v1/payment_links", {"amount": 5000}).json["url"].partition("://")[2].partition("/")[2]
    for behind in BEHIND:
        assert followed(shop.client, link + behind) == link
    assert shop.get("/api/v1/checkout/sessions").json["data"] == []
    assert shop.client.get(link + ").", follow_redirects=True).status_code == 200


def test_what_was_asked_along_stays(shop: Shop) -> None:
    page = f"/{shop.opened()['id']}"
    assert followed(shop.client, f"{page}.?lang=fr&fbclid=a%20b") == f"{page}?lang=fr&fbclid=a%20b"


@pytest.mark.parametrize("behind", [".", "/", "%20"])
def test_nothing_is_posted_to_an_address_that_went_astray(shop: Shop, behind: str) -> None:
    page = f"/{shop.opened()['id']}"
    for path in (page + behind, f"{page}/pay{behind}", f"/pay/abc{behind}"):
        assert shop.client.post(path).status_code in {404, 405}


def test_other_addresses_are_not_led_anywhere(shop: Shop) -> None:
    page = f"/{shop.opened()['id']}"
    for path in (
        "/cs_short.",
        "/nowhere.",
        f"{page}.html",
        f"{page}x",
        "/pay/.",
        f"{page}/x.",
        "/api/checkout/cs_0000000000000000.",
    ):
        assert shop.client.get(path).status_code == 404, path
    assert shop.client.get("/healthz").status_code == 200
