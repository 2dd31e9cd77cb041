"""Credentials: ApiKeys (`ik_test_…`, `ik_live_…`) and AppTokens (`ik_app_test_…`, `ik_app_live_…`).

The text is shown once, at creation; we store its SHA-256. A fast digest is enough: the text has 160 random bits.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from peewee import JOIN

from ikawaari import addresses, clock, errors, ids, sealing
from ikawaari.errors import AuthenticationFailed, NotAllowed, NotFound, ValidationFailed
from ikawaari.shapes import JsonObject
from ikawaari.store.models import AppInstallation, Credential, Merchant
from ikawaari.store.owner import Owner

_RETURNS = b"ikawaari return"
KEPT_FOR = timedelta(seconds=1)
_NO_TIME = timedelta()
_MOST_KEPT = 10_000
_kept: dict[str, "_Known"] = {}


class Scope(StrEnum):
    """What a credential may do."""

    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    REFUNDS_WRITE = "refunds:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    REPORTS_READ = "reports:read"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"


@dataclass(frozen=True)
class Caller:
    """The caller: a merchant, in one mode, with some scopes."""

    owner: Owner
    scopes: frozenset[str]
    credential_id: str
    rate_limit: int | None  # requests per minute; None for the default

    def require(self, scope: Scope) -> None:
        """Raise NotAllowed, naming the scope, unless the caller has it."""
        if scope not in self.scopes:
            raise NotAllowed(
                errors.SCOPE_MISSING, f"This needs the scope {scope.value}.", details={"scope": [scope.value]}
            )


@dataclass(frozen=True)
class _Known:
    """A credential as it was at `read_at`, and its caller."""

    read_at: datetime
    credential: Credential
    caller: Caller


def create(
    merchant: Merchant,
    *,
    livemode: bool,
    scopes: Sequence[str],
    now: datetime,
    installation: AppInstallation | None = None,
    rate_limit: int | None = None,
    allowed_networks: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> str:
    """Create a credential and return its text, which is never shown again. Raises ValidationFailed."""
    _check(scopes, rate_limit, allowed_networks)
    prefix = f"ik_{'app_' if installation else ''}{'live' if livemode else 'test'}"
    text = f"{prefix}_{ids.random_text()}"
    Credential.create(
        id=ids.new("key"),
        merchant=merchant,
        installation=installation,
        digest=_digest(text),
        return_key=sealing.seal(return_key(text)),
        hint=f"{prefix}_…{text[-4:]}",
        livemode=livemode,
        scopes=sorted(set(scopes)),
        rate_limit=rate_limit,
        allowed_networks=list(allowed_networks),
        created_at=now,
        expires_at=expires_at,
    )
    return text


def install_app(merchant: Merchant, name: str, now: datetime) -> AppInstallation:
    """Record that an app was installed at the merchant; its tokens depend on it."""
    return AppInstallation.create(id=ids.new("app"), merchant=merchant, name=name, created_at=now)


def uninstall_app(installation_id: str, now: datetime) -> None:
    """Remove an installation, and thereby revoke all its tokens. Raises NotFound."""
    found = AppInstallation.update({AppInstallation.removed_at: now}).where(
        AppInstallation.id == installation_id, AppInstallation.removed_at.is_null()
    )
    if not found.execute():
        raise NotFound("app installation")
    _kept.clear()


def revoke(credential_id: str, now: datetime) -> None:
    """Revoke a credential. Raises NotFound if there is none, or it is already revoked."""
    found = Credential.update({Credential.revoked_at: now}).where(
        Credential.id == credential_id, Credential.revoked_at.is_null()
    )
    if not found.execute():
        raise NotFound("credential")
    _kept.clear()


def of_merchant(merchant: Merchant) -> list[Credential]:
    """The merchant's credentials, oldest first."""
    return list(Credential.select().where(Credential.merchant == merchant).order_by(Credential.created_at))


def described(key: Credential) -> JsonObject:
    """A credential for display: everything but its text. Times in Unix seconds."""
    return {
        "id": key.id,
        "hint": key.hint,
        "installation": key.installation_id,
        "scopes": key.scopes,
        "rate_limit": key.rate_limit,
        "allowed_networks": key.allowed_networks,
        "created": clock.unix(key.created_at),
        "expires_at": clock.unix(key.expires_at) if key.expires_at else None,
        "revoked_at": clock.unix(key.revoked_at) if key.revoked_at else None,
    }


def days_ahead(days: int | None, now: datetime) -> datetime | None:
    """The instant `days` from now; None for never."""
    return now + timedelta(days=days) if days else None


def authenticate(text: str, address: str, now: datetime) -> Caller:
    """The caller with this credential, from this IP address. Raises AuthenticationFailed or NotAllowed."""
    known = _find(_digest(text), now)
    if known is None:
        raise AuthenticationFailed(errors.CREDENTIAL_UNKNOWN)
    found = known.credential
    if found.revoked_at or (found.installation and found.installation.removed_at):
        raise AuthenticationFailed(errors.CREDENTIAL_REVOKED)
    if found.expires_at and found.expires_at <= now:
        raise AuthenticationFailed(errors.CREDENTIAL_EXPIRED)
    if found.allowed_networks and not _is_within(address, found.allowed_networks):
        raise NotAllowed(errors.ADDRESS_NOT_ALLOWED)
    _keep_return_key(found, text)
    return known.caller


def _find(digest: str, now: datetime) -> _Known | None:
    """The credential of that digest with its merchant and installation, as they were a second ago at most.

    A process that has looked one up trusts it for that long. One that was revoked stops within two seconds everywhere.
    """
    known = _kept.get(digest)
    if known is not None and _NO_TIME <= now - known.read_at < KEPT_FOR:
        return known
    found: Credential | None = (
        Credential.select(Credential, Merchant, AppInstallation)
        .join(Merchant)
        .switch(Credential)
        .join(AppInstallation, JOIN.LEFT_OUTER)
        .where(Credential.digest == digest)
        .get_or_none()
    )
    if found is None:
        return None
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    owner = Owner(found.merchant, found.livemode)
    known = _kept[digest] = _Known(now, found, Caller(owner, frozenset(found.scopes), found.id, found.rate_limit))
    return known


def return_key(text: str) -> str:
    """The key that signs customers' returns, in hex: HMAC-SHA256(credential, "ikawaari return").

    The merchant computes it from its credential; the credential cannot be computed from it.
    """
    return hmac.new(text.encode("utf-8", "surrogatepass"), _RETURNS, hashlib.sha256).hexdigest()


def return_key_of(credential_id: str | None, merchant_id: str, livemode: bool, now: datetime) -> str | None:
    """The return key of a credential, or if it is revoked, of the merchant's newest valid one; None if there is none.

    A revoked credential signs nothing new: after a rotation its replacement signs.
    """
    own = (
        (Credential.merchant == merchant_id) & (Credential.livemode == livemode) & Credential.return_key.is_null(False)
    )
    living = Credential.revoked_at.is_null() & AppInstallation.removed_at.is_null()
    unexpired = Credential.expires_at.is_null() | (Credential.expires_at > now)
    found = Credential.select().join(AppInstallation, JOIN.LEFT_OUTER).where(own, living, unexpired)
    newest_first = found.order_by((Credential.id == credential_id).desc(), Credential.created_at.desc(), Credential.id)
    chosen = newest_first.first()
    return sealing.open_sealed(chosen.return_key) if chosen else None


def _keep_return_key(found: Credential, text: str) -> None:
    """A credential of an older version has no key yet, and it can only be computed from the credential's text."""
    if found.return_key is None:
        found.change(return_key=sealing.seal(return_key(text)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_within(address: str, networks: Sequence[str]) -> bool:
    ip = addresses.read_ip(address)
    return ip is not None and any(ip in addresses.read_network(network) for network in networks)


def _check(scopes: Sequence[str], rate_limit: int | None, networks: Sequence[str]) -> None:
    details: dict[str, list[str]] = {}
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        details["scope"] = [f"must be one or more of {', '.join(Scope)}" + (f", not {unknown}" if unknown else "")]
    if rate_limit is not None and rate_limit < 1:
        details["rate_limit"] = ["must be at least 1"]
    for network in networks:
        try:
            addresses.read_network(network)
        except ValueError as error:
            details["allow_ip"] = [str(error)]
    if details:
        raise ValidationFailed(details)
