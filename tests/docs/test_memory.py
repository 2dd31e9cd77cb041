"""The paper lists everything that a process keeps in memory, so that nobody takes for current what may be old."""

import ast
import re

import pytest

from tests.docs import memory, papers


def test_the_paper_names_everything_that_a_process_remembers() -> None:
    told = papers.section("docs/architecture.md", "What a process remembers")
    named = re.findall(r"`([a-z_/]+\.\w+)`", told)
    assert sorted(name for name in named if not name.endswith(".py")) == sorted(memory.names())


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("@lru_cache(5)\ndef f(): ...", ["f"]),
        ("@functools.cache\ndef f(): ...", ["f"]),
        ("_kept: dict[str, int] = {}\ndef f(): _kept['a'] = 1", ["_kept"]),
        ("_kept = []\ndef f(): _kept.append(1)", ["_kept"]),
        ("_kept = None\ndef f():\n global _kept\n _kept = 1", ["_kept"]),
        ("_kept = defaultdict(list)", ["_kept"]),
        ("class A:\n def __init__(self): self._tokens = ByAccount(str)", ["_tokens"]),
        ("NAMES = {'a': 1}\ndef f():\n found = {}\n found['a'] = NAMES['a']", []),
    ],
)
def test_what_is_remembered_is_found_in_the_source(source: str, kept: list[str]) -> None:
    assert list(memory.kept(ast.parse(source))) == kept
