"""The contracts of import-linter refuse what they were written against, and the ladder is drawn as it is kept."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import ikawaari
from ikawaari import checkout

HOME = Path(ikawaari.__file__).parent
PYPROJECT = HOME.parent / "pyproject.toml"
# By the module that it is written into: an import that must be refused.
PROBES = {
    "events/types.py": "import flask",
    "merchants/fees.py": "import requests",
    "checkout/quotes.py": "from ikawaari.checkout import renewals",
    "checkout/returns.py": "from ikawaari.checkout import customers",
    "edge/bounds.py": "from ikawaari.store import models",
    "hosted/health.py": "from ikawaari.store import due",
    "monitoring/web.py": "from ikawaari.store import models",
    "merchant_api/docs.py": "from ikawaari.providers import registry",
    "worker.py": "from ikawaari.providers import sandbox",
    "store/due.py": "from ikawaari.checkout import sessions",
    "events/history.py": "from ikawaari.merchants import rates",
    "providers/channel.py": "from ikawaari.simulators import ground",
    "simulators/ledger.py": "from ikawaari import money",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the copy of the package in `folder`."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run([*command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def contracts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the package and its contracts."""
    pytest.importorskip("importlinter")
    shutil.copytree(HOME, tmp_path / "ikawaari", ignore=shutil.ignore_patterns("__pycache__", "translations"))
    shutil.copy(PYPROJECT, tmp_path)
    return tmp_path


def test_every_probe_is_refused(copy: Path) -> None:
    for name, line in PROBES.items():
        with (copy / "ikawaari" / name).open("a") as module:
            module.write(f"\n{line}\n")
    (copy / "ikawaari/checkout/nowhere.py").write_text('"""A module without a place on the ladder."""\n')

    linted = lint(copy)

    assert linted.returncode == 1
    assert "Contracts: 0 kept" in linted.stdout
    assert "ikawaari.checkout.nowhere" in linted.stdout
    for name, line in PROBES.items():
        importer = "ikawaari." + name.removesuffix(".py").replace("/", ".")
        words = line.split()
        imported = f"{words[1]}.{words[3]}" if words[0] == "from" else words[1]
        assert f"{importer} -> {imported} (l." in linted.stdout, linted.stdout


def test_what_is_kept_passes(copy: Path) -> None:
    linted = lint(copy)
    assert linted.returncode == 0, linted.stdout


def test_the_ladder_is_drawn_as_it_is_kept() -> None:
    kept = next(one for one in contracts() if one.get("containers") == ["ikawaari.checkout"])
    drawn = re.findall(r"^    (\w+(?: \| \w+)*)(?:   .*)?$", str(checkout.__doc__), re.MULTILINE)
    assert drawn == kept["layers"]
