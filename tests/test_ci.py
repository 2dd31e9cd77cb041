"""The programs that CI installs: where it can, their tests must run; where it cannot, it says so."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ikawaari.config import ROOT
from tests import programs

SCRIPT = (ROOT / ".ci" / "programs").read_text()
PACKAGES = ("nginx", "caddy", "prometheus", "systemd")
MISSING = f"Missing here: {' '.join(PACKAGES)}."
SKIPPED = "tests that need them are skipped.\n"


def test_each_program_of_a_debian_package_is_installed_by_ci() -> None:
    for program, how in programs.HOW_TO_GET.items():
        if "apt-get" in how:
            assert f"{program} " in SCRIPT.replace(")", " ").replace("(", " "), program
            assert how.endswith(f" {PACKAGES[list(programs.HOW_TO_GET).index(program)]}")


@pytest.mark.parametrize(
    ("user", "system", "update", "install", "status", "says"),
    [
        (0, "debian", 0, 0, 0, f"Installing {' '.join(PACKAGES)} …\n"),
        (0, "debian", 0, 100, 3, f"Installing {' '.join(PACKAGES)} …\n{MISSING} apt could not install them: {SKIPPED}"),
        (0, "debian", 100, 0, 3, f"{MISSING} apt reaches none of its sources: {SKIPPED}"),
        (0, "ubuntu", 0, 0, 3, f"{MISSING} They are installed on Debian alone: {SKIPPED}"),
        (1000, "debian", 0, 0, 3, f"{MISSING} Only root may install them: {SKIPPED}"),
    ],
    ids=["installed", "failed", "no sources", "another system", "not root"],
)
def test_tests_of_programs_must_run_where_apt_can_install_them(
    tmp_path: Path, *, user: int, system: str, update: int, install: int, status: int, says: str
) -> None:
    ended, asked = run(tmp_path, user, system, f"[ $1 = update ] && exit {update}; exit {install}")
    assert (ended.stdout + ended.stderr, ended.returncode) == (says, status)
    assert (" ".join(PACKAGES) in asked) is ("Installing" in says), asked
    assert "policy 101" in asked or "Installing" not in says, "none of their services starts"
    assert not (tmp_path / "sbin" / "policy-rc.d").exists()


def run(folder: Path, user: int, system: str, apt: str) -> tuple["subprocess.CompletedProcess[str]", str]:
    """The script on a machine that has none of the programs, with such an apt; and what that was asked for."""
    commands, asked = folder / "bin", folder / "asked"
    for name in ("bin", "sbin"):
        (folder / name).mkdir()
    (folder / "os-release").write_text(f"NAME=x\nID={system}\n")
    (folder / "programs").write_text(
        SCRIPT.replace("/usr/sbin", str(folder / "sbin")).replace("/etc/os-release", str(folder / "os-release"))
    )
    policy = f'"{folder}/sbin/policy-rc.d" 2>/dev/null; [ $? = 101 ] && echo policy 101 >>"{asked}"'
    for name, text in {"id": f"echo {user}", "apt-get": f'echo "$@" >>"{asked}"; {policy}; {apt}'}.items():
        (commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (commands / name).chmod(stat.S_IRWXU)
    for name in ("bash", "sh", "grep", "xargs", "echo", "chmod", "rm"):
        (commands / name).symlink_to(str(shutil.which(name)))
    asked.touch()
    ended = subprocess.run(
        [commands / "bash", folder / "programs"],
        env={"PATH": str(commands), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended, asked.read_text()
