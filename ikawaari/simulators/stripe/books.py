"""What an account holds in one mode: its objects as JSON, the cards behind its payment methods, and its events."""

import copy
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.orders import Order
from ikawaari.simulators.shapes import Json, JsonObject
from ikawaari.simulators.stripe.cards import Card
from ikawaari.simulators.stripe.errors import missing

_LETTERS = string.ascii_letters + string.digits
KINDS: Mapping[str, str] = {  # by the prefix of its ids
    "ch": "charge",
    "ctoken": "confirmation_token",
    "cus": "customer",
    "dp": "dispute",
    "evt": "event",
    "pi": "payment_intent",
    "pm": "payment_method",
    "re": "refund",
    "seti": "setup_intent",
    "txn": "balance_transaction",
}
_PREFIXES = {kind: prefix for prefix, kind in KINDS.items()}


@dataclass
class World:
    """What the books need of the simulator around them."""

    now: Callable[[], float]
    later: Callable[[float, Callable[[], None]], None]  # seconds from now
    publish: Callable[[Json], None]  # an event that has happened
    ordered: Callable[[str, str], Order | None]  # uses an order of this kind, for what is about this
    charged: list[Entry]
    refunded: list[Entry]
    knobs: Mapping[str, Any]
    home: Callable[[], str]  # the simulator's own address


@dataclass
class Challenge:
    """An authentication that a bank asks for: what its page decides about."""

    secret: str  # in its page's address
    intent: Json
    method: Json
    return_url: str | None  # None: the browser script shows the page
    is_open: bool = True  # not yet answered, and its intent was neither canceled nor confirmed again


@dataclass
class Books:
    """The account in one mode."""

    livemode: bool
    world: World
    objects: dict[str, dict[str, Json]] = field(default_factory=lambda: {kind: {} for kind in _PREFIXES})
    cards: dict[str, Card] = field(default_factory=dict)  # by payment method or confirmation token
    set_up: set[str] = field(default_factory=set)  # payment methods that were authenticated for later charges
    spent: set[str] = field(default_factory=set)  # payment methods that belong to nobody, after their only use
    challenges: dict[str, Challenge] = field(default_factory=dict)  # by secret
    entries: dict[str, Entry] = field(default_factory=dict)  # the ledger's, by charge or refund
    request: Json = field(default_factory=lambda: {"id": None, "idempotency_key": None})

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self.world.now())

    def draft(self, kind: str, fields: JsonObject) -> Json:
        """An object of `kind` with a new id, not yet stored."""
        identifier = f"{_PREFIXES[kind]}_{random_text(24)}"
        return {"id": identifier, "object": kind, "created": self.now, "livemode": self.livemode, **fields}

    def store(self, made: Json) -> Json:
        """Keep what was drafted."""
        self.objects[made["object"]][made["id"]] = made
        return made

    def add(self, kind: str, fields: JsonObject) -> Json:
        """Create an object of `kind` with a new id."""
        return self.store(self.draft(kind, fields))

    def find(self, kind: str, identifier: str, param: str | None = None) -> Json:
        """An object. Raises Refused: 404, or 400 if it was parameter `param` that named it."""
        found = self.objects[kind].get(identifier)
        if found is None:
            raise missing(kind, identifier, param or "id", 400 if param else 404)
        return found

    def emit(self, kind: str, about: Json, previous: Json | None = None) -> None:
        """Record that something happened to `about`, as it is now, and tell who listens."""
        data: Json = {"object": copy.deepcopy(about)}
        if previous:
            data["previous_attributes"] = previous
        fields = {"api_version": self.world.knobs["api_version"], "data": data, "pending_webhooks": 0}
        self.world.publish(self.add("event", {**fields, "request": self.request, "type": kind}))


def random_text(length: int) -> str:
    """Letters and digits that nobody can guess."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
