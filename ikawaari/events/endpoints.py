"""Webhook endpoints: where merchants receive events."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from peewee import DoesNotExist

from ikawaari import clock, ids, sealing, store
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.events import delivery, outgoing, types
from ikawaari.shapes import ColumnValues, JsonObject
from ikawaari.store import listing
from ikawaari.store.models import WebhookEndpoint
from ikawaari.store.owner import Owner

MOST_PER_MERCHANT = 20


def create(owner: Owner, *, url: str, enabled_events: Sequence[str], now: datetime) -> WebhookEndpoint:
    """Create an endpoint. Its `secret` is returned only here and on rotation. Raises ValidationFailed."""
    _check(url, enabled_events, owner.livemode)
    if len(of_merchant(owner)) >= MOST_PER_MERCHANT:
        raise ValidationFailed({"url": [f"a merchant has at most {MOST_PER_MERCHANT} endpoints"]})
    return WebhookEndpoint.create(
        id=ids.new("we"),
        merchant=owner.merchant,
        livemode=owner.livemode,
        url=url,
        secret=sealing.seal(_new_secret()),
        enabled_events=sorted(set(enabled_events)),
        enabled=True,
        created_at=now,
    )


def owned(endpoint_id: str, owner: Owner) -> WebhookEndpoint:
    """The owner's endpoint. Raises NotFound, also for another one's."""
    found: WebhookEndpoint | None = (
        listing.of_owner(WebhookEndpoint, owner).where(WebhookEndpoint.id == endpoint_id).get_or_none()
    )
    if found is None:
        raise NotFound("webhook endpoint")
    return found


def of_merchant(owner: Owner) -> list[WebhookEndpoint]:
    """The merchant's endpoints of that mode, oldest first."""
    query = listing.of_owner(WebhookEndpoint, owner)
    return list(query.order_by(WebhookEndpoint.created_at, WebhookEndpoint.id))


def update(
    endpoint: WebhookEndpoint,
    now: datetime,
    *,
    url: str | None = None,
    enabled_events: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> WebhookEndpoint:
    """Change the given fields. Enabling again catches up on everything that was missed. Raises ValidationFailed."""
    _check(url, enabled_events or (), endpoint.livemode)
    given = {"url": url, "enabled_events": enabled_events and sorted(set(enabled_events)), "enabled": enabled}
    changes: ColumnValues = {name: value for name, value in given.items() if value is not None}
    if url:
        changes["rests_until"] = None
    if enabled:
        changes |= {"failing_since": None, "rests_until": None}
    with store.atomic():
        stored = _locked(endpoint)
        if changes:
            stored.change(**changes)
        if enabled:
            delivery.catch_up(stored, now)
    return stored


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    try:
        return WebhookEndpoint.lock(endpoint.id)
    except DoesNotExist:
        raise NotFound("webhook endpoint") from None


def rotate_secret(endpoint: WebhookEndpoint, now: datetime, *, overlap_seconds: int = 0) -> WebhookEndpoint:
    """Create a new secret. Until the overlap ends, only the old one signs; after that, only the new one.

    A second rotation ends the overlap of the first immediately: the first one's new secret is then the old one.
    """
    fresh = sealing.seal(_new_secret())
    with store.atomic():
        # If two rotations run at once, the second one waits, and replaces the secret of the first.
        stored = _locked(endpoint)
        if overlap_seconds:
            changes_at = now + timedelta(seconds=overlap_seconds)
            stored.change(secret=stored.next_secret or stored.secret, next_secret=fresh, secret_changes_at=changes_at)
        else:
            stored.change(secret=fresh, next_secret=None, secret_changes_at=None)
    return stored


def end_overlaps(now: datetime) -> None:
    """Delete the old secrets whose overlap is over."""
    over = WebhookEndpoint.secret_changes_at <= now
    WebhookEndpoint.update(
        {
            WebhookEndpoint.secret: WebhookEndpoint.next_secret,
            WebhookEndpoint.next_secret: None,
            WebhookEndpoint.secret_changes_at: None,
        }
    ).where(over).execute()


def delete(endpoint: WebhookEndpoint) -> None:
    """Delete the endpoint and its pending deliveries."""
    WebhookEndpoint.delete().where(WebhookEndpoint.id == endpoint.id).execute()


def resource(endpoint: WebhookEndpoint, *, with_secret: bool = False) -> JsonObject:
    """An endpoint as its merchant sees it; its secret only if it is new."""
    changes_at = endpoint.secret_changes_at
    told = {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "enabled_events": endpoint.enabled_events,
        "enabled": endpoint.enabled,
        "status": "disabled" if not endpoint.enabled else "failing" if endpoint.failing_since else "enabled",
        "failing_since": clock.unix(endpoint.failing_since) if endpoint.failing_since else None,
        "secret_changes_at": clock.unix(changes_at) if changes_at else None,
        "livemode": endpoint.livemode,
        "created": clock.unix(endpoint.created_at),
    }
    newest = endpoint.next_secret or endpoint.secret
    return told | {"secret": sealing.open_sealed(newest)} if with_secret else told


def _new_secret() -> str:
    return f"whsec_{ids.random_text(40)}"


def _check(url: str | None, enabled_events: Sequence[str], livemode: bool) -> None:
    problems: dict[str, list[str]] = {}
    unknown = sorted(name for name in set(enabled_events) if not types.may_be_asked_for(name))
    if unknown:
        problems["enabled_events"] = [f"unknown: {', '.join(unknown)}"]
    if url is None:
        pass
    elif livemode and urlsplit(url).scheme != "https":
        problems["url"] = ["must be https in live mode"]
    elif not outgoing.may_reach(url, livemode=livemode):
        problems["url"] = ["must not lead to a private, local or otherwise internal address"]
    if problems:
        raise ValidationFailed(problems)
