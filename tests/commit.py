"""Which program a long run has run, so that its figures can be traced to it."""

import shutil
import subprocess

from tests.serving import ROOT


def commit() -> str:
    """The short hash of what is checked out, with a plus if files differ from it; empty where there is no Git."""
    if shutil.which("git") is None:
        return ""
    hash_ = _git("rev-parse", "--short", "HEAD")
    return f"{hash_}+" if hash_ and _git("status", "--porcelain", "--untracked-files=no") else hash_


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
