"""What happens to a world's objects, and who is told of it."""

import hashlib
import hmac
import zlib
from typing import Any

from ikawaari import clock, store
from ikawaari.events import delivery, endpoints, events
from ikawaari.store.models import WebhookEndpoint
from tests.events.receiver import Heard, Receiver
from tests.world import World

SCHEDULE = [300, 1_800, 7_200, 28_800, 86_400]


def endpoint(world: World, url: str, *wanted: str) -> WebhookEndpoint:
    """An endpoint of the world's merchant."""
    return endpoints.create(world.owner, url=url, enabled_events=wanted or ("*",), now=world.now)


def tell(world: World, object_id: str = "o", type_: str = "payment_intent.created", **data: Any) -> None:
    """Something happens to an object."""
    with store.atomic():
        events.append(type_, {"id": object_id, **data}, world.owner, clock.now())


def other_lane(object_id: str, *, same: bool) -> str:
    """An object that goes through the same lane, or through another."""
    lane = zlib.crc32(object_id.encode()) % delivery.LANES
    names = (f"other{number}" for number in range(1_000))
    return next(name for name in names if (zlib.crc32(name.encode()) % delivery.LANES == lane) is same)


def of_one_lane(count: int) -> list[str]:
    """So many objects that go through the same lane."""
    names = (f"object{number}" for number in range(1_000))
    return [name for name in names if zlib.crc32(name.encode()) % delivery.LANES == 0][:count]


def fail(receiver: Receiver, *object_ids: str) -> None:
    """Answer 500 to what is about these objects, or about any."""
    receiver.answer = lambda heard, _: 500 if not object_ids or heard.object_id in object_ids else 200


def stored(one: WebhookEndpoint) -> WebhookEndpoint:
    """As the database has it."""
    return WebhookEndpoint.get_by_id(one.id)


def elsewhere(action: Any) -> None:
    """Do it in this thread, a receiver's, and give its connection back."""
    try:
        action()
    finally:
        store.release()


def signed_at(heard: Heard, secret: str) -> int:
    """The Unix time of a webhook's signature, which is the right one."""
    time, _, given = heard.headers["Ikawaari-Signature"].partition(",")
    expected = hmac.new(secret.encode(), f"{time[2:]}.".encode() + heard.body, hashlib.sha256).hexdigest()
    assert given == f"v1={expected}"
    return int(time[2:])
