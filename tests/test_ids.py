"""Identifiers: enough chance to be a capability, and nothing that a URL would break on."""

import re
import time
import uuid
from collections import Counter

import pytest

from ikawaari import ids


@pytest.mark.parametrize("prefix", ["cs", "pi", "evt"])
def test_an_id_says_what_it_names(prefix: str) -> None:
    assert re.fullmatch(rf"{prefix}_[a-z0-9]{{7}}[A-Za-z0-9]{{22}}", ids.new(prefix))


def test_an_id_has_at_least_128_random_bits() -> None:
    """Behind its time, which others may know."""
    random = [ids.new("cs")[len("cs_") + 7 :] for _ in range(500)]
    assert len(set("".join(random))) == 62
    assert all(62 ** len(text) > 2**128 for text in random)


@pytest.mark.parametrize("seconds", [0.05, 1, 3600, 86_400 * 365, 86_400 * 365 * 60])
def test_ids_sort_by_the_time_at_which_they_were_made(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Also where a database ignores case: the digits are ordered before the letters everywhere."""
    now = time.time_ns()
    ids_ = []
    for moment in (now, now + round(seconds * 10**9)):
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        ids_.append(ids.new("cs"))
    assert ids_ == sorted(ids_) == sorted(ids_, key=str.lower)
    assert ids_[0][:10] < ids_[1][:10]


def test_every_letter_is_as_likely_as_any_other() -> None:
    used = bytes(range(256)).translate(ids._LETTERS, ids._UNFAIR)
    assert set(Counter(used).values()) == {4}


def test_ids_differ() -> None:
    assert len({ids.new("cs") for _ in range(10_000)}) == 10_000


def test_an_attempt_is_a_uuid_of_version_4() -> None:
    text = ids.new_attempt()
    assert uuid.UUID(text).version == 4
    assert text == str(uuid.UUID(text))
