"""Addresses as proxies, browsers and configurations write them."""

import socket

import pytest

from ikawaari import addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("203.0.113.5:51234", "203.0.113.5"),
        (" 203.0.113.5 ", "203.0.113.5"),
        ("203.0.113.5:", "203.0.113.5"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:51234", "2001:db8::1"),
        ('"[2001:db8::1]:51234"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("[::ffff:203.0.113.5]:80", "203.0.113.5"),
    ],
)
def test_an_address_is_read_without_what_proxies_write_around_it(text: str, address: str) -> None:
    assert str(addresses.read_ip(text)) == address


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "_hidden", "203.0.113", "1.2.3.4.5", "1.2.3.4:80:80", "[1.2.3.4", "[]:80", "::1]:80", "١.2.3.4"],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert addresses.read_ip(text) is None


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "LOCALHOST",
            "localhost.",
            "127.0.0.1",
            "127.255.0.9",
            "127.0.0.1.",
            "127.1",
            "0x7f.1",
            "0177.0.0.1",
        ),
        *("2130706433", "0x7f000001", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "[::1]"),
    ],
)
def test_loopback_is_known_in_every_spelling(host: str) -> None:
    assert addresses.is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "0.0.0.0", "0", "::", "10.0.0.1", "192.168.0.1", "128.0.0.1", "::2", "::ffff:10.0.0.1", "::ffff:0.0.0.0"),
        *(
            "shop.example",
            "127.0.0.1.nip.io",
            "localhost.example",
            "localhost.localdomain",
            "127.0.0.1 shop",
            "localhost..",
        ),
    ],
)
def test_nothing_else_is_loopback(host: str) -> None:
    assert not addresses.is_loopback(host)


def test_a_process_finds_out_where_it_listens() -> None:
    before = addresses.listened_on()
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("0.0.0.0", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
        found = set(addresses.listened_on()) - set(before)
        assert found == {f"127.0.0.1:{ports[0]}", f"0.0.0.0:{ports[1]}"}
        assert one.getsockname()[1] == ports[0], "the sockets stay open"
    assert addresses.listened_on() == before
