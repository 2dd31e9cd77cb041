"""The payer's way back to the shop, signed so that the shop can believe it without a call."""

import hashlib
import hmac
from datetime import timedelta

import pytest

from ikawaari import clock
from ikawaari.checkout import public_view, returns, snapshots
from ikawaari.checkout.sessions import NewSession, open_session
from ikawaari.events import endpoints
from ikawaari.merchants import credentials
from ikawaari.store.models import CheckoutSession, Credential, WebhookEndpoint
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
    who = credentials.authenticate(api_key, "127.0.0.1", world.now)
    return open_session(world.owner, new, world.now, credential_id=who.credential_id).session


def parts(url: str | None) -> tuple[str, str]:
    """The session's id and the signature in an address."""
    assert url is not None
    session_id, _, signature = url.partition("?s=")[2].partition("&sig=")
    return session_id, signature


def test_a_shop_can_check_it_with_its_api_key_alone(world: World) -> None:
    key = factories.credential(world.merchant)
    session = opened(world, key)
    assert public_view.public(snapshots.of(session), world.now)["success_url"] is None
    world.pay_by_card(session)
    session_id, signature = parts(public_view.public(snapshots.of(fresh(session)), world.now)["success_url"])
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
    row = Credential.get_by_id(session.credential_id)
    signs = credentials.return_key(key)
    assert key not in f"{session.__data__} {row.__data__}"
    assert signs not in f"{row.__data__} {public_view.public(snapshots.of(session), world.now)}"


@pytest.mark.on_postgres
def test_a_dead_key_signs_nothing_new_and_the_one_that_replaced_it_does(world: World) -> None:
    """Whoever rotates keys goes on: the shop's code has the new key by then."""
    old = factories.credential(world.merchant)
    session = opened(world, old)
    world.pay_by_card(session)
    world.later(1)
    new = factories.credential(world.merchant)
    factories.credential(world.merchant, livemode=True)
    factories.credential(factories.merchant("Autre"))
    assert signs(world, session, old), "both live: the one that opened it"
    credentials.revoke(str(fresh(session).credential_id), world.now)
    assert not signs(world, session, old)
    assert signs(world, session, new)
    for each in Credential.select():
        if each.revoked_at is None:
            credentials.revoke(each.id, world.now)
    assert parts(public_view.public(snapshots.of(fresh(session)), world.now)["success_url"])[1] == ""


@pytest.mark.on_postgres
def test_an_expired_key_and_one_of_an_uninstalled_app_sign_nothing(world: World) -> None:
    expires = factories.credential(world.merchant, expires_at=world.now + timedelta(hours=1))
    app = credentials.install_app(world.merchant, "app", world.now)
    token = factories.credential(world.merchant, installation=app)
    sessions = [opened(world, expires), opened(world, token)]
    for session in sessions:
        world.pay_by_card(session)
    assert signs(world, sessions[0], expires)
    assert signs(world, sessions[1], token)
    credentials.uninstall_app(app.id, world.now)
    assert not signs(world, sessions[1], token)
    world.later(3600)
    assert not signs(world, sessions[0], expires)


@pytest.mark.on_postgres
def test_a_credential_of_an_older_version_signs_from_its_next_request_on(world: World) -> None:
    key = factories.credential(world.merchant)
    session = opened(world, key)
    world.pay_by_card(session)
    Credential.update(return_key=None).execute()
    assert not signs(world, session, key)
    world.later(1)
    credentials.authenticate(key, "127.0.0.1", world.now)
    assert signs(world, session, key)


def signs(world: World, session: CheckoutSession, api_key: str) -> bool:
    """Whether the way back that is shown now is signed with the key."""
    session_id, signature = parts(public_view.public(snapshots.of(fresh(session)), world.now)["success_url"])
    return is_genuine(api_key, session_id, signature, "paid", clock.unix(world.now))


@pytest.mark.parametrize(
    ("given", "told"), [("https://boutique.example/merci", "https://boutique.example/merci"), (None, None)]
)
def test_who_did_not_ask_for_a_signature_gets_none(world: World, given: str | None, told: str | None) -> None:
    session = world.session(success_url=given)
    assert returns.success_url(session, world.now) == told


def test_a_session_that_no_key_opened_has_nothing_to_sign_with(world: World) -> None:
    session = world.session(success_url=HOME)
    assert parts(returns.success_url(session, world.now)) == (session.id, "")


@pytest.mark.on_postgres
def test_every_place_is_filled(world: World) -> None:
    twice = "https://boutique.example/{CHECKOUT_SESSION_ID}/{CHECKOUT_SIGNATURE}/{CHECKOUT_SESSION_ID}"
    session = opened(world, factories.credential(world.merchant), success_url=twice)
    url = returns.success_url(session, world.now)
    assert url is not None
    assert url.count(session.id) == 2
    assert "{" not in url


def endpoint(world: World, url: str, *wanted: str) -> WebhookEndpoint:
    """An endpoint of the world's merchant."""
    return endpoints.create(world.owner, url=url, enabled_events=wanted or ("*",), now=world.now)


@pytest.mark.on_postgres
def test_the_shop_is_told_when_each_endpoint_that_wants_to_know_has_taken_it(world: World) -> None:
    with listening() as well, listening() as broken:
        endpoint(world, well.url)
        endpoint(world, well.url, "refund.created")
        failing = endpoint(world, broken.url, "checkout.session.completed")
        broken.answer = lambda *_: 500
        session = world.session()
        world.pay_by_card(session)
        assert not returns.is_acknowledged(session.id)
        world.work()
        assert not returns.is_acknowledged(session.id)
        endpoints.update(failing, world.now, enabled=False)
        assert returns.is_acknowledged(session.id)
        endpoints.update(failing, world.now, enabled=True)
        assert not returns.is_acknowledged(session.id)
        broken.answer = lambda *_: 200
        world.work()
        assert returns.is_acknowledged(session.id)


def test_an_endpoint_that_is_failing_holds_nobody(world: World) -> None:
    with listening() as broken:
        failing = endpoint(world, broken.url)
        session = world.session()
        world.pay_by_card(session)
        assert not returns.is_acknowledged(session.id)
        failing.change(failing_since=world.now)
        assert returns.is_acknowledged(session.id)


def test_what_the_shop_has_yet_to_hear_of_other_things_holds_nobody(world: World) -> None:
    with listening() as receiver:
        endpoint(world, receiver.url, "checkout.session.created", "payment_intent.succeeded")
        session = world.session()
        world.pay_by_card(session)
        assert returns.is_acknowledged(session.id)
