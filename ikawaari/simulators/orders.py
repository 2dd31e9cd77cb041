"""Orders of tests: which of the next answers and callbacks go wrong, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Instead of the answer. `timeout`, `reset`, `garbage` and `html` come after the call was carried out, unless the order
# says `"accepted": false`; `500` is never carried out, and the answer of `slow` is the right one.
ANSWERS = frozenset({"timeout", "reset", "500", "accepted_then_500", "garbage", "html", "slow"})
# The call settles and its callback is delivered before the call is answered.
EARLY = "early_callback"
# What happens to a callback.
CALLBACKS = frozenset({"drop_callback", "double_callback", "late_callback", "reorder"})
SIGNATURES = frozenset({"bad_signature", "unsigned"})


@dataclass
class Order:
    """A fault for the next `times` calls or callbacks that are about `on` (None: about anything)."""

    kind: str
    times: int = 1
    on: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)  # what else the order says


class Orders:
    """The orders not yet carried out, oldest first. Guarded by the simulator's lock."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        self._open: list[Order] = []

    def place(self, given: Mapping[str, Any]) -> Order:
        """Take an order. An answer's is about charges unless it says otherwise. Raises ValueError."""
        kind, times = given.get("kind"), given.get("times", 1)
        if kind not in self.kinds:
            raise ValueError(f"kind must be one of {', '.join(sorted(self.kinds))}")
        if type(times) is not int or times < 1:
            raise ValueError("times must be a positive integer")
        about = given.get("on", "charge" if kind in ANSWERS | {EARLY} else None)
        order = Order(kind, times, None if about == "any" else about, dict(given))
        self._open.append(order)
        return order

    def take(self, kinds: frozenset[str] | str, on: str) -> Order | None:
        """Use the oldest order of one of `kinds` for something that is about `on`, or None."""
        wanted = {kinds} if isinstance(kinds, str) else kinds
        order = next((one for one in self._open if one.kind in wanted and one.on in {None, on}), None)
        if order is not None:
            order.times -= 1
            self._open = [one for one in self._open if one.times]
        return order
