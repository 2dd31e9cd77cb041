"""Credentials: seen once, kept as a digest, and good only where, when and for what they were given."""

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest

from ikawaari.errors import AuthenticationFailed, NotAllowed, NotFound, ValidationFailed
from ikawaari.merchants import credentials
from ikawaari.merchants.credentials import Caller, Scope
from ikawaari.store.database import database
from ikawaari.store.models import Credential
from tests import factories, statements
from tests.world import World

HERE = "192.0.2.7"


def show(world: World, text: str, address: str = HERE) -> Caller:
    """Who shows this text now."""
    return credentials.authenticate(text, address, world.now)


def refusal(world: World, text: str, address: str = HERE) -> str:
    """The code of the refusal."""
    with pytest.raises((AuthenticationFailed, NotAllowed)) as refused:
        show(world, text, address)
    return refused.value.code


@pytest.mark.parametrize(
    ("livemode", "app", "prefix"),
    [
        (False, False, "ik_test_"),
        (True, False, "ik_live_"),
        (False, True, "ik_app_test_"),
        (True, True, "ik_app_live_"),
    ],
)
def test_a_credential_says_its_kind_and_its_mode(world: World, livemode: bool, app: bool, prefix: str) -> None:
    installation = credentials.install_app(world.merchant, "App", world.now) if app else None
    text = factories.credential(world.merchant, livemode=livemode, installation=installation)
    assert re.fullmatch(prefix + "[A-Za-z0-9]{27}", text)
    assert show(world, text).owner == factories.owner(world.merchant, livemode=livemode)


def test_only_the_digest_is_kept(world: World) -> None:
    text = factories.credential(world.merchant)
    rows = database.execute_sql("SELECT * FROM credentials").fetchall()
    assert hashlib.sha256(text.encode()).hexdigest() in str(rows)
    assert text not in str(rows)
    assert text.rpartition("_")[2][:-4] not in str(rows)


def test_what_is_told_of_a_credential_is_not_its_text(world: World) -> None:
    text = factories.credential(world.merchant)
    (key,) = credentials.of_merchant(world.merchant)
    assert text not in str(credentials.described(key))
    assert key.hint == f"ik_test_…{text[-4:]}"


@pytest.mark.parametrize("text", ["", "ik_test_", "nonsense", "é", "\ud800", "\x00", "x" * 100_000])
def test_an_unknown_text_is_refused(world: World, text: str) -> None:
    assert refusal(world, text) == "IKW-AUTH-002"


def test_a_text_is_known_to_the_letter(world: World) -> None:
    text = factories.credential(world.merchant)
    for wrong in (text.swapcase(), text[:-1], text + "a", f" {text}", text.replace("test", "live")):
        assert refusal(world, wrong) == "IKW-AUTH-002"


def test_a_revoked_credential_is_dead(world: World) -> None:
    text, other = factories.credential(world.merchant), factories.credential(world.merchant)
    credentials.revoke(show(world, text).credential_id, world.now)
    assert refusal(world, text) == "IKW-AUTH-003"
    show(world, other)


def test_a_credential_that_another_machine_revokes_is_dead_within_two_seconds(world: World) -> None:
    text = factories.credential(world.merchant)
    show(world, text)
    Credential.update(revoked_at=world.now).execute()
    show(world, text)  # we have just looked
    world.later(0.999)
    show(world, text)
    world.later(0.001)
    assert refusal(world, text) == "IKW-AUTH-003"


def test_a_credential_is_looked_up_once_a_second(world: World) -> None:
    text = factories.credential(world.merchant)
    with statements.sent() as sent:
        callers = [show(world, text) for _ in range(3)]
        world.later(-5)  # a clock that was put back keeps nothing longer
        callers.append(show(world, text))
    assert len(sent) == 2
    assert len(set(map(repr, callers))) == 1


def test_what_a_credential_may_do_is_looked_at_each_time(world: World) -> None:
    text = factories.credential(
        world.merchant, allowed_networks=["10.0.0.0/8"], expires_at=world.now + timedelta(seconds=0.5)
    )
    show(world, text, "10.0.0.1")
    assert refusal(world, text, "11.0.0.1") == "IKW-AUTHZ-002"
    world.later(0.5)
    assert refusal(world, text, "10.0.0.1") == "IKW-AUTH-004"


def test_credentials_are_not_kept_without_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_MOST_KEPT", 3)
    texts = [factories.credential(world.merchant) for _ in range(9)]
    assert len({show(world, text).credential_id for text in texts}) == 9
    assert len(credentials._kept) <= 3
    assert refusal(world, "ik_test_nobody") == "IKW-AUTH-002"


def test_revoking_twice_or_nothing_is_not_found(world: World) -> None:
    key = show(world, factories.credential(world.merchant)).credential_id
    credentials.revoke(key, world.now)
    for credential_id in (key, "key_nobody"):
        with pytest.raises(NotFound):
            credentials.revoke(credential_id, world.now)


def test_a_credential_ends_at_its_time(world: World) -> None:
    text = factories.credential(world.merchant, expires_at=world.now + timedelta(days=1))
    world.later(86_399)
    show(world, text)
    world.later(1)
    assert refusal(world, text) == "IKW-AUTH-004"


def test_the_tokens_of_an_app_die_with_it(world: World) -> None:
    app, other = (credentials.install_app(world.merchant, name, world.now) for name in "ab")
    tokens = [factories.credential(world.merchant, installation=one) for one in (app, app, other, None)]
    credentials.uninstall_app(app.id, world.now)
    assert [refusal(world, token) for token in tokens[:2]] == ["IKW-AUTH-003"] * 2
    assert [show(world, token).owner.merchant for token in tokens[2:]] == [world.merchant] * 2
    with pytest.raises(NotFound):
        credentials.uninstall_app(app.id, world.now)


def test_a_missing_scope_is_named(world: World) -> None:
    caller = show(world, factories.credential(world.merchant, scopes=["payments:read"]))
    caller.require(Scope.PAYMENTS_READ)
    with pytest.raises(NotAllowed, match="payments:write") as refused:
        caller.require(Scope.PAYMENTS_WRITE)
    assert refused.value.details == {"scope": ["payments:write"]}


@pytest.mark.parametrize(
    ("network", "address", "fine"),
    [
        ("::ffff:192.0.2.0/120", "192.0.2.1", True),
        ("::ffff:192.0.2.0/120", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.0/120", "192.0.3.1", False),
        ("::/0", "192.0.2.1", False),
        ("192.0.2.0/24", "192.0.2.7", True),
        ("192.0.2.0/24", "192.0.3.7", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.0/24", "::ffff:192.0.2.7", True),
        ("192.0.2.0/24", "::ffff:c000:207", True),
        ("192.0.2.0/24", "::ffff:192.0.3.7", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "2001:DB8:0:0::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("2001:db8::/32", "192.0.2.7", False),
        ("::ffff:192.0.2.0/120", "::ffff:192.0.2.7", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("0.0.0.0/0", "", False),
        ("0.0.0.0/0", "unix:", False),
        ("0.0.0.0/0", "192.0.2.7, 10.0.0.1", False),
        ("fe80::/10", "fe80::1%eth0", True),
    ],
)
def test_an_address_list_lets_its_own_in(world: World, network: str, address: str, fine: bool) -> None:
    text = factories.credential(world.merchant, allowed_networks=["10.9.9.9", network])
    if fine:
        show(world, text, address)
    else:
        assert refusal(world, text, address) == "IKW-AUTHZ-002"


def test_without_a_list_a_credential_is_good_from_anywhere(world: World) -> None:
    show(world, factories.credential(world.merchant), "")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"scopes": []}, {"scope"}),
        ({"scopes": ["payments:all"]}, {"scope"}),
        ({"rate_limit": 0}, {"rate_limit"}),
        ({"allowed_networks": ["192.0.2.1/24"]}, {"allow_ip"}),
        ({"allowed_networks": ["home"]}, {"allow_ip"}),
        ({"scopes": [], "rate_limit": -1, "allowed_networks": ["1.2.3.4.5"]}, {"scope", "rate_limit", "allow_ip"}),
    ],
)
def test_a_credential_that_makes_no_sense_is_refused(world: World, fields: Any, named: set[str]) -> None:
    with pytest.raises(ValidationFailed) as refused:
        factories.credential(world.merchant, **fields)
    assert set(refused.value.details) == named
    assert not Credential.select().exists()
