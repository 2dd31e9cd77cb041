"""Due work: every row is done by one worker at a time, and survives the death of all of them."""

from datetime import datetime, timedelta

import pytest

from ikawaari import store
from ikawaari.store import due
from ikawaari.store.models import DueWork
from tests import statements
from tests.world import Trouble, halfway, together

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.on_both]
LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
KINDS = frozenset({"k", "l"})


def claim(now: datetime, most: int = 100) -> list[str]:
    """The subjects of what a worker gets."""
    return [work.subject for work in due.claim(now, kinds=KINDS, most=most, lease=LEASE)]


def test_work_is_given_when_it_is_due_and_not_before(now: datetime) -> None:
    due.schedule("k", "a", now)
    assert claim(now - SECOND) == []
    assert claim(now) == ["a"]


def test_work_that_somebody_holds_is_not_given_again_until_its_lease_ends(now: datetime) -> None:
    due.schedule("k", "a", now)
    assert claim(now) == ["a"]
    assert claim(now + LEASE - SECOND) == []
    assert claim(now + LEASE) == ["a"]


def test_the_oldest_comes_first(now: datetime) -> None:
    for number in (3, 1, 2):
        due.schedule("k", str(number), now + number * SECOND)
    assert [claim(now + 9 * SECOND, most=1) for _ in range(4)] == [["1"], ["2"], ["3"], []]


def test_eight_workers_at_once_get_each_row_once(now: datetime) -> None:
    for number in range(40):
        due.schedule("k", str(number), now)
    results = together(8, lambda _: [*claim(now, most=7), *claim(now, most=7)])
    assert not [result for result in results if isinstance(result, Exception)], results
    got = [subject for result in results if isinstance(result, list) for subject in result]
    assert sorted(got) == sorted(map(str, range(40)))


def test_finished_work_is_gone(now: datetime) -> None:
    due.schedule("k", "a", now)
    (work,) = due.claim(now, kinds=KINDS, most=1, lease=LEASE)
    assert due.finish(work, now)
    assert not DueWork.select().exists()


def test_postponed_work_comes_again_at_its_new_time(now: datetime) -> None:
    due.schedule("k", "a", now)
    (work,) = due.claim(now, kinds=KINDS, most=1, lease=LEASE)
    assert due.postpone(work, now + 5 * SECOND)
    assert claim(now + 4 * SECOND) == []
    assert claim(now + 5 * SECOND) == ["a"]


@pytest.mark.parametrize("verb", ["finish", "postpone"])
def test_a_worker_that_lost_its_lease_cannot_conclude(now: datetime, verb: str) -> None:
    due.schedule("k", "a", now)
    (slow,) = due.claim(now, kinds=KINDS, most=1, lease=LEASE)
    (quick,) = due.claim(now + LEASE, kinds=KINDS, most=1, lease=LEASE)
    assert not (due.finish(slow, now) if verb == "finish" else due.postpone(slow, now))
    assert claim(now + LEASE) == []
    assert due.finish(quick, now)


def test_what_is_scheduled_while_somebody_works_on_it_comes_again(now: datetime) -> None:
    due.schedule("k", "a", now)
    (work,) = due.claim(now, kinds=KINDS, most=1, lease=LEASE)
    due.schedule("k", "a", now + SECOND)
    assert not due.finish(work, now)
    assert claim(now + SECOND) == ["a"]


def test_scheduling_again_moves_the_one_row(now: datetime) -> None:
    due.schedule("k", "a", now)
    due.schedule("k", "a", now + 5 * SECOND)
    assert DueWork.select().count() == 1
    assert claim(now + 4 * SECOND) == []


def test_scheduling_once_leaves_a_standing_row_alone(now: datetime) -> None:
    due.schedule("k", "a", now)
    due.schedule_once("k", "a", now + 5 * SECOND)
    assert claim(now) == ["a"]


def test_work_is_known_by_its_kind_and_subject(now: datetime) -> None:
    for kind, subject in (("k", "a"), ("k", "b"), ("l", "a")):
        due.schedule(kind, subject, now)
    assert DueWork.select().count() == 3


def test_the_same_work_scheduled_by_many_at_once_is_one_row(now: datetime) -> None:
    assert together(8, lambda _: due.schedule("k", "a", now)) == [None] * 8
    assert DueWork.select().count() == 1


def test_work_belongs_to_the_transaction_of_its_cause(now: datetime) -> None:
    with pytest.raises(Trouble):
        halfway(lambda: due.schedule("k", "a", now))
    assert claim(now) == []


def test_a_worker_gets_work_of_its_kinds_alone(now: datetime) -> None:
    due.schedule("k", "a", now)
    due.schedule("l", "b", now)
    assert [work.subject for work in due.claim(now, kinds={"l"}, most=9, lease=LEASE)] == ["b"]


def test_a_touch_makes_the_row_and_brings_a_later_one_forward_and_never_back(now: datetime) -> None:
    due.touch("k", "a", now + 5 * SECOND)
    due.touch("k", "a", now)
    due.touch("k", "a", now + 9 * SECOND)
    assert claim(now) == ["a"]


@pytest.mark.parametrize("verb", ["finish", "postpone"])
def test_news_during_the_work_make_it_due_at_once_whatever_its_holder_concludes(now: datetime, verb: str) -> None:
    due.schedule("k", "a", now)
    (work,) = due.claim(now, kinds=KINDS, most=1, lease=LEASE)
    due.touch("k", "a", now)
    assert claim(now) == [], "its holder keeps it"
    assert due.finish(work, now) if verb == "finish" else due.postpone(work, now + timedelta(days=1))
    assert claim(now) == ["a"]


def test_a_touch_is_never_lost_to_a_worker_that_finishes(now: datetime) -> None:
    for round_ in range(15):
        due.touch("k", str(round_), now)
        (work,) = due.claim(now, kinds=KINDS, most=1, lease=LEASE)

        def step(number: int, work: DueWork = work) -> None:
            due.touch("k", work.subject, now) if number else due.finish(work, now)

        results = together(2, step)
        assert not [result for result in results if isinstance(result, Exception)], results
        (again,) = due.claim(now, kinds=KINDS, most=9, lease=LEASE)
        assert again.subject == str(round_)
        due.finish(again, now)


def test_transactions_that_touch_the_same_rows_in_opposite_order_do_not_wait_for_each_other(now: datetime) -> None:
    def tell(number: int) -> None:
        for _ in range(10):
            with store.atomic():
                for subject in ("a", "b") if number % 2 else ("b", "a"):
                    due.touch("k", subject, now)

    assert together(4, tell) == [None] * 4
    assert DueWork.select().count() == 2


def test_a_touch_belongs_to_the_transaction_of_its_cause(now: datetime) -> None:
    with pytest.raises(Trouble):
        halfway(lambda: due.touch("k", "a", now))
    with store.atomic():
        pass
    assert claim(now) == []


def test_lanes_are_told_apart_and_the_longest_waiting_comes_first(now: datetime) -> None:
    due.schedule("k", "1", now - 2 * SECOND, lane="b")
    due.schedule("k", "2", now - 5 * SECOND, lane="a")
    due.schedule("l", "3", now - 3 * SECOND, lane="a")
    due.schedule("k", "4", now, lane="a")
    due.schedule("k", "5", now + SECOND, lane="c")
    due.schedule("m", "6", now - 9 * SECOND)
    assert due.waiting(now, KINDS) == [("a", "k"), ("a", "l"), ("b", "k")]
    (work,) = due.claim(now, kinds={"k"}, most=1, lease=LEASE, lane="b")
    assert (work.subject, due.waiting(now, KINDS)) == ("1", [("a", "k"), ("a", "l")])
    of_a = due.claim(now, kinds=KINDS, most=9, lease=LEASE, lane="a")
    assert sorted(one.subject for one in of_a) == ["2", "3", "4"]
    assert due.waiting(now, KINDS) == []


def test_scheduling_again_without_a_lane_keeps_the_row_in_its_lane(now: datetime) -> None:
    due.schedule("k", "1", now, lane="a")
    due.schedule("k", "1", now)
    due.touch("k", "1", now)
    assert due.waiting(now, KINDS) == [("a", "k")]
    due.schedule("k", "1", now, lane="b")
    assert due.waiting(now, KINDS) == [("b", "k")]


def test_the_rows_of_a_transaction_are_written_together_each_at_its_soonest_and_in_its_lane(now: datetime) -> None:
    due.schedule("k", "known", now + 9 * SECOND)
    with store.atomic(), statements.sent() as sent:
        due.touch("k", "known", now)
        due.schedule_new("k", "new", now + 2 * SECOND, lane="a")
        due.touch("k", "new", now + SECOND)
        due.touch("k", "known", now + 5 * SECOND)
        assert sent == []
        store.database.flush()
    assert len(sent) == 1
    rows = {work.subject: (work.due_at, work.lane, work.touched) for work in DueWork.select()}
    assert rows == {"known": (now, "", 1), "new": (now + SECOND, "a", 0)}
