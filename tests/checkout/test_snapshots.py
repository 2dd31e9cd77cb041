"""What is shown of a session is read by one statement, and is what stands in its tables."""

import pytest

from ikawaari.checkout import snapshots
from ikawaari.invariants import InvariantBroken
from ikawaari.store.models import Merchant, PaymentAttempt, PaymentIntent, PaymentLink
from tests import factories, statements
from tests.world import World, fresh, intent, tries


def test_a_snapshot_holds_the_rows_as_they_are_stored(world: World) -> None:
    link = factories.link(world.merchant, amount=700, metadata={"a": [1, None]})
    session = world.session(payment_link_v2_id=link.id, amount=None)
    world.pay(session, "001")
    world.wait(6)
    world.pay(session, "001")
    shown = snapshots.of(fresh(session))
    assert len(shown.attempts) == 2
    stored = (Merchant.get_by_id(world.merchant.id), intent(session), PaymentLink.get_by_id(link.id), *tries(session))
    for row, expected in zip((shown.merchant, shown.intent, shown.link, *shown.attempts), stored, strict=True):
        assert row is not None
        assert row.__data__ == {name: expected.__data__[name] for name in row.__data__}
    assert (shown.subscription, shown.invoice) == (None, None)


def test_a_column_that_a_snapshot_leaves_out_is_a_mistake_and_not_none(world: World) -> None:
    session = world.session()
    world.pay(session, "001")
    (shown,) = snapshots.of(fresh(session)).attempts
    for name in ("card_token", "intent", "intent_id"):
        with pytest.raises(InvariantBroken, match="was not read"):
            getattr(shown, name)
    assert shown.operator == "orange_sn"


def test_sessions_are_read_in_the_order_in_which_they_are_asked_for(world: World) -> None:
    rows = [world.session(amount=amount) for amount in (100, 200, 300)]
    world.pay(rows[1], "001")
    with statements.sent() as sent:
        shown = snapshots.of_all([rows[2], rows[0], rows[1]])
    assert len(sent) == 1
    assert [each.session.amount for each in shown] == [300, 100, 200]
    assert [len(each.attempts) for each in shown] == [0, 0, 1]
    assert snapshots.find("cs_nobodys") is None


def test_an_intent_without_a_session_has_no_language_of_its_own(world: World) -> None:
    of_session = intent(world.session(locale="fr"))
    alone = PaymentIntent.create(**{**of_session.__data__, "id": "pi_alone", "session": None, "commit_order": 0})
    assert [shown.locale for shown in snapshots.of_intents([alone, of_session])] == [None, "fr"]
    assert not PaymentAttempt.select().exists()
