"""The papers, read: their tables, links and blocks of code."""

import re
from collections.abc import Iterator
from pathlib import Path

from ikawaari.config import ROOT

PAPERS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    """The path as a person would write it."""
    return str(path.relative_to(ROOT))


def text_of(name: str) -> str:
    """A paper's text."""
    return (ROOT / name).read_text()


def section(name: str, heading: str) -> str:
    """A paper's section, up to the next heading."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text_of(name), re.DOTALL | re.MULTILINE)
    assert found, f"{name} has no section {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The rows of a text's tables, without their heads; `\\|` in a cell is a bar."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    heads = [number for number, line in enumerate(text.splitlines()) if re.fullmatch(r"(\|[ :-]+)+\|", line)]
    first = {text.splitlines()[number - 1] for number in heads}
    return [cell for line, cell in zip(lines, cells, strict=True) if line not in first and not re.match(r"\| ?-", line)]


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks of a text: each one's language, and what it holds."""
    return [(found[1], found[2]) for found in _FENCED.finditer(text)]


def commands(text: str) -> Iterator[str]:
    """Every `ikawaari …` that a text gives to be typed: lines of blocks, fenced or indented."""
    for line in text.splitlines():
        found = re.match(r"(?:    )?(?:\.venv/bin/)?(ikawaari [a-z].*)", line)
        if found:
            yield found[1]


def links(text: str) -> list[str]:
    """Where a text's links lead, those out of the repository left out."""
    return [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """What a text's headings are called in addresses."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
