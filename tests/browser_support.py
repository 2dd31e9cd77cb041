"""Which Chromium the browser tests drive: Playwright's own when it is installed, else the system's."""

import json
import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

import playwright

HOW_TO_GET_ONE = "no Chromium: run `.venv/bin/playwright install chromium`, or install your system's chromium package"
SYSTEM_BROWSERS = (
    "/usr/bin/chromium-headless-shell",  # the browser without windows: two thirds of the work
    "/usr/bin/chromium",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@cache
def launch_options() -> dict[str, Any] | None:
    """What Playwright needs to start a browser; None when there is none."""
    if _playwright_has_its_own():
        return {"args": list(ARGUMENTS)}
    executable = _system_browser()
    return {"args": list(ARGUMENTS), "executable_path": executable} if executable else None


def _system_browser() -> str | None:
    return next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)


def _playwright_has_its_own() -> bool:
    """Whether the build that this Playwright wants is complete (asking Playwright itself starts its driver)."""
    catalogue = Path(playwright.__file__).parent / "driver" / "package" / "browsers.json"
    if not catalogue.exists():
        return False
    wanted = {entry["name"]: entry["revision"] for entry in json.loads(catalogue.read_text())["browsers"]}
    headless = f"chromium_headless_shell-{wanted.get('chromium-headless-shell', '')}"
    return (_playwright_cache(catalogue.parent) / headless / "INSTALLATION_COMPLETE").exists()


def _playwright_cache(package: Path) -> Path:
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if chosen == "0":
        return package / ".local-browsers"
    if chosen:
        return Path(chosen)
    caches = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return caches / "ms-playwright"
