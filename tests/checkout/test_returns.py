"""The payer's way back to the shop, signed so that the shop can believe it without a call."""

import hashlib
import hmac

import pytest

from ikawaari import clock
from ikawaari.checkout import returns, views
from ikawaari.checkout.sessions import NewSession, open_session
from ikawaari.events import endpoints
from ikawaari.store.models import CheckoutSession, WebhookEndpoint
from tests import factories
from tests.events.receiver import listening
from tests.world import World, fresh

HOME = "https://boutique.example/merci?s={CHECKOUT_SESSION_ID}&sig={CHECKOUT_SIGNATURE}"


def is_genuine(api_key: str, session_id: str, signature: str, status: str, now: int) -> bool:
    """What a shop writes from the README alone: it has its API key, and nothing of ours."""
    stamp, _, given = signature.partition(".")
    key = hmac.new(api_key.encode(), b"ikawaari return", hashlib.sha256).hexdigest()
    message = f"{stamp}.{session_id}.{status}".encode()
    wanted = hmac.new(key.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, given) and abs(now - int(stamp)) <= 300


def opened(world: World, api_key: str, **overrides: str) -> CheckoutSession:
    """A session that the key opened."""
    new = NewSession(amount=5_000, **{"success_url": HOME} | overrides)  # type: ignore[arg-type]
    return open_session(world.merchant, False, new, world.now, return_key=returns.key(api_key))


def parts(url: str | None) -> tuple[str, str]:
    """The session's id and the signature in an address."""
    assert url is not None
    session_id, _, signature = url.partition("?s=")[2].partition("&sig=")
    return session_id, signature


def test_a_shop_can_check_it_with_its_api_key_alone(world: World) -> None:
    key = factories.credential(world.merchant)
    session = opened(world, key)
    assert views.public(session, world.now)["success_url"] is None
    world.pay_by_card(session)
    session_id, signature = parts(views.public(fresh(session), world.now)["success_url"])
    now = clock.unix(world.now)
    assert session_id == session.id
    assert is_genuine(key, session_id, signature, "paid", now)
    assert not is_genuine(factories.credential(world.merchant), session_id, signature, "paid", now)
    assert not is_genuine(key, opened(world, key).id, signature, "paid", now)
    assert not is_genuine(key, session_id, signature, "refunded", now)
    assert not is_genuine(key, session_id, signature, "paid", now + 301)
    assert not is_genuine(key, session_id, f"{now + 1}.{signature.partition('.')[2]}", "paid", now)


def test_the_key_is_not_kept_with_the_session_nor_shown(world: World) -> None:
    key = factories.credential(world.merchant)
    session = opened(world, key)
    assert key not in str(session.__data__)
    assert returns.key(key) not in str(views.public(session, world.now))


@pytest.mark.parametrize(
    ("given", "told"), [("https://boutique.example/merci", "https://boutique.example/merci"), (None, None)]
)
def test_who_did_not_ask_for_a_signature_gets_none(world: World, given: str | None, told: str | None) -> None:
    session = world.session(success_url=given)
    assert returns.success_url(session, world.now) == told


def test_a_session_that_no_key_opened_has_nothing_to_sign_with(world: World) -> None:
    session = world.session(success_url=HOME)
    assert parts(returns.success_url(session, world.now)) == (session.id, "")


def test_every_place_is_filled(world: World) -> None:
    twice = "https://boutique.example/{CHECKOUT_SESSION_ID}/{CHECKOUT_SIGNATURE}/{CHECKOUT_SESSION_ID}"
    session = opened(world, factories.credential(world.merchant), success_url=twice)
    url = returns.success_url(session, world.now)
    assert url is not None
    assert url.count(session.id) == 2
    assert "{" not in url


def endpoint(world: World, url: str, *wanted: str) -> WebhookEndpoint:
    """An endpoint of the world's merchant."""
    return endpoints.create(world.merchant, False, url=url, enabled_events=wanted or ("*",), now=world.now)


def test_the_shop_is_told_when_each_endpoint_that_wants_to_know_has_taken_it(world: World) -> None:
    with listening() as well, listening() as broken:
        endpoint(world, well.url)
        endpoint(world, well.url, "refund.created")
        failing = endpoint(world, broken.url, "checkout.session.completed")
        broken.answer = lambda *_: 500
        session = world.session()
        world.pay_by_card(session)
        assert not returns.is_told(session.id)
        world.work()
        assert not returns.is_told(session.id)
        endpoints.update(failing, world.now, enabled=False)
        assert returns.is_told(session.id)
        endpoints.update(failing, world.now, enabled=True)
        assert not returns.is_told(session.id)
        broken.answer = lambda *_: 200
        world.work()
        assert returns.is_told(session.id)


def test_an_endpoint_that_is_failing_holds_nobody(world: World) -> None:
    with listening() as broken:
        failing = endpoint(world, broken.url)
        session = world.session()
        world.pay_by_card(session)
        assert not returns.is_told(session.id)
        failing.change(failing_since=world.now)
        assert returns.is_told(session.id)


def test_what_the_shop_has_yet_to_hear_of_other_things_holds_nobody(world: World) -> None:
    with listening() as receiver:
        endpoint(world, receiver.url, "checkout.session.created", "payment_intent.succeeded")
        session = world.session()
        world.pay_by_card(session)
        assert returns.is_told(session.id)
