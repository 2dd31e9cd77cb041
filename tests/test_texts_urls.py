"""Hosts of URLs are stored as DNS knows them."""

import pytest

from ikawaari import texts


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://shop.example/é", "https://shop.example/é"),
        ("https://café.example/a?b=c", "https://xn--caf-dma.example/a?b=c"),
        ("https://CAFÉ.example:8443/", "https://xn--caf-dma.example:8443/"),
        ("https://日本.example", "https://xn--wgv71a.example"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        ("https://my_shop.example./", "https://my_shop.example./"),
    ],
)
def test_a_host_that_can_be_is_written_in_ascii(url: str, stored: str) -> None:
    assert texts.is_web_url(url)
    assert texts.in_ascii_host(url) == stored


@pytest.mark.parametrize(
    "url",
    [
        "https://_÷",
        "https://-",
        "https://a..b/",
        "https://.example/",
        "https://a,b/",
        "https://" + "é" * 70,
        "https://a$b/",
    ],
)
def test_a_host_that_cannot_be_is_refused(url: str) -> None:
    assert not texts.is_web_url(url)
