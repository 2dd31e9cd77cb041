"""What the page collects: the amount, where the customer chooses it, who is paying, and the merchant's questions."""

from typing import Any

import pytest

from ikawaari.checkout import collected
from ikawaari.errors import ValidationFailed
from ikawaari.money import MAX_AMOUNT
from ikawaari.store.models import CheckoutSession
from tests import factories
from tests.factories import custom_field
from tests.world import World, fresh, intent, latest


def read(session: CheckoutSession, **fields: Any) -> collected.Collected:
    """What a payment with these fields brings."""
    return collected.read(factories.pay_request(**fields), session)


def problems(session: CheckoutSession, **fields: Any) -> set[str]:
    """The fields that are refused."""
    with pytest.raises(ValidationFailed) as refusal:
        read(session, **fields)
    assert refusal.value.code == "IKW-CHK-002"
    return set(refusal.value.details)


@pytest.mark.parametrize(
    ("bounds", "amount", "fine"),
    [
        ({}, 1, True),
        ({}, MAX_AMOUNT, True),
        ({}, 0, False),
        ({}, -5, False),
        ({}, MAX_AMOUNT + 1, False),
        ({}, None, False),
        ({"amount_min": 100}, 99, False),
        ({"amount_min": 100}, 100, True),
        ({"amount_max": 100}, 100, True),
        ({"amount_max": 100}, 101, False),
        ({"amount_min": 5, "amount_max": 9, "amount_presets": [6]}, 7, True),
    ],
)
def test_a_chosen_amount_stays_in_its_bounds(world: World, bounds: Any, amount: int | None, fine: bool) -> None:
    session = world.session(amount=None, **bounds)
    if fine:
        assert read(session, amount=amount).money.amount == amount
    else:
        assert problems(session, amount=amount) == {"amount"}


@pytest.mark.parametrize(("amount", "fine"), [(None, True), (5_000, True), (4_999, False), (5_001, False), (0, False)])
def test_a_fixed_amount_cannot_be_changed(world: World, amount: int | None, fine: bool) -> None:
    session = world.session()
    if fine:
        assert read(session, amount=amount).money.amount == 5_000
    else:
        assert problems(session, amount=amount) == {"amount"}


def test_a_customer_may_choose_another_amount_after_a_failed_try(world: World) -> None:
    session = world.session(amount=None)
    world.pay(session, "001", amount=1_000)
    world.wait(6)
    world.pay(session, amount=2_000)
    world.wait(6)
    assert (intent(session).amount, intent(session).amount_received, latest(session).amount) == (2_000, 2_000, 2_000)


TYPES: tuple[tuple[str, dict[str, str], list[str]], ...] = (
    ("text", {"x": "x", "é😀": "é😀", "<b>": "<b>", "a" * 500: "a" * 500}, ["x" * 501, "a\x00", "a\ud800", "\x1b[1m"]),
    (
        "number",
        {
            "1": "1",
            "-1.5": "-1.5",
            "1,5": "1.5",
            "0": "0",
            "1 000": "1000",
            "1\u202f000,50": "1000.5",
            "1.000,50": "1000.5",
        },
        ["x", "1.2.3", "NaN", "Infinity", "--1", "1_000", "1e5", "٥٠٠", "5.0000", "1" * 31],
    ),
    (
        "date",
        {"2025-06-02": "2025-06-02", "2024-02-29": "2024-02-29"},
        ["2025-02-29", "02/06/2025", "20250602", "2025-6-2", "2025-W01-1", "٢٠٢٥-٠٦-٠٢"],
    ),
    ("dropdown", {"s": "s", "l": "l"}, ["S", "x", "sm"]),
)


@pytest.mark.parametrize(("type_", "good", "bad"), TYPES, ids=[type_ for type_, _, _ in TYPES])
def test_each_type_of_question_takes_its_own_answers(
    world: World, type_: str, good: dict[str, str], bad: list[str]
) -> None:
    session = world.session(custom_fields=[custom_field("q", type_)])
    for answer, kept in good.items():
        assert read(session, custom_fields={"q": f" {answer}\u200b "}).custom_field_values == {"q": kept}
    for answer in bad:
        assert problems(session, custom_fields={"q": answer}) == {"custom_fields.q"}


def test_an_option_is_known_whatever_its_blanks_and_kept_as_its_merchant_spells_it(world: World) -> None:
    options = [{"label": "Rouge", "value": " rouge  vif\n"}, {"label": "Bleu", "value": "bleu"}]
    session = world.session(custom_fields=[custom_field("q", "dropdown", options=options)])
    for answer in (" rouge  vif\n", "rouge vif", "rouge  vif\r\n"):
        assert read(session, custom_fields={"q": answer}).custom_field_values == {"q": " rouge  vif\n"}


CARD = "4242 4242 4242 4242"


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"customer": {"name": CARD}}, "customer.name"),
        ({"customer": {"address": f"Dakar {CARD}"}}, "customer.address"),
        ({"customer": {"email": "4242424242424242@b.sn"}}, "customer.email"),
        ({"custom_fields": {"q": "4242/4242/4242/4242"}}, "custom_fields.q"),
        ({"custom_fields": {CARD: "1"}}, "custom_fields"),
        ({"customer": {CARD: "1"}}, "customer"),
    ],
)
def test_a_card_number_is_no_answer(world: World, fields: dict[str, Any], at: str) -> None:
    session = world.session(custom_fields=[custom_field("q")])
    with pytest.raises(ValidationFailed) as refusal:
        read(session, **fields)
    assert set(refusal.value.details) == {at}
    assert "4242" not in str(refusal.value.details)
    assert (refusal.value.code == "IKW-CHK-004") == (at not in ("customer", "custom_fields"))


@pytest.mark.parametrize("answers", [{}, {"q": ""}, {"q": "  \t"}])
def test_a_required_question_must_be_answered(world: World, answers: dict[str, str]) -> None:
    session = world.session(custom_fields=[custom_field("q", required=True)])
    assert problems(session, custom_fields=answers) == {"custom_fields.q"}


@pytest.mark.parametrize("type_", ["text", "number", "date", "dropdown"])
def test_another_question_may_be_left_out(world: World, type_: str) -> None:
    session = world.session(custom_fields=[custom_field("q", type_)])
    assert read(session, custom_fields={"q": ""}).custom_field_values == {}


def test_a_question_that_nobody_asked_is_refused(world: World) -> None:
    assert problems(world.session(), custom_fields={"z": "1"}) == {"custom_fields.z"}


def test_answers_are_kept_between_tries(world: World) -> None:
    fields = [custom_field("a", required=True), custom_field("b")]
    session = world.session(custom_fields=fields)
    customer = {"name": "Awa", "email": "awa@example.com"}
    world.pay(session, "001", custom_fields={"a": "1", "b": "2"}, customer=customer)
    world.wait(6)
    world.pay(session, custom_fields={"b": "3"}, customer={"name": "Awa Diop"})
    stored = fresh(session)
    assert stored.custom_field_values == {"a": "1", "b": "3"}
    assert stored.customer_details == {"name": "Awa Diop", "email": "awa@example.com"}


def test_answers_of_a_refused_request_are_not_kept(world: World) -> None:
    session = world.session(custom_fields=[custom_field("a")])
    with pytest.raises(ValidationFailed):
        world.pay(session, custom_fields={"a": "1"}, customer={"email": "x"})
    assert fresh(session).custom_field_values == {}


@pytest.mark.parametrize("email", ["awa@example.com", "a+b@sous.domaine.sn", "é@exemple.sn"])
def test_an_email_address_is_taken(world: World, email: str) -> None:
    assert read(world.session(), customer={"email": f" {email} "}).customer_details["email"] == email


@pytest.mark.parametrize(
    "email", ["x", "@example.com", "a@b", "a b@example.com", "a@@example.com", "a" * 320 + "@b.sn"]
)
def test_another_text_is_no_email_address(world: World, email: str) -> None:
    assert problems(world.session(), customer={"email": email}) == {"customer.email"}


def test_a_contact_number_is_kept_in_one_form(world: World) -> None:
    details = read(world.session(), customer={"phone": "77 123 45 67"}).customer_details
    assert details["phone"] == "+221771234567"


def test_every_bad_field_is_named_at_once(world: World) -> None:
    session = world.session(amount=None, custom_fields=[custom_field("q", "date", required=True)])
    customer = {"phone": "12", "email": "x", "name": "n" * 501, "age": "7"}
    assert problems(session, customer=customer, custom_fields={"z": "1"}) == {
        "amount",
        "custom_fields.q",
        "custom_fields.z",
        "customer.phone",
        "customer.email",
        "customer.name",
        "customer.age",
    }
