"""Idempotency keys: the first answer is kept for a day and replayed; other parameters, or a second at once, are not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ikawaari.simulators.stripe.errors import IDEMPOTENCY, Refused
from ikawaari.simulators.web import Answer

KEPT_SECONDS = 86_400
LONGEST_KEY = 255

Name = tuple[str, str]  # API key and idempotency key


@dataclass
class _Kept:
    fingerprint: object
    answer: Answer
    at: float


@dataclass
class Keys:
    """The keys of an account."""

    _kept: dict[Name, _Kept] = field(default_factory=dict)
    _in_use: set[Name] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def turn(self, name: Name) -> Iterator[bool]:
        """Hold the key for one request; False if another one holds it."""
        with self._lock:
            is_free = name not in self._in_use
            self._in_use.add(name)
        try:
            yield is_free
        finally:
            if is_free:
                with self._lock:
                    self._in_use.discard(name)

    def replayed(self, name: Name, fingerprint: object, now: float) -> Answer | None:
        """The first answer to this request, if there was one. Raises Refused when it was another request."""
        kept = self._kept.get(name)
        if kept is None or kept.at <= now - KEPT_SECONDS:
            return None
        if kept.fingerprint != fingerprint:
            raise Refused(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{name[1]}' if you meant to execute a different request.",
                kind=IDEMPOTENCY,
            )
        original = kept.answer.headers.get("Request-Id", "")
        headers = {**kept.answer.headers, "Idempotent-Replayed": "true", "Original-Request": original}
        return replace(kept.answer, headers=headers)

    def keep(self, name: Name, fingerprint: object, answer: Answer, now: float) -> None:
        """Keep the first answer."""
        self._kept[name] = _Kept(fingerprint, answer, now)

    def knows(self, name: Name) -> bool:
        """Whether an answer is kept for this key."""
        return name in self._kept

    def correct(self, name: Name, answer: Answer) -> None:
        """Another answer was sent than the one that was kept just now: replay that one."""
        if name in self._kept:
            self._kept[name].answer = answer


def in_use() -> Refused:
    """The answer to a request whose key another one holds."""
    return Refused(
        409,
        "There is currently another in-progress request using this Idempotent Key. Please try again later.",
        kind=IDEMPOTENCY,
        code="idempotency_key_in_use",
    )
