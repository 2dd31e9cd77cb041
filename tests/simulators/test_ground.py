"""The common ground of all simulators, under a small provider that exists only here."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import time_machine

from ikawaari.simulators import web
from ikawaari.simulators.callbacks import Callback
from ikawaari.simulators.ground import Simulator, running
from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.web import Answer, Refused, Request, Route, in_json
from tests.simulators.talking import Receiver, Talk, eventually, talk


class Toy(Simulator):
    """A provider whose charges are PUT with their id, and succeed."""

    extra_orders = frozenset({"declined"})

    def routes(self) -> Sequence[Route]:
        return [
            Route("PUT", "/charges/{id}", self.create, "charge"),
            Route("GET", "/charges/{id}", self.show, "lookup"),
            Route("POST", "/breaks", self.break_down),
        ]

    def settings(self) -> Mapping[str, object]:
        return {"base_url": self.base_url}

    def sign(self, method: str, url: str, body: bytes, is_good: bool) -> Mapping[str, str]:
        return {"Toy-Signature": "good" if is_good else "bad"}

    def create(self, request: Request) -> Answer:
        known = next((one for one in self.ledger.charges if one.id == request.params["id"]), None)
        if known is not None:
            known.calls += 1
            return Answer(409)
        if not request.body:
            raise Refused(in_json({"error": "empty"}, 400))
        now = self.timeline.now()
        charge = Entry(request.params["id"], "1000", "XOF", "toy", "221770000000", now, "OPEN")
        self.ledger.charges.append(charge)
        is_declined = self.orders.take("declined", "charge") is not None
        self.timeline.later(self.knobs["settles_after"], lambda: self.settle(charge, is_declined))
        return Answer(202)

    def settle(self, charge: Entry, is_declined: bool) -> None:
        word, state = ("DECLINED", "failed") if is_declined else ("PAID", "succeeded")
        charge.settle(word, state, self.timeline.now())  # type: ignore[arg-type]
        if self.knobs["callback_url"]:
            url = self.knobs["callback_url"]
            self.callbacks.post(Callback(charge.id, url, charge.id.encode(), retries=(10.0, 20.0)))

    def show(self, request: Request) -> Answer:
        return in_json({"id": request.params["id"], "path": request.path, "query": request.query})

    def break_down(self, request: Request) -> Answer:
        raise ZeroDivisionError


@pytest.fixture
def toy(receiver: Receiver) -> Iterator[Talk]:
    with talk(Toy(callback_url=receiver.url)) as talking:
        yield talking


def create(toy: Talk, charge_id: str = "c1", timeout: float = 5) -> requests.Response:
    return requests.put(f"{toy.base_url}/charges/{charge_id}", data=b"{}", timeout=timeout)


# ---------------------------------------------------------------- HTTP


def test_one_connection_serves_many_requests(toy: Talk) -> None:
    parts = urlsplit(toy.base_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as line:
        for _ in range(3):
            line.sendall(b"GET /charges/a HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("header", ["Transfer-Encoding: chunked", "Content-Length: many"])
def test_a_body_of_unknown_length_is_refused(toy: Talk, header: str) -> None:
    parts = urlsplit(toy.base_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as line:
        line.sendall(f"PUT /charges/a HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 411 ")


def test_the_raw_path_is_kept_and_its_parts_are_decoded(toy: Talk) -> None:
    answer = requests.get(f"{toy.base_url}/charges/a%2Fb?x=1&x=2&y=", timeout=5).json()
    assert answer == {"id": "a/b", "path": "/charges/a%2Fb", "query": {"x": "2", "y": ""}}


def test_an_unknown_address_or_method_is_not_found(toy: Talk) -> None:
    assert requests.get(f"{toy.base_url}/charges", timeout=5).status_code == 404
    assert requests.delete(f"{toy.base_url}/charges/a", timeout=5).status_code == 404


def test_a_refusal_ends_the_handler(toy: Talk) -> None:
    answer = requests.put(f"{toy.base_url}/charges/c1", timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"error": "empty"})
    assert toy.charges() == []


def test_a_hundred_creates_at_once_with_one_id_make_one_charge(toy: Talk) -> None:
    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda _: create(toy, timeout=20).status_code, range(100)))
    assert sorted(statuses) == [202] + [409] * 99
    [charge] = toy.charges()
    assert charge["calls"] == 100


def test_a_simulator_that_breaks_says_so() -> None:
    with running(Toy()) as simulator:
        assert requests.post(f"{simulator.base_url}/breaks", timeout=5).status_code == 599
    assert "ZeroDivisionError" in simulator.broken[0]


def test_an_account_of_ipv6_is_reached() -> None:
    try:
        simulator = Toy().start("[::1]:0")
    except OSError:
        pytest.skip("no IPv6 here")
    assert requests.get(f"{simulator.base_url}/charges/a", timeout=5).status_code == 200
    simulator.stop()


# ---------------------------------------------------------------- orders about answers


def test_a_time_out_comes_after_the_charge(toy: Talk) -> None:
    toy.next("timeout")
    with pytest.raises(requests.ReadTimeout):
        create(toy, timeout=0.3)
    assert [charge["id"] for charge in toy.charges()] == ["c1"]


def test_a_time_out_may_come_before_the_charge(toy: Talk) -> None:
    toy.next("timeout", accepted=False)
    with pytest.raises(requests.ReadTimeout):
        create(toy, timeout=0.3)
    assert toy.charges() == []


def test_a_hanging_request_ends_with_its_bound(toy: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "HANG_SECONDS", 0.3)
    toy.next("timeout")
    with pytest.raises(requests.ConnectionError):
        create(toy)


def test_a_reset_tears_the_connection_down(toy: Talk) -> None:
    toy.next("reset")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        create(toy)
    assert len(toy.charges()) == 1


def test_a_500_starts_nothing(toy: Talk) -> None:
    toy.next("500", times=2)
    assert [create(toy).status_code for _ in range(3)] == [500, 500, 202]
    assert [charge["calls"] for charge in toy.charges()] == [1]


def test_a_500_may_come_although_the_charge_was_taken(toy: Talk) -> None:
    toy.next("accepted_then_500")
    assert [create(toy).status_code for _ in range(2)] == [500, 409]


def test_garbage_is_no_json_although_it_says_so(toy: Talk) -> None:
    toy.next("garbage")
    answer = create(toy)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(ValueError, match="Unterminated string"):
        answer.json()


def test_html_comes_with_the_status_that_was_ordered(toy: Talk) -> None:
    toy.next("html", status=502)
    answer = create(toy)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_slow_answer_is_the_right_one(toy: Talk) -> None:
    toy.next("slow", seconds=0.3)
    started = time.monotonic()
    assert create(toy).status_code == 202
    assert time.monotonic() - started >= 0.3
    assert len(toy.charges()) == 1


def test_an_order_is_about_charges_unless_it_says_otherwise(toy: Talk) -> None:
    toy.next("500")
    toy.next("500", on="lookup")
    lookups = [requests.get(f"{toy.base_url}/charges/c1", timeout=5).status_code for _ in range(2)]
    assert lookups == [500, 200]
    assert create(toy).status_code == 500


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "earthquake"},
        {},
        {"kind": "500", "times": 0},
        {"kind": "500", "times": True},
        [],
    ],
    ids=["unknown", "none", "never", "true", "list"],
)
def test_an_order_that_means_nothing_is_refused(toy: Talk, given: Any) -> None:
    assert requests.post(f"{toy.base_url}/_sim/next", json=given, timeout=5).status_code == 400


# ---------------------------------------------------------------- the clock


def test_what_falls_due_has_happened_when_the_clock_has_moved(toy: Talk) -> None:
    create(toy)
    toy.advance(4)
    assert toy.charges()[0]["state"] == "pending"
    toy.advance(600)
    [charge] = toy.charges()
    assert charge["state"] == "succeeded"
    assert charge["settled"] - charge["created"] == pytest.approx(5, abs=0.5)


def test_the_clock_moves_by_itself_too(toy: Talk) -> None:
    toy.set(settles_after=0.05)
    create(toy)
    eventually(lambda: toy.charges()[0]["state"] == "succeeded")


def test_what_falls_due_on_a_clock_that_a_test_moves_has_happened_at_the_next_request(toy: Talk) -> None:
    create(toy)
    with time_machine.travel(time.time() + 600):
        assert toy.charges()[0]["state"] == "succeeded"


@pytest.mark.parametrize("seconds", [-1, "5", True, None])
def test_the_clock_moves_only_forward(toy: Talk, seconds: Any) -> None:
    answer = requests.post(f"{toy.base_url}/_sim/clock", json={"advance_seconds": seconds}, timeout=5)
    assert answer.status_code == 400


@pytest.mark.parametrize("knobs", [{"unknown": 1}, {"settles_after": "soon"}, {"callback_url": 5}])
def test_only_what_exists_can_be_set_and_only_to_its_kind(toy: Talk, knobs: dict[str, Any]) -> None:
    before = requests.get(f"{toy.base_url}/_sim/set", timeout=5).json()
    assert requests.post(f"{toy.base_url}/_sim/set", json=knobs, timeout=5).status_code == 400
    assert requests.get(f"{toy.base_url}/_sim/set", timeout=5).json() == before


# ---------------------------------------------------------------- callbacks


def settle(toy: Talk, *charge_ids: str) -> None:
    for charge_id in charge_ids:
        create(toy, charge_id)
    toy.advance(6)


def bodies(requests_: list[Request]) -> list[str]:
    return [request.body.decode() for request in requests_]


def test_a_callback_is_delivered_once_and_signed(toy: Talk, receiver: Receiver) -> None:
    settle(toy, "c1", "c2")
    received = receiver.wait(2)
    assert bodies(received) == ["c1", "c2"]
    assert {request.header("Toy-Signature") for request in received} == {"good"}
    eventually(lambda: [note["answered"] for note in toy.deliveries()] == [200, 200])


def test_a_callback_that_is_not_acknowledged_is_repeated_and_not_for_ever(toy: Talk, receiver: Receiver) -> None:
    receiver.statuses = [500, 503, 404]
    settle(toy, "c1")
    for count in (1, 2, 3):
        eventually(lambda count=count: len(toy.deliveries()) == count)  # type: ignore[misc]
        toy.advance(100)
    settle(toy, "c2")
    eventually(lambda: [note["answered"] for note in toy.deliveries()] == [500, 503, 404, 200])
    assert bodies(receiver.received) == ["c1", "c1", "c1", "c2"]


def test_a_callback_may_be_dropped(toy: Talk, receiver: Receiver) -> None:
    toy.next("drop_callback")
    settle(toy, "c1", "c2")
    assert bodies(receiver.wait(1)) == ["c2"]
    assert toy.deliveries()[0]["answered"] == "dropped"


def test_a_callback_may_come_twice(toy: Talk, receiver: Receiver) -> None:
    toy.next("double_callback")
    settle(toy, "c1")
    assert bodies(receiver.wait(2)) == ["c1", "c1"]


def test_a_callback_may_come_late(toy: Talk, receiver: Receiver) -> None:
    toy.next("late_callback", seconds=3600)
    settle(toy, "c1", "c2")
    assert bodies(receiver.wait(1)) == ["c2"]
    toy.advance(3590)
    assert len(receiver.received) == 1
    toy.advance(20)
    assert bodies(receiver.wait(2)) == ["c2", "c1"]


def test_a_callback_may_be_overtaken(toy: Talk, receiver: Receiver) -> None:
    toy.next("reorder")
    settle(toy, "c1", "c2")
    assert bodies(receiver.wait(2)) == ["c2", "c1"]


def test_a_callback_that_nothing_overtakes_comes_in_the_end(toy: Talk, receiver: Receiver) -> None:
    toy.next("reorder")
    settle(toy, "c1")
    toy.advance(31)
    assert bodies(receiver.wait(1)) == ["c1"]


def test_a_callback_may_be_signed_badly_or_not_at_all(toy: Talk, receiver: Receiver) -> None:
    toy.next("bad_signature")
    toy.next("unsigned")
    settle(toy, "c1", "c2", "c3")
    assert [request.header("Toy-Signature") for request in receiver.wait(3)] == ["bad", None, "good"]


def test_a_callback_may_come_before_its_call_is_answered(toy: Talk, receiver: Receiver) -> None:
    toy.next("early_callback")
    assert create(toy).status_code == 202
    assert bodies(receiver.received) == ["c1"]
    assert toy.charges()[0]["state"] == "succeeded"


def test_a_provider_may_have_orders_of_its_own(toy: Talk) -> None:
    toy.next("declined")
    settle(toy, "c1", "c2")
    assert [charge["status"] for charge in toy.charges()] == ["DECLINED", "PAID"]


def test_nobody_at_the_callback_address_breaks_nothing() -> None:
    with talk(Toy(callback_url="http://127.0.0.1:9/callbacks/acc_test")) as toy:
        settle(toy, "c1")
        eventually(lambda: [note["answered"] for note in toy.deliveries()] == ["ConnectionError"])


def test_stopping_ends_the_threads() -> None:
    before = set(threading.enumerate())
    with running(Toy()):
        started = set(threading.enumerate()) - before
    until = time.monotonic() + 5
    while any(thread.is_alive() for thread in started) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(thread.is_alive() for thread in started)
