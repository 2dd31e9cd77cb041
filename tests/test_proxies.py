"""nginx and Caddy, with the configurations of `deploy/`, in front of real servers and of such as die."""

import contextlib
import gzip
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ikawaari import clock, store
from ikawaari.config import ROOT
from tests import factories, programs, serving

DEPLOY = ROOT / "deploy"
HOST = "127.0.0.1"
SESSIONS = "/api/v1/checkout/sessions"
TOKEN = "a-token-of-the-metrics"
PROGRAMS = [pytest.param(name, marks=pytest.mark.program(name)) for name in ("nginx", "caddy")]
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


# ---------------------------------------------------------------- servers behind a proxy


class Scripted(threading.Thread):
    """A server that keeps what it receives, and answers, or dies, as its script says."""

    def __init__(self, script: Callable[[bytes], bytes | None]) -> None:
        super().__init__(daemon=True)
        self.port = serving.free_port()
        self.received: list[bytes] = []
        self.connections = 0
        self._script = script
        self._socket = socket.create_server((HOST, self.port))

    def run(self) -> None:
        """Accept connections until it is closed."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on."""
        self._socket.close()

    def of(self, method: str) -> list[bytes]:
        """The requests of a method, without those for its health."""
        return [one for one in self.received if one.startswith(method.encode()) and b" /readyz " not in one]

    def _serve(self, connection: socket.socket) -> None:
        counted = False
        with connection:
            while request := _read(connection):
                self.received.append(request)
                if b" /readyz " in request:
                    connection.sendall(UNAVAILABLE if self._script is unready else OK)
                    continue
                self.connections += not counted
                counted = True
                answer = self._script(request)
                if answer is None:  # it dies with the request in its hands
                    return
                connection.sendall(answer)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nIkawaari-Request-Id: req_1\r\n\r\nok\n"


UNAVAILABLE = OK.replace(b"200 OK", b"503 Service Unavailable")


def _read(connection: socket.socket) -> bytes:
    """A whole request; empty at the end of the connection."""
    data = b""
    with contextlib.suppress(OSError):
        while b"\r\n\r\n" not in data:
            part = connection.recv(65_536)
            if not part:
                return b""
            data += part
        found = re.search(rb"(?i)content-length: (\d+)", data)
        size = data.index(b"\r\n\r\n") + 4 + (int(found[1]) if found else 0)
        while len(data) < size:
            data += connection.recv(65_536)
    return data


def answering(request: bytes) -> bytes | None:
    """Answer everything."""
    return OK


def dying(request: bytes) -> bytes | None:
    """Die with each request in its hands."""
    return None


def unready(request: bytes) -> bytes | None:
    """Say of itself that it is not ready."""
    return UNAVAILABLE


# ---------------------------------------------------------------- the proxies


@dataclass
class Proxy:
    """A proxy that runs, and where it writes."""

    program: str
    port: int
    plain_port: int
    log: Path
    ca: Path

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request to it over https."""
        return requests.request(
            method, f"https://localhost:{self.port}{path}", verify=str(self.ca), timeout=20, **options
        )

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged of requests."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost, signed by its own key, and that key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = clock.now()
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "fullchain.pem", folder / "privkey.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for file, content in zip(files, (made.public_bytes(serialization.Encoding.PEM), private), strict=True):
        file.write_bytes(content)
    return files


def adapted(text: str, changes: dict[str, str]) -> str:
    """The configuration with the places of the test: each must be there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx_command(folder: Path, proxy: Proxy, servers: Sequence[int], limits: dict[str, str]) -> list[str]:
    """The command that runs nginx with its configuration in the foreground."""
    text = adapted(
        (DEPLOY / "nginx.conf").read_text(),
        {
            "listen 80;": f"listen {HOST}:{proxy.plain_port};",
            "listen 443 ssl http2;": f"listen {HOST}:{proxy.port} ssl http2;",
            "server_name checkout.example pay.example;": "server_name localhost;",
            "/etc/ssl/ikawaari": str(folder),
            "/var/log/nginx/ikawaari.log": str(proxy.log),
            "/var/log/nginx/ikawaari-error.log": str(folder / "error.log"),
            "127.0.0.1:8000": f"{HOST}:{servers[0]}",
            "127.0.0.1:8001": f"{HOST}:{servers[1]}",
        }
        | limits,
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(
        f"{_user()}daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/main.log;"
        f"events {{}} http {{ {places} include site.conf; }}"
    )
    return [
        programs.located("nginx"),
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "main.log"),
    ]


def _user() -> str:
    """Root's worker processes would run as somebody who may not enter the test's folder."""
    return "user root; " if os.getuid() == 0 else ""


def caddy_command(folder: Path, proxy: Proxy, servers: Sequence[int], limits: dict[str, str]) -> list[str]:
    """The command that runs Caddy with its configuration."""
    text = adapted(
        (DEPLOY / "Caddyfile").read_text(),
        {
            "\n{\n": f"\n{{\n\tadmin off\n\thttp_port {proxy.plain_port}\n\thttps_port {proxy.port}\n",
            "pay.example} {": f"pay.example}} {{\n\ttls {folder}/fullchain.pem {folder}/privkey.pem",
            "/var/log/caddy/ikawaari.log": str(proxy.log),
        }
        | limits,
    )
    (folder / "Caddyfile").write_text(text)
    return [programs.located("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


COMMANDS = {"nginx": nginx_command, "caddy": caddy_command}
SHORT = {
    "nginx": {"client_header_timeout 20s": "client_header_timeout 3s"},
    "caddy": {"read_header 20s": "read_header 3s"},
}


@contextlib.contextmanager
def running(program: str, folder: Path, servers: Sequence[int]) -> Iterator[Proxy]:
    """The proxy before the servers of these ports, with a short time for a request's head."""
    ca, _ = certificate(folder)
    proxy = Proxy(program, serving.free_port(), serving.free_port(), folder / "access.log", ca)
    command = COMMANDS[program](folder, proxy, servers, SHORT[program])
    environment = {"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    environment |= {"IKAWAARI_HOSTS": "localhost", "IKAWAARI_SERVERS": " ".join(f"{HOST}:{port}" for port in servers)}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        for port in (proxy.port, proxy.plain_port):
            _await_port(port, process, folder)
        yield proxy
    finally:
        process.terminate()
        process.wait(20)


def _await_port(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        assert process.poll() is None, (folder / "output").read_text() + (folder / "main.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    """Each proxy in turn."""
    return str(request.param)


@contextlib.contextmanager
def before(
    program: str, folder: Path, *scripts: Callable[[bytes], bytes | None]
) -> Iterator[tuple[Proxy, Sequence[Scripted]]]:
    """The proxy before two servers of these scripts."""
    servers = [Scripted(script) for script in scripts]
    for server in servers:
        server.start()
    with running(program, folder, [server.port for server in servers]) as proxy:
        yield proxy, servers
    for server in servers:
        server.close()


# ---------------------------------------------------------------- before servers that die


def test_a_post_whose_server_dies_is_sent_once_and_its_sender_is_told_to_ask_again(
    program: str, tmp_path: Path
) -> None:
    with before(program, tmp_path, dying, dying) as (proxy, servers):
        key = {"Idempotency-Key": "k"}
        answers = [proxy.request("POST", f"/api/checkout/cs_1/pay?n={n}", json={}, headers=key) for n in range(4)]
        page = proxy.request("POST", "/cs_1/pay", data={"phone": "1"})
    sent = [request for server in servers for request in server.of("POST")]
    assert len(sent) == len({request.split(b"\r\n")[0] for request in sent}), "each went to one server once"
    assert b"POST /api/checkout/cs_1/pay?n=0" in b"".join(sent)
    for answer in answers:
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/json")
        assert answer.json()["error"] | {"message": ""} == {
            "code": "IKW-SYS-002",
            "message": "",
            "type": "api_error",
            "retryable": True,
            "details": {},
            "request_id": "",
        }
        assert answer.headers["Retry-After"] == "5"
    assert page.status_code == 503
    assert page.headers["Content-Type"] in ("text/html", "text/html; charset=utf-8")
    assert "ne payez pas une deuxième fois" in page.content.decode()


def test_what_only_reads_is_asked_of_the_other_server(program: str, tmp_path: Path) -> None:
    with before(program, tmp_path, dying, answering) as (proxy, _):
        assert [proxy.request("GET", f"/cs_{number}").status_code for number in range(4)] == [200] * 4


def test_a_server_that_accepts_nothing_is_left_out(program: str, tmp_path: Path) -> None:
    with before(program, tmp_path, answering, answering) as (proxy, (down, up)):
        down.close()
        down.received.clear()
        assert [proxy.request("POST", SESSIONS, json={}).status_code for _ in range(6)] == [200] * 6
        assert len(up.of("POST")) == 6 - len(down.of("POST"))


def test_caddy_gives_nothing_to_a_server_that_is_not_ready(tmp_path: Path) -> None:
    with before("caddy", tmp_path, unready, answering) as (proxy, (sick, _)):
        until = time.monotonic() + 5
        while not sick.received and time.monotonic() < until:  # until it was asked first
            time.sleep(0.02)
        time.sleep(0.1)
        assert [proxy.request("GET", "/cs_1").status_code for _ in range(6)] == [200] * 6
        assert not sick.of("GET")


def test_what_a_client_says_about_itself_is_not_believed_and_connections_are_kept(program: str, tmp_path: Path) -> None:
    lies = {
        "X-Forwarded-For": "10.9.9.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "81",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=10.9.9.9",
    }
    with before(program, tmp_path, answering, answering) as (proxy, servers):
        for _ in range(8):
            proxy.request("POST", SESSIONS, json={}, headers=lies)
        heard = [head for server in servers for head in server.of("POST")]
        told = dict(re.findall(r"(?im)^((?:x-)?forwarded[^:]*): *(.*?)\r?$", heard[-1].decode()))
        assert {name.lower(): value for name, value in told.items()} == {
            "x-forwarded-for": HOST,
            "x-forwarded-proto": "https",
            "x-forwarded-host": f"localhost:{proxy.port}",
            "x-forwarded-port": str(proxy.port),
        }
        assert len(heard) == 8
        assert sum(server.connections for server in servers) <= 4


def test_a_slow_client_is_cut_off_and_holds_up_nobody(program: str, tmp_path: Path) -> None:
    with before(program, tmp_path, answering, answering) as (proxy, servers):
        context = ssl.create_default_context(cafile=str(proxy.ca))
        slow = []
        for _ in range(30):
            one = context.wrap_socket(socket.create_connection((HOST, proxy.port), 10), server_hostname="localhost")
            one.sendall(b"POST /api/v1/checkout/sessions HTTP/1.1\r\nHost: loc")
            slow.append(one)
        began = time.monotonic()
        assert proxy.request("GET", "/cs_1").status_code == 200
        assert time.monotonic() - began < 2.5
        for one in slow:
            with contextlib.suppress(OSError):
                while one.recv(1_000):
                    pass
            one.close()
        assert time.monotonic() - began < 15, "they are cut off after three seconds"
        assert not [request for server in servers for request in server.of("POST")]


# ---------------------------------------------------------------- before the real server


@dataclass
class Shop:
    """The proxy before a real server, and keys for it."""

    proxy: Proxy
    key: str
    key_of_elsewhere: str
    served: serving.Served


@pytest.fixture(scope="module", params=PROGRAMS)
def shop(
    request: pytest.FixtureRequest, new_sqlite: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """One real server behind both addresses of a proxy."""
    folder = tmp_path_factory.mktemp(request.param)
    url = new_sqlite(folder)
    store.connect(url)
    merchant = factories.merchant()
    key = factories.credential(merchant, allowed_networks=["127.0.0.0/8"])
    elsewhere = factories.credential(merchant, allowed_networks=["10.9.9.9/32"])
    store.disconnect()
    environment = {"IKAWAARI_DATABASE_URL": url, "IKAWAARI_TRUSTED_PROXIES": "1", "IKAWAARI_METRICS_TOKEN": TOKEN}
    with ExitStack() as stack:
        served = stack.enter_context(serving.serve(environment, 1, 4, "--no-worker"))
        proxy = stack.enter_context(running(request.param, folder, [served.port, served.port]))
        yield Shop(proxy, key, elsewhere, served)


def bearer(key: str) -> dict[str, str]:
    """The header that has a key."""
    return {"Authorization": f"Bearer {key}"}


def test_a_session_is_opened_and_its_page_is_compressed_once(shop: Shop) -> None:
    opened = shop.proxy.request("POST", SESSIONS, json={"amount": 5000}, headers=bearer(shop.key))
    assert opened.status_code == 201
    raw = urllib3.PoolManager(ca_certs=str(shop.proxy.ca)).request(
        "GET",
        f"https://localhost:{shop.proxy.port}/{opened.json()['id']}",
        headers={"Accept-Encoding": "gzip"},
        decode_content=False,
    )
    assert raw.headers.getlist("Content-Encoding") == ["gzip"]
    assert b"<!doctype html>" in gzip.decompress(raw.data)


def test_addresses_of_keys_are_compared_with_the_clients_own(shop: Shop) -> None:
    lie = {"X-Forwarded-For": "10.9.9.9"}
    assert shop.proxy.request("GET", SESSIONS, headers=bearer(shop.key) | lie).status_code == 200
    assert shop.proxy.request("GET", SESSIONS, headers=bearer(shop.key_of_elsewhere) | lie).status_code == 403


@pytest.mark.parametrize("size", [200_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_a_body_that_is_too_large_is_refused_in_the_servers_words(shop: Shop, size: int, *, chunked: bool) -> None:
    body = b"x" * size
    data: Any = (body[start : start + 50_000] for start in range(0, size, 50_000)) if chunked else body
    answer = shop.proxy.request("POST", SESSIONS, data=data, headers=bearer(shop.key))
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/json")
    assert answer.json()["error"] | {"request_id": ""} == {
        "code": "IKW-REQ-004",
        "message": "The body is too large.",
        "type": "validation_error",
        "retryable": False,
        "details": {},
        "request_id": "",
    }


def test_metrics_are_passed_to_nobody(shop: Shop) -> None:
    assert requests.get(f"{shop.served.url}/metrics", headers=bearer(TOKEN), timeout=10).status_code == 200
    for path in ("/metrics", "/metrics?x=1", "/%6detrics", "//metrics", "/./metrics"):
        answer = shop.proxy.request("GET", path, headers=bearer(TOKEN))
        assert answer.status_code in (301, 308, 404), path
        assert "ikawaari_" not in answer.text


def test_the_log_has_the_servers_request_id_and_nothing_that_opens_a_page(shop: Shop) -> None:
    opened = shop.proxy.request("POST", SESSIONS, json={"amount": 5000}, headers=bearer(shop.key))
    session = opened.json()["id"]
    for path in (
        f"/{session}?draft=secret-of-a-draft",
        f"/api/checkout/{session}?x=secret-1",
        "/r/secret-2",
        "/callbacks/secret-3/4",
    ):
        shop.proxy.request("GET", path, headers={"Referer": "https://shop.example/secret-4", "Cookie": "a=secret-5"})
    asked = shop.proxy.request("GET", "/healthz")
    until = time.monotonic() + 5
    while asked.headers["Ikawaari-Request-Id"] not in shop.proxy.log.read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    text = shop.proxy.log.read_text()
    assert opened.headers["Ikawaari-Request-Id"] in text
    assert {secret for secret in ("secret", session, shop.key) if secret in text} == set()
    assert "/api/v1/checkout/..." in text
    assert "/callbacks/..." in text


def test_http_leads_to_https_and_old_tls_is_refused(shop: Shop) -> None:
    plain = requests.get(f"http://localhost:{shop.proxy.plain_port}/cs_1", allow_redirects=False, timeout=10)
    assert (plain.status_code, plain.headers["Location"].split("/")[0]) in ((301, "https:"), (308, "https:"))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(str(shop.proxy.ca))
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), socket.create_connection((HOST, shop.proxy.port), 10) as connection:
        old.wrap_socket(connection, server_hostname="localhost")
