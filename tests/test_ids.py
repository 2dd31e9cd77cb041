"""Identifiers: enough chance to be a capability, and nothing that a URL would break on."""

import re
import uuid
from collections import Counter

import pytest

from ikawaari import ids


@pytest.mark.parametrize("prefix", ["cs", "pi", "evt"])
def test_an_id_says_what_it_names(prefix: str) -> None:
    assert re.fullmatch(rf"{prefix}_[A-Za-z0-9]{{27}}", ids.new(prefix))


def test_an_id_has_at_least_128_random_bits() -> None:
    characters = set("".join(ids.random_text() for _ in range(500)))
    assert len(characters) == 62
    assert len(characters) ** len(ids.random_text()) > 2**128


def test_every_letter_is_as_likely_as_any_other() -> None:
    used = bytes(range(256)).translate(ids._LETTERS, ids._UNFAIR)
    assert set(Counter(used).values()) == {4}


def test_ids_differ() -> None:
    assert len({ids.new("cs") for _ in range(10_000)}) == 10_000


def test_an_attempt_is_a_uuid_of_version_4() -> None:
    text = ids.new_attempt()
    assert uuid.UUID(text).version == 4
    assert text == str(uuid.UUID(text))
