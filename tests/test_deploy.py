"""What is deployed is what was tested: the image's libraries, by version and by hash."""

import re
import tomllib
from pathlib import Path

from ikawaari.config import ROOT

REQUIREMENTS = (ROOT / "deploy" / "requirements.txt").read_text()
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+)(?: ; [^\\\n]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE
)


def normalized(name: str) -> str:
    """A project's name as all spellings of it compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(path: Path) -> dict[str, str]:
    """The versions of a file of `name==version` lines."""
    pairs = (line.split("==") for line in path.read_text().splitlines() if "==" in line)
    return {normalized(name): version for name, version in pairs}


def test_the_image_has_the_versions_that_the_tests_ran_with_each_with_its_hashes() -> None:
    entries = {normalized(name): version for name, version, _ in ENTRY.findall(REQUIREMENTS)}
    assert len(entries) == REQUIREMENTS.count("==") > 20, "every line has its hashes"
    constraints = pinned(ROOT / "constraints.txt")
    assert entries == {name: constraints[name] for name in entries}, "deploy/requirements.txt says how to make it again"


def test_the_image_has_all_that_the_program_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {normalized(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in project["dependencies"]}
    assert needed <= {normalized(name) for name, _, _ in ENTRY.findall(REQUIREMENTS)}


def test_the_image_takes_nothing_without_a_hash() -> None:
    installs = re.findall(r"pip install .*", (ROOT / "deploy" / "Dockerfile").read_text())
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "-r requirements.txt" in installs[0]
