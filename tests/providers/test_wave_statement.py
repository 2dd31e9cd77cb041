"""Wave's statement: what moved in the wallet, as the payers paid it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.channel import Channel
from ikawaari.providers.statements import Kind, Line, NoStatement
from ikawaari.providers.wave import Wave
from tests.providers.scripted import Written, scripted
from tests.providers.wave_account import NOW, account

DAY = datetime(2026, 11, 25, tzinfo=UTC)
ITEM: dict[str, Any] = {
    "timestamp": "2026-11-25T10:00:00Z",
    "transaction_id": "T_1",
    "transaction_type": "api_checkout",
    "amount": "3366",
    "fee": "34",
    "currency": "XOF",
    "is_reversal": False,
    "client_reference": "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11",
    "checkout_api_session_id": "cos-1",
}
NOTHING: Written = (200, {"page_info": {"end_cursor": None, "has_next_page": False}, "items": []})


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def provider(config: Config) -> Wave:
    return Wave(config)


def page(*items: dict[str, Any], after: str | None = None) -> Written:
    """A page of a day."""
    return 200, {"page_info": {"end_cursor": after, "has_next_page": after is not None}, "items": list(items)}


def listed(provider: Wave, *answers: Written) -> tuple[list[Line], list[str]]:
    """The lines of 25 November, between what Wave says of the days around it; and what was asked."""
    with scripted(*answers) as peer:
        channel = Channel(provider, account(peer.base_url))
        return list(channel.statement(DAY, DAY + timedelta(days=1), NOW)), [one.target for one in peer.asked]


def test_a_payment_is_what_the_payer_paid_and_a_refund_returns_the_fee_too(provider: Wave) -> None:
    back = ITEM | {"transaction_id": "T_2", "amount": "-3366", "fee": "-34", "is_reversal": True}
    lines, asked = listed(provider, NOTHING, page(ITEM, after="c/1"), page(back), NOTHING, NOTHING)
    payment, refund = lines
    assert (payment.kind, payment.id, payment.own_id) == (Kind.PAYMENT, "cos-1", ITEM["client_reference"])
    assert (payment.money, payment.fee, payment.fee_currency) == (Money(3_400, "XOF"), 34, "XOF")
    assert (refund.kind, refund.id, refund.charge_id) == (Kind.REFUND, "T_2", "cos-1")
    assert (refund.money, refund.fee, refund.own_id) == (Money(3_400, "XOF"), -34, None)
    days = [f"/v1/transactions?date=2026-11-{day}" for day in (24, 25, 26, 27)]
    assert asked == [*days[:2], f"{days[1]}&after=c%2F1", *days[2:]]


def test_what_is_of_another_day_or_not_of_the_checkout_is_left_out(provider: Wave) -> None:
    early = ITEM | {"timestamp": "2026-11-24T23:59:59Z"}
    first, late = ITEM | {"timestamp": "2026-11-25T00:00:00Z"}, ITEM | {"timestamp": "2026-11-26T00:00:00Z"}
    payout = {name: value for name, value in ITEM.items() if name != "checkout_api_session_id"}
    lines, _ = listed(provider, page(early, first), page(payout), page(late), NOTHING)
    assert [line.at for line in lines] == [DAY]


@pytest.mark.parametrize(
    "odd",
    [{"amount": 3366}, {"amount": "33.5"}, {"fee": None}, {"currency": "???"}, {"timestamp": "2026-11-25T10:00:00"},
     {"transaction_id": None}, {"amount": "0"}, {"amount": str(2**63 - 1)}, {"fee": "9" * 5_000}],
)  # fmt: skip
def test_a_transaction_that_cannot_be_read_is_no_statement(provider: Wave, odd: dict[str, Any]) -> None:
    with pytest.raises(NoStatement):
        listed(provider, NOTHING, page(ITEM | odd), NOTHING, NOTHING)


@pytest.mark.parametrize("answer", [(500, {}), (200, {"items": []}), (200, {"items": {}}), (401, {"code": "x"})])
def test_a_page_that_is_missing_is_no_statement(provider: Wave, answer: Written) -> None:
    with pytest.raises(NoStatement):
        listed(provider, NOTHING, page(ITEM, after="1"), answer)
