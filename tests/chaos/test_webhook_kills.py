"""`kill -9` again and again while webhooks go out to a moody server: every event arrives, in order, with its bytes."""

import itertools
import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

import requests

from ikawaari import clock, store
from ikawaari.events import delivery
from ikawaari.store.models import DueWork, Event, WebhookDelivery, WebhookEndpoint
from tests.chaos import shop as shops
from tests.chaos.shop import Shop, card, pay, wait_until
from tests.events.receiver import Heard, Receiver, listening
from tests.serving import Served, serve, work

KILLS = 5
PATIENCE_SECONDS = 4  # with a worker that has not begun to deliver


def test_webhooks_survive_kills_of_workers_and_of_the_server(shop: Shop, database_url: str) -> None:
    with listening() as receiver, serve(shops.environment(database_url), 1, 4, "--no-worker") as served:
        moody(receiver)
        made = listen(shop, served, receiver)
        started = time.monotonic()
        with customers(shop, served):
            for number in range(KILLS):
                deliver_until_killed(served, receiver)
                if number == KILLS // 2:
                    served.kill()
                    served.launch()
        receiver.answer = lambda *_: 200
        with work(served):
            wait_until(lambda: is_delivered(made), "everything is delivered")
        check(receiver)
        print(
            f"{KILLS} workers and 1 server killed, {len(set(receiver.ids))} events of "
            f"{len({heard.object_id for heard in receiver.heard})} objects, {len(receiver.heard)} arrivals, "
            f"{time.monotonic() - started:.1f} s"
        )
        assert len(set(receiver.ids)) >= 10
        assert len(receiver.heard) > len(set(receiver.ids))
        assert "Traceback" not in served.log_text(), served.log_text()[-3000:]


def listen(shop: Shop, served: Served, receiver: Receiver) -> WebhookEndpoint:
    """Have everything told there."""
    body = {"url": receiver.url, "enabled_events": ["*"]}
    answer = requests.post(f"{served.url}/api/v1/webhook-endpoints", json=body, headers=shop.headers, timeout=30)
    assert answer.status_code == 201, answer.text
    return WebhookEndpoint.get_by_id(answer.json()["id"])


def deliver_until_killed(served: Served, receiver: Receiver) -> None:
    """Have a worker deliver a little, and kill its whole group in the middle."""
    before, ends = len(receiver.heard), time.monotonic() + PATIENCE_SECONDS
    with work(served) as worker:
        while len(receiver.heard) < before + 5 and time.monotonic() < ends:
            time.sleep(0.02)
        make_due(leases_too=False)
        time.sleep(random.uniform(0, 0.3))
        os.killpg(worker.pid, signal.SIGKILL)
    make_due(leases_too=True)


def moody(receiver: Receiver) -> None:
    """It takes the one, refuses the next, and thinks long about the third."""
    turns = itertools.cycle((200, 500, 0))

    def answer(_heard: Heard, _handler: BaseHTTPRequestHandler) -> int:
        mood = next(turns)
        if not mood:
            time.sleep(0.3)
        return mood or 200

    receiver.answer = answer


@contextmanager
def customers(shop: Shop, served: Served) -> Iterator[None]:
    """People who pay for as long as the block lasts, and try again when nobody answers."""
    over = threading.Event()

    def buy() -> None:
        while not over.is_set():
            with suppress(requests.RequestException, AssertionError):
                pay(served, shop.opened(served), card())
            over.wait(0.4)

    threads = [threading.Thread(target=buy) for _ in range(1)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def make_due(*, leases_too: bool) -> None:
    """Let the time of every retry come, and of every dead worker's lease."""
    now = clock.now()
    with store.atomic():
        pending = WebhookDelivery.status == "pending"
        WebhookDelivery.update(next_try_at=now, tries=0).where(pending).execute()
        free = {"due_at": now} | ({"leased_until": None} if leases_too else {})
        DueWork.update(**free).where(DueWork.kind == delivery.DELIVER).execute()


def is_delivered(made: WebhookEndpoint) -> bool:
    """Whether nothing waits any more; what does is due now."""
    assert WebhookEndpoint.get_by_id(made.id).failing_since is None
    if not WebhookDelivery.select().where(WebhookDelivery.status != "succeeded").exists():
        return True
    make_due(leases_too=True)
    time.sleep(0.3)
    return False


def check(receiver: Receiver) -> None:
    """Every event that is stored arrived and no other; always the same bytes; first arrivals are in order."""
    stored = {event.id: event for event in Event.select()}
    assert set(receiver.ids) == set(stored)
    assert all(heard.body == stored[heard.event["id"]].body.encode() for heard in receiver.heard)
    arrivals: dict[str, list[int]] = defaultdict(list)
    for event_id in dict.fromkeys(receiver.ids):
        arrivals[stored[event_id].object_id].append(stored[event_id].sequence)
    assert all(sequences == sorted(sequences) for sequences in arrivals.values()), arrivals
