"""IP addresses and hosts, parsed by one function wherever they are stored, compared or trusted."""

import os
import re
import socket
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_WITH_PORT = re.compile(r"\[(?P<bracketed>[^\]]*)\](:[0-9]*)?|(?P<plain>[^:\[\]]*):[0-9]*")
_MAPPED_BITS = 96  # of ::ffff:0:0/96, which is IPv4 written as IPv6
_SHORT_IPV4 = re.compile(r"[0-9a-fx.]+")


@lru_cache(1_000)
def read_ip(text: str) -> IPv4Address | IPv6Address | None:
    """The address in `text`, or None. Proxies add a port, brackets or a zone, and write IPv4 as IPv6."""
    bare = text.strip().strip('"')
    found = _WITH_PORT.fullmatch(bare)
    host = (found["plain"] if found["bracketed"] is None else found["bracketed"]) if found else bare
    try:
        ip = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


@lru_cache(1_000)
def plain(text: str) -> str:
    """The address in `text` as it is usually written; empty if it is none."""
    ip = read_ip(text)
    return str(ip) if ip else ""


def read_network(text: str) -> IPv4Network | IPv6Network:
    """The network in `text`, in the form of the addresses that `read_ip` returns. Raises ValueError."""
    network = ip_network(text)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def host_of(bind: str) -> str:
    """The host of an address to listen on, `HOST:PORT` or `[HOST]:PORT`."""
    return bind.strip().rpartition(":")[0].strip("[]")


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback address in any spelling. No name is looked up, because its address may change."""
    name = host.lower().removesuffix(".")
    ip = read_ip(name) or _short_ipv4(name)
    return name == "localhost" if ip is None else ip.is_loopback


def _short_ipv4(name: str) -> IPv4Address | None:
    """`127.1`, `0x7f.1` and `2130706433` mean `127.0.0.1`."""
    if not _SHORT_IPV4.fullmatch(name):
        return None
    try:
        return IPv4Address(socket.inet_aton(name))
    except OSError:
        return None


def listened_on() -> list[str]:
    """Where this process listens, as `HOST:PORT`, found among its open files (Linux); empty if unknown."""
    found: set[str] = set()
    with suppress(OSError):  # no /proc
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):  # not a socket, or closed meanwhile
                found.update(_listened_on(int(name)))
    return sorted(found)


def _listened_on(file: int) -> list[str]:
    opened = socket.socket(fileno=file)
    try:
        if opened.family == socket.AF_UNIX or not opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return []
        host, port = opened.getsockname()[:2]
        return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    finally:
        opened.detach()  # it stays its owner's
