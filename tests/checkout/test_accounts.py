"""Provider accounts: whose they are, who sees them and when, and in which order they are asked."""

import re
from typing import Any

import pytest

from ikawaari import sealing
from ikawaari.checkout import (
    account_setup,
    accounts,
    attempts,
    callbacks,
    provider_states,
    public_view,
    routing,
    snapshots,
)
from ikawaari.checkout.routing import Wanted
from ikawaari.errors import NotFound, Unavailable, ValidationFailed
from ikawaari.providers import registry
from ikawaari.providers.capabilities import Limits
from ikawaari.providers.sandbox import Sandbox
from ikawaari.states import ProviderState
from ikawaari.store.models import CheckoutSession, Merchant, PaymentAttempt, ProviderAccount, ProviderOrder
from tests import accounts as providers
from tests import factories
from tests.accounts import TOKEN, Aggregator, Direct
from tests.world import World, together

LIVE: dict[str, Any] = {"livemode": True, "method_type": "mobile_money", "operator": "orange_sn", "currency": "XOF"}


@pytest.fixture
def house(world: World) -> World:
    """A house whose providers need accounts, and has none yet."""
    providers.install(world.config)
    return world


def routed(merchant: Merchant | None = None, **wanted: Any) -> list[str]:
    """The ids of the accounts that take a payment, in order."""
    asked = Wanted(**{"merchant_id": merchant.id if merchant else None, **LIVE, **wanted})
    return [one.id for one in routing.candidates(asked)]


def why(account_id: str, **wanted: Any) -> str | None:
    """What stands against an account."""
    found = {one.id: reason for one, reason in routing.explained(Wanted(merchant_id=None, **LIVE | wanted))}
    return found[account_id]


def offered(session: CheckoutSession, world: World) -> list[str]:
    """The kinds of methods that its page shows."""
    return [method["type"] for method in public_view.public(snapshots.of(session), world.now)["payment_methods"]]


# ---------------------------------------------------------------- whose it is


def test_an_account_of_one_merchant_takes_nothing_for_another(house: World) -> None:
    mine, other = house.merchant, factories.merchant("Autre")
    own = providers.add(house.config, merchant_id=mine.id)
    assert (routed(mine), routed(other), routed()) == ([own.id], [], [])
    sessions = [factories.session(each, livemode=True) for each in (mine, other, mine)]
    assert [offered(session, house) for session in sessions] == [["mobile_money"], [], ["mobile_money"]]
    attempts.pay(sessions[0].id, factories.pay_request(), house.now)
    with pytest.raises(Unavailable):
        attempts.pay(sessions[1].id, factories.pay_request(), house.now)
    assert [attempt.provider for attempt in PaymentAttempt.select()] == [own.id]


def test_all_merchants_use_the_house_s_account(house: World) -> None:
    account = providers.add(house.config)
    other = factories.merchant("Autre", country="CI")
    assert routed(house.merchant) == routed(other) == routed() == [account.id]
    assert offered(factories.session(other, livemode=True), house) == ["mobile_money"]


def test_the_other_mode_never_uses_it(house: World) -> None:
    live = providers.add(house.config)
    test = providers.add(house.config, livemode=False)
    assert routed() == [live.id]
    assert routed(livemode=False) == ["sandbox", test.id]
    assert why(test.id) == "is a test account"


# ---------------------------------------------------------------- in which order


def test_own_accounts_come_first_then_direct_ones_then_older_ones(house: World) -> None:
    def add(provider: str, **given: Any) -> str:
        house.later(1)
        return providers.add(house.config, provider, **given).id

    mine = {"merchant_id": house.merchant.id}
    passed_on, second = add("aggregator"), add("aggregator")
    direct = add("direct")
    own_passed_on, own = add("aggregator", **mine), add("direct", **mine)
    assert routed(house.merchant) == [own, own_passed_on, direct, passed_on, second]
    assert routed() == [direct, passed_on, second]


@pytest.mark.on_postgres
def test_an_explicit_order_comes_before_all(house: World) -> None:
    mine = {"merchant_id": house.merchant.id}
    own, direct, passed_on = (
        providers.add(house.config, **mine).id,
        providers.add(house.config).id,
        providers.add(house.config, "aggregator").id,
    )
    account_setup.order(None, "SN", "orange", [passed_on])
    assert (routed(), routed(house.merchant)) == ([passed_on, direct], [own, passed_on, direct])
    account_setup.order(house.merchant.id, "sn", "orange_sn", [direct, own])
    assert (routed(), routed(house.merchant)) == ([passed_on, direct], [direct, own, passed_on])
    assert routed(house.merchant, operator="free_sn") == [own, direct, passed_on]
    account_setup.order(None, "SN", "orange", [direct, passed_on, direct])
    assert routed() == [direct, passed_on]
    account_setup.order(house.merchant.id, "SN", "orange", [])
    assert routed(house.merchant) == [own, direct, passed_on]
    assert ProviderOrder.select().count() == 1


def test_an_order_names_accounts_that_its_merchants_may_use(house: World) -> None:
    other = factories.merchant("Autre")
    theirs = providers.add(house.config, merchant_id=other.id).id
    elsewhere = providers.add(house.config, country="CI").id
    cards = providers.add(house.config, "cards").id
    for merchant_id, ids in (
        (None, [theirs]),
        (house.merchant.id, [theirs]),
        (None, [elsewhere]),
        (None, ["acc_gone"]),
    ):
        with pytest.raises(ValidationFailed, match=ids[0]):
            account_setup.order(merchant_id, "SN", "orange", ids)
    with pytest.raises(ValidationFailed, match="does not take orange_sn"):
        account_setup.order(None, "SN", "orange", [cards])
    with pytest.raises(ValidationFailed, match="orange_sn, wave_sn"):
        account_setup.order(None, "SN", "mpesa", [])
    with pytest.raises(ValidationFailed, match="none"):
        account_setup.order(None, "FR", "orange", [])
    with pytest.raises(NotFound):
        account_setup.order("mer_gone", "SN", "orange", [])
    assert not ProviderOrder.select().exists()


@pytest.mark.on_postgres
def test_lists_that_are_set_at_once_leave_one(house: World) -> None:
    ids = [providers.add(house.config).id for _ in range(3)]
    results = together(6, lambda number: account_setup.order(None, "SN", "orange", [ids[number % 3]]))
    assert results == [None] * 6
    assert ProviderOrder.select().count() == 1


# ---------------------------------------------------------------- what it takes


def test_an_account_of_a_country_takes_its_operators_alone(house: World) -> None:
    account = providers.add(house.config, "per_country", country="ci").id
    assert (routed(), routed(operator="orange_ci")) == ([], [account])
    assert why(account) == "is for CI"


def test_what_it_cannot_take_is_said_in_words(house: World) -> None:
    direct, cards = providers.add(house.config).id, providers.add(house.config, "cards").id
    assert why(direct) is None
    assert why(cards) == "does not take orange_sn"
    assert why(direct, operator=None, method_type="card") == "does not take cards"
    assert why(direct, operator="orange_gn", currency="GNF") == "does not take GNF"
    assert why(direct, amount=1_000_000) is None
    assert why(direct, amount=1_000_001) == "takes 1 to 1000000 XOF, in the smallest unit"
    provider_states.switch(direct, ProviderState.CLOSED, house.now)
    assert why(direct) == "is closed"
    assert routed() == []


def test_an_amount_beyond_a_limit_goes_to_who_takes_it_and_else_nowhere(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers.add(house.config)
    session = factories.session(house.merchant, livemode=True, amount=1_000_001)
    with pytest.raises(ValidationFailed) as refusal:
        attempts.pay(session.id, factories.pay_request(), house.now)
    assert refusal.value.details == {"operator": ["orange_sn takes 1 to 1000000 XOF, in the smallest unit"]}
    assert not PaymentAttempt.select().exists()
    monkeypatch.setattr(Aggregator, "limits", Limits())
    registry.configure([Direct(house.config), Aggregator(house.config)])
    larger = providers.add(house.config, "aggregator").id
    attempts.pay(session.id, factories.pay_request(), house.now)
    assert PaymentAttempt.get().provider == larger


# ---------------------------------------------------------------- when it is seen


def elsewhere(world: World, **given: Any) -> str:
    """An account that another machine has added a moment ago: this process has not heard of it."""
    kept = accounts._kept
    account = providers.add(world.config, **given)
    accounts._kept = kept
    return account.id


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of this process, to be moved."""
    time = [100.0]
    monkeypatch.setattr("ikawaari.checkout.accounts.time.monotonic", lambda: time[0])
    accounts.forget()
    return time


def test_what_another_machine_changes_is_seen_within_a_second(house: World, instant: list[float]) -> None:
    session = factories.session(house.merchant, livemode=True)
    assert (routed(), offered(session, house)) == ([], [])
    account_id = elsewhere(house)
    instant[0] += accounts.KEPT_SECONDS / 2
    assert (routed(), offered(session, house)) == ([], [])
    instant[0] += accounts.KEPT_SECONDS / 2
    assert (routed(), offered(session, house)) == ([account_id], ["mobile_money"])
    kept = accounts._kept
    provider_states.switch(account_id, ProviderState.CLOSED, house.now)
    accounts._kept = kept
    assert routed() == [account_id]
    instant[0] += accounts.KEPT_SECONDS
    assert (routed(), offered(session, house)) == ([], [])


def test_an_account_that_is_not_known_yet_is_looked_for_at_once(house: World, instant: list[float]) -> None:
    assert routed() == []
    account_id = elsewhere(house)
    assert accounts.channel(account_id) is not None
    assert accounts.channel("acc_0000000000000000") is None


def test_nothing_is_read_again_while_nothing_changes(house: World, instant: list[float]) -> None:
    providers.add(house.config)
    first = accounts.known()
    instant[0] += 5
    assert accounts.known() is first
    accounts.channel("acc_0000000000000000")
    assert accounts.known() is first


def test_a_callback_reaches_an_account_that_another_machine_has_just_added(house: World, instant: list[float]) -> None:
    assert routed() == []
    account_id = elsewhere(house)
    message = callbacks.Message(method="POST", path=f"/callbacks/{account_id}", authority="x", headers=(), body=b"{}")
    with pytest.raises(ValidationFailed):  # it is read, and has no signature
        callbacks.receive(account_id, message, house.now)
    with pytest.raises(NotFound):
        callbacks.receive("acc_0000000000000000", message, house.now)


# ---------------------------------------------------------------- what is stored


@pytest.mark.on_postgres
def test_an_account_is_stored_sealed_and_shown_masked(house: World) -> None:
    account = providers.add(house.config, settings={"token": TOKEN, "site": "s"}, country="SN")
    assert re.fullmatch(r"acc_[A-Za-z0-9]{16}", account.id)
    assert account.callback_url == f"{house.config.api_url}/callbacks/{account.id}"
    assert len(account.callback_key) == 32
    row = ProviderAccount.get()
    assert TOKEN not in row.settings + row.callback_key
    assert account.callback_key.hex() not in row.callback_key
    known = accounts.channel(account.id)
    assert known is not None
    assert known.account == account
    assert known.account.text("token") == TOKEN
    told = account_setup.listed()[-1]
    assert told["settings"] == {"token": "…", "site": "s"}
    assert TOKEN not in f"{told}{known}{account!r}"


@pytest.mark.on_postgres
def test_settings_are_replaced_and_address_and_key_stay(house: World) -> None:
    account = providers.add(house.config)
    account_setup.update(account.id, {"token": "another_one"}, house.config, house.now)
    known = accounts.channel(account.id)
    assert known is not None
    assert (known.account.text("token"), known.account.callback_key) == ("another_one", account.callback_key)
    with pytest.raises(ValidationFailed, match="token: is required"):
        account_setup.update(account.id, {}, house.config, house.now)
    for other in ("sandbox", "acc_gone"):
        with pytest.raises(NotFound):
            account_setup.update(other, {"token": "x"}, house.config, house.now)


def test_an_account_that_this_process_cannot_open_is_left_out_alone(house: World) -> None:
    broken, unknown, good = (providers.add(house.config) for _ in range(3))
    with_another_secret = sealing.seal("{}")[:-8] + "AAAAAAA="
    ProviderAccount.update(settings=with_another_secret).where(ProviderAccount.id == broken.id).execute()
    ProviderAccount.update(provider="of_a_newer_version").where(ProviderAccount.id == unknown.id).execute()
    accounts.forget()
    assert routed() == [good.id]


def test_the_sandbox_alone_is_as_before(world: World) -> None:
    assert [one.id for one in routing.candidates(Wanted(merchant_id=None, **LIVE | {"livemode": False}))] == ["sandbox"]
    assert routed() == []
    assert isinstance(registry.named("sandbox"), Sandbox)


def test_cards_have_no_country(house: World) -> None:
    account = providers.add(house.config, "cards", country="FR").id
    for currency in ("XOF", "EUR"):
        assert routed(operator=None, method_type="card", currency=currency) == [account]
