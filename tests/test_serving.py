"""The server as people run it: with the demo shop, on a database that is not there yet, told to stop, in company."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from ikawaari import locks
from tests import warm
from tests.chaos import shop as shops
from tests.chaos.shop import Shop, card, pay, wait_until, wallet
from tests.serving import ROOT, Served, copied, free_port, serve, server_environment, work

SOON_SECONDS = 25  # less than the grace that running requests get
PATIENCE_SECONDS = 60  # on a busy machine
LINK = re.compile(r'"url":\s*"([^"]+)"')


# ---------------------------------------------------------------- the demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`serve --demo` from a fresh copy of the program, with nothing but its defaults."""
    with serve({}, 2, 4, "--demo", folder=copied(tmp_path_factory.mktemp("copy"))) as served:
        yield served


def test_the_demo_prints_a_curl_that_opens_a_session_when_it_is_pasted(demo: Served) -> None:
    command = re.search(r"^curl .+?'$", demo.log_text(), re.MULTILINE | re.DOTALL)
    assert command is not None
    answer = subprocess.run(["sh", "-c", command[0]], capture_output=True, text=True, check=True).stdout
    page = LINK.search(answer)
    assert page is not None, answer
    assert requests.get(page[1], timeout=PATIENCE_SECONDS).status_code == 200


def test_the_demo_shop_sells_and_leads_to_a_page_to_pay_on(demo: Served) -> None:
    browser = requests.Session()
    assert browser.get(f"{demo.url}/", timeout=PATIENCE_SECONDS).status_code == 200
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": demo.url}
    page = browser.post(f"{demo.url}/", headers=headers, timeout=PATIENCE_SECONDS)
    assert [answer.status_code for answer in page.history] == [303]
    assert page.status_code == 200
    assert page.url.startswith(f"{demo.url}/cs_")


def test_the_demo_shop_thanks_for_a_payment(demo: Served) -> None:
    page = requests.post(f"{demo.url}/", timeout=PATIENCE_SECONDS).url
    session = page.rsplit("/", 1)[1]
    assert pay(demo, session, card()).status_code == 200
    back = requests.get(f"{demo.url}/api/checkout/{session}", timeout=PATIENCE_SECONDS).json()["success_url"]
    assert back == f"{demo.url}/?session={session}"
    assert requests.get(back, timeout=PATIENCE_SECONDS).status_code == 200


def test_the_demo_shop_waits_for_no_request_of_its_own(demo: Served) -> None:
    def press(_: int) -> int:
        return requests.post(f"{demo.url}/", allow_redirects=False, timeout=PATIENCE_SECONDS).status_code

    with ThreadPoolExecutor(16) as customers:  # twice as many as the server has threads
        assert list(customers.map(press, range(32))) == [303] * 32


def test_the_demo_shop_shows_no_order_that_is_not_its_own(demo: Served) -> None:
    for session in ("cs_0000000000000000", "x" * 5_000, "%00", "a/b"):
        page = requests.get(f"{demo.url}/?session={session}", timeout=PATIENCE_SECONDS)
        assert page.status_code == 200
        assert page.text.count("<form") == 1


def test_the_demo_keeps_its_key_and_its_shop_through_a_restart(demo: Served) -> None:
    before = re.findall(r"ik_test_\w+", demo.log_text())
    demo.stop()
    demo.start()
    assert set(re.findall(r"ik_test_\w+", demo.log_text())) == set(before)
    assert requests.post(f"{demo.url}/", timeout=PATIENCE_SECONDS).status_code == 200


# ---------------------------------------------------------------- before the database is ready


def test_a_server_started_before_its_database_is_migrated_becomes_ready_and_works_when_it_is(tmp_path: Path) -> None:
    environment = shops.environment(f"sqlite:///{tmp_path / 'late.sqlite3'}")
    served = Served(environment, ["--workers", "1", "--threads", "2"], tmp_path / "log")
    try:
        served.launch()
        wait_until(lambda: status(served, "healthz") == 200, "it serves")
        assert status(served, "readyz") == 503
        time.sleep(0.5)  # the worker finds no tables, more than once
        key = migrated_with_key(served)
        assert status(served, "readyz") == 200
        shop = Shop.__new__(Shop)
        shop.headers = {"Authorization": f"Bearer {key}"}
        session = shop.opened(served)
        assert pay(served, session, wallet()).status_code == 200
        assert shop.settled(served, session)["payment_status"] == "paid"
    finally:
        served.kill()


def migrated_with_key(served: Served) -> str:
    """Migrate the server's database by command, and make a merchant's key there."""
    environment = served.environment
    ikawaari(environment, "migrate")
    merchant = ikawaari(environment, "merchants", "create", "--name", "Boutique Teranga")
    scopes = ["--scope", "payments:read", "--scope", "payments:write"]
    return ikawaari(environment, "keys", "create", "--merchant", merchant, "--mode", "test", *scopes)


# ---------------------------------------------------------------- told to stop


def test_a_server_told_to_stop_ends_within_seconds(database_url: str) -> None:
    with serve(shops.environment(database_url)) as served, socket.create_connection(("127.0.0.1", served.port)) as slow:
        idle = requests.Session()  # its connection stays open
        assert idle.get(f"{served.url}/healthz", timeout=PATIENCE_SECONDS).status_code == 200
        slow.sendall(b"POST /api/checkout/cs_x/pay HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")  # and never more
        os.kill(served.pid, signal.SIGTERM)
        started = time.monotonic()
        assert served.wait_for_death() == 0
        assert time.monotonic() - started < SOON_SECONDS


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_server_told_to_stop_finishes_the_request_that_runs(database: None, database_url: str) -> None:
    shop = Shop()
    with serve(shops.environment(database_url)) as served, ThreadPoolExecutor(1) as customer:
        session = shop.opened(served)
        with locks.file_lock(Path(database_url.removeprefix("sqlite:///") + ".lock")):  # nobody else may write
            answer = customer.submit(pay, served, session, card())
            time.sleep(0.5)
            os.kill(served.pid, signal.SIGTERM)
            time.sleep(0.5)
            assert not answer.done()
        assert answer.result().status_code == 200
        assert served.wait_for_death() == 0


def test_a_worker_told_to_stop_ends_within_seconds(database: None, database_url: str) -> None:
    shop = Shop()
    with serve(shops.environment(database_url), 1, 1, "--no-worker") as served, work(served) as worker:
        session = shop.opened(served)
        assert pay(served, session, wallet("004")).status_code == 200
        assert shop.settled(served, session)["payment_status"] == "paid"
        worker.terminate()
        assert worker.wait(SOON_SECONDS) == 0


# ---------------------------------------------------------------- how it is started


def test_a_port_that_another_server_has_is_refused_in_one_line(
    new_sqlite: Callable[[Path], str], tmp_path: Path
) -> None:
    with serve(shops.environment(new_sqlite(tmp_path)), 1, 1) as served:
        assert str(served.port) in refused(f"127.0.0.1:{served.port}")


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", "192.0.2.1:8000"])
def test_an_address_that_nobody_can_listen_on_is_refused_in_one_line(bind: str) -> None:
    assert bind in refused(bind)


@pytest.mark.parametrize("options", [[], ["--demo"]])
def test_a_server_that_others_can_reach_is_refused_without_what_protects_it(options: list[str]) -> None:
    said = refused("0.0.0.0:8000", *options, IKAWAARI_SECRET_KEY="", IKAWAARI_API_URL="http://127.0.0.1:8000")
    named = ["IKAWAARI_DEMO"] if options else ["IKAWAARI_SECRET_KEY", "IKAWAARI_API_URL"]
    assert all(name in said for name in named), said


def test_an_insecure_server_has_no_demo() -> None:
    assert "IKAWAARI_DEMO" in refused("0.0.0.0:8000", "--insecure", "--demo")


def test_an_insecure_server_warns_takes_test_keys_over_http_and_refuses_live_ones(
    new_sqlite: Callable[[Path], str], tmp_path: Path
) -> None:
    port = free_port()
    environment = server_environment("", shops.environment(new_sqlite(tmp_path)))
    for name in ("IKAWAARI_API_URL", "IKAWAARI_PAY_URL"):
        del environment[name]
    served = Served(environment, [], tmp_path / "log")
    served.environment, served.port, served.url = environment, port, f"http://127.0.0.1:{port}"
    served._arguments = ["serve", "--bind", f"0.0.0.0:{port}", "--workers", "1", "--insecure"]
    try:
        served.start()
        assert "Warning: --insecure" in served.log_text()
        merchant = ikawaari(environment, "merchants", "create", "--name", "Boutique Teranga")
        answers = {}
        for mode in ("test", "live"):
            key = ikawaari(
                *(environment, "keys", "create", "--merchant", merchant, "--mode", mode),
                *("--scope", "payments:write", "--scope", "webhooks:write"),
            )
            headers = {"Authorization": f"Bearer {key}"}
            hook = {"url": f"http://127.0.0.1:{port}/", "enabled_events": ["*"]}
            answers[mode] = [
                requests.post(f"{served.url}{path}", json=body, headers=headers, timeout=PATIENCE_SECONDS)
                for path, body in (("/api/v1/checkout/sessions", {"amount": 500}), ("/api/v1/webhook-endpoints", hook))
            ]
        assert [answer.status_code for answer in answers["test"]] == [201, 400], "no webhook to its own loopback"
        assert answers["test"][1].json()["error"]["details"].keys() == {"url"}
        assert [answer.json()["error"]["code"] for answer in answers["live"]] == ["IKW-AUTHZ-004"] * 2
    finally:
        served.kill()


@contextmanager
def by_gunicorn(bind: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`gunicorn app:app`, as somebody else's server runs the application."""
    command = [sys.executable, "-m", "gunicorn", "app:app", "--bind", bind, "--log-file", str(log)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield server
    finally:
        server.terminate()
        server.wait(PATIENCE_SECONDS)


def test_any_server_can_run_the_application_by_its_name(new_sqlite: Callable[[Path], str], tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    environment = server_environment(f"http://{address}", shops.environment(new_sqlite(tmp_path)))
    with by_gunicorn(address, environment, tmp_path / "log") as server:
        wait_until(lambda: status(f"http://{address}", "readyz") == 200, "it is ready")
    assert server.returncode == 0


def test_any_server_is_refused_where_others_reach_it_without_https(tmp_path: Path) -> None:
    port = free_port()
    environment = server_environment(f"http://127.0.0.1:{port}", shops.environment(f"sqlite:///{tmp_path / 'x'}"))
    with by_gunicorn(f"0.0.0.0:{port}", environment, tmp_path / "log") as server:
        assert server.wait(PATIENCE_SECONDS) != 0
    assert "IKAWAARI_API_URL must be set, and be https" in (tmp_path / "log").read_text()


def ikawaari(environment: dict[str, str], *arguments: str) -> str:
    """What the command prints, on the server's database."""
    done = warm.run("ikawaari", [*arguments], environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def refused(bind: str, *options: str, **environment: str) -> str:
    """What `serve` says of an address that it does not listen on."""
    chosen = server_environment("http://127.0.0.1:8000", environment)
    done = warm.run("ikawaari", ["serve", "--bind", bind, *options], chosen)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def status(url: object, path: str) -> int:
    """What is answered there; 0 is no answer."""
    try:
        return requests.get(f"{url}/{path}", timeout=PATIENCE_SECONDS).status_code
    except requests.ConnectionError:
        return 0
