"""No walk towards newer rows passes over one that commits late; whoever creates and lists at once finds his row."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

import ikawaari
from ikawaari import clock, store
from ikawaari.checkout import intents, links, sessions
from ikawaari.checkout.intents import NewIntent
from ikawaari.config import Config
from ikawaari.events import events, history
from ikawaari.merchant_api.paging import LAST_INSTANT
from ikawaari.paging import PageRequest
from ikawaari.store import commit_order
from ikawaari.store.database import database
from ikawaari.store.models import CheckoutSession, Event, Merchant, PaymentIntent, PaymentLink
from tests import factories, world
from tests.world import release

pytestmark = pytest.mark.on_both

SECONDS = float(os.environ.get("IKAWAARI_COMMIT_ORDER_SECONDS", "3"))  # CONTRIBUTING: a minute for the figures
Page = Mapping[str, Any]
List = Callable[[Merchant, PageRequest], Page]

LISTS: Mapping[str, List] = {
    "sessions": lambda merchant, place: sessions.listed(factories.owner(merchant), place),
    "events": lambda merchant, place: history.listed(factories.owner(merchant), place),
    "intents": lambda merchant, place: intents.listed(factories.owner(merchant), place),
    "links": lambda merchant, place: links.listed(2, factories.owner(merchant), place, now=clock.now()),
}


def event(merchant: Merchant, now: datetime) -> str:
    """An event about nothing."""
    with store.atomic():
        data = {"id": "o"}
        return events.write("payment_intent.created", data, factories.owner(merchant), now).id


MAKERS: Mapping[str, Callable[[Merchant, datetime], str]] = {
    "sessions": lambda merchant, now: factories.session(merchant, now=now).id,
    "events": event,
    "intents": lambda merchant, now: (
        intents.create(factories.owner(merchant), NewIntent(amount=5, currency="XOF"), now).id
    ),
    "links": lambda merchant, now: factories.link(merchant, now=now).id,
}


@pytest.fixture(params=LISTS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each list that a consumer may follow."""
    return str(request.param)


@pytest.fixture
def merchant(config: Config) -> Iterator[Merchant]:
    """A merchant of a connected house."""
    ikawaari.start(config)
    yield factories.merchant()
    world.close()


@contextmanager
def still_writing(write: Callable[[], object]) -> Iterator[None]:
    """While the block runs, a transaction of another thread has written and is not committed."""
    written, commit = threading.Event(), threading.Event()

    def run() -> None:
        with store.atomic():
            write()
            store.flush()  # a new row may wait for the next statement
            written.set()
            assert commit.wait(20)
        release()

    thread = threading.Thread(target=run)
    thread.start()
    assert written.wait(20)
    try:
        yield
    finally:
        commit.set()
        thread.join()


def newer(kind: str, merchant: Merchant, than: str) -> list[str]:
    """The ids that the walk towards newer rows gives, newest first."""
    return [row["id"] for row in LISTS[kind](merchant, PageRequest(ending_before=than))["data"]]


def first_page(kind: str, merchant: Merchant) -> list[str]:
    """The ids of the first page."""
    return [row["id"] for row in LISTS[kind](merchant, PageRequest())["data"]]


def test_a_row_that_says_it_was_made_earlier_is_still_newer_than_what_was_there(kind: str, merchant: Merchant) -> None:
    now = clock.now()
    known = MAKERS[kind](merchant, now)
    late = MAKERS[kind](merchant, now - timedelta(seconds=20))
    assert newer(kind, merchant, known) == [late]
    assert first_page(kind, merchant) == [late, known]
    assert newer(kind, merchant, late) == []


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_walk_stops_before_whoever_still_writes(kind: str, merchant: Merchant) -> None:
    now, made = clock.now(), []
    known = MAKERS[kind](merchant, now)
    with still_writing(lambda: made.append(MAKERS[kind](merchant, now))):
        quick = MAKERS[kind](merchant, now)
        assert newer(kind, merchant, known) == [], "the quick one waits for the slow one"
        assert first_page(kind, merchant) == [quick, known], "who creates and lists at once finds his row"
        assert LISTS[kind](merchant, PageRequest(starting_after=quick))["data"][0]["id"] == known
    assert newer(kind, merchant, known) == [quick, made[0]]


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_first_page_waits_a_moment_for_whoever_still_writes(
    kind: str, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So its newest id is a place from which nothing is passed over."""
    monkeypatch.setattr(commit_order, "_PATIENCE_SECONDS", 20)
    now, made = clock.now(), []
    began = threading.Event()

    def slow() -> None:
        made.append(MAKERS[kind](merchant, now))
        store.flush()  # a new row may wait for the next statement
        began.set()
        time.sleep(0.1)

    def write() -> None:
        with store.atomic():
            slow()
        release()

    thread = threading.Thread(target=write)
    thread.start()
    assert began.wait(20)
    quick = MAKERS[kind](merchant, now)
    page = first_page(kind, merchant)
    thread.join()
    assert set(page) == {quick, made[0]}


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_range_that_is_sent_again_says_that_there_is_more_while_somebody_still_writes(merchant: Merchant) -> None:
    now, made = clock.now(), []
    event(merchant, now)
    with still_writing(lambda: made.append(event(merchant, now))):
        event(merchant, now)
        first = history.redeliver_range(factories.owner(merchant), now, created_gte=0, created_lte=LAST_INSTANT)
        assert (first["events"], first["has_more"]) == (1, True)
    rest = history.redeliver_range(
        factories.owner(merchant), now, created_gte=0, created_lte=LAST_INSTANT, cursor=first["next_cursor"]
    )
    assert (rest["events"], rest["has_more"], rest["next_cursor"]) == (2, False, None)


def test_a_transaction_lists_what_it_wrote_without_waiting_for_itself(kind: str, merchant: Merchant) -> None:
    with store.atomic():
        mine = MAKERS[kind](merchant, clock.now())
        assert first_page(kind, merchant) == [mine]


def test_rows_of_before_keep_their_order_and_stay_places_in_it(merchant: Merchant) -> None:
    """Rows that an older version wrote have no number: they are ordered as they were."""
    made = [factories.session(merchant).id for _ in range(4)]
    CheckoutSession.update(commit_order=0).where(CheckoutSession.id.in_(made[:3])).execute()
    assert first_page("sessions", merchant) == made[::-1]
    assert newer("sessions", merchant, made[1]) == [made[3], made[2]]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("deleted", [[0, 1, 2], [1, 3], [4], [0, 4]])
def test_a_row_stays_the_newest_after_others_were_deleted_and_sqlite_was_vacuumed(
    merchant: Merchant, deleted: list[int]
) -> None:
    """VACUUM numbers the rows of a table anew, below the places that the list has given."""
    made = [factories.link(merchant).id for _ in range(5)]
    PaymentLink.delete().where(PaymentLink.id.in_([made[each] for each in deleted])).execute()
    database.execute_sql("VACUUM")
    left = [each for number, each in enumerate(made) if number not in deleted]
    for _ in range(3):
        left.append(factories.link(merchant).id)
        assert first_page("links", merchant) == left[::-1]
    assert newer("links", merchant, left[0]) == left[:0:-1]


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_restored_database_is_numbered_anew_when_it_is_migrated(merchant: Merchant) -> None:
    """Another server counts its transactions from another number."""
    made = [factories.session(merchant).id for _ in range(2)]
    CheckoutSession.update(commit_order=CheckoutSession.commit_order + 10**12).execute()
    assert newer("sessions", merchant, made[0]) == []
    store.migrate()
    assert newer("sessions", merchant, made[0]) == [made[1]]
    third = factories.session(merchant).id
    assert newer("sessions", merchant, made[0]) == [third, made[1]]


def test_every_list_has_its_rows_numbered_by_the_store(merchant: Merchant) -> None:
    for model in commit_order._models:
        assert isinstance(model.commit_order, commit_order.CommitOrderField)
    names = {model.__name__ for model in commit_order._models}
    assert names == {
        "CheckoutSession",
        "PaymentIntent",
        "PaymentLink",
        "Refund",
        "Subscription",
        "Customer",
        "Event",
        "WebhookDelivery",
    }


# ---------------------------------------------------------------- many writers


def _write(config: Config, merchant_id: str, until: float, told: Any) -> None:
    """One process with three writers."""
    ikawaari.start(config)

    def one(made: list[str]) -> None:
        while time.time() < until:
            made.append(factories.session(Merchant.get_by_id(merchant_id)).id)
        release()

    lists: list[list[str]] = [[] for _ in range(3)]
    threads = [threading.Thread(target=one, args=(made,)) for made in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.close()
    told.put([id_ for made in lists for id_ in made])


class Follower:
    """A consumer that asks for what is newer than the newest it knows, as an integrator would."""

    def __init__(self, kind: str, merchant: Merchant) -> None:
        self.kind, self.merchant, self.newest, self.seen = kind, merchant, "", list[str]()

    def poll(self) -> None:
        """Read on to the end."""
        while True:
            page = LISTS[self.kind](self.merchant, PageRequest(limit=100, ending_before=self.newest or None))
            ids = [row["id"] for row in page["data"]]
            self.seen += ids
            self.newest = ids[0] if ids else self.newest
            if not (ids and page["has_more"]) or not self.newest:
                return


def test_six_writers_in_two_processes_lose_nothing_before_a_consumer_that_polls(
    merchant: Merchant, config: Config
) -> None:
    made = [factories.session(merchant).id]
    followers = [Follower(kind, merchant) for kind in ("sessions", "events", "intents")]
    for follower in followers:  # who begins later, at the top of a list, does not ask for what is below its first page
        follower.poll()
    context = multiprocessing.get_context("fork")
    told, until = context.Queue(), time.time() + SECONDS
    world.close()
    writers = [context.Process(target=_write, args=(config, merchant.id, until, told)) for _ in range(2)]
    for writer in writers:
        writer.start()
    ikawaari.start(config)
    while time.time() < until + 0.5:
        for follower in followers:
            follower.poll()
        time.sleep(0.02)
    made += [id_ for _ in writers for id_ in told.get(timeout=60)]
    for writer in writers:
        writer.join()
    for follower in followers:
        follower.poll()
    stored = [{row.id for row in model.select()} for model in (CheckoutSession, Event, PaymentIntent)]
    assert set(made) == stored[0]
    assert len(made) > 10
    missed = [len(ids - set(follower.seen)) for follower, ids in zip(followers, stored, strict=True)]
    print(f"made {[len(ids) for ids in stored]}, missed {missed}")
    assert missed == [0, 0, 0]
    assert all(len(follower.seen) == len(set(follower.seen)) for follower in followers)
