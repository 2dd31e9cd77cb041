"""The page in a real browser: bytes, requests, the first words on a slow network, shifts, and where its button ends."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

import ikawaari
from ikawaari.config import Config
from tests import browser_support, places
from tests.bench import databases, shop
from tests.browser.conftest import PHONE
from tests.browser.places import measures
from tests.browser.places.conftest import SMALL, SMALLEST
from tests.places import PLACES, Place
from tests.serving import Served, serve

# What a page is called here, and where that is.
SHOWN = {
    "open": "open",
    "open, five operators": "open, five operators",
    "open, quantities": "open, quantities and fee",
    "card declined": "declined",
    "prompt": "prompt",
    "code": "one-time code",
    "wallet": "redirect to a wallet",
    "square code": "QR code",
    "time over": "time over",
    "unknown": "unknown",
    "paid": "receipt",
    "subscribed": "subscription",
    "past due": "past due",
    "refunded in part": "refunded in part",
    "expired": "expired",
    "link": "by a link, to the open page",
    "link ended": "link that has ended",
}


@dataclass(frozen=True)
class Cost:
    """What one page costs. Times in milliseconds, the least of all rounds: whatever else runs here only adds to them.
    Places in pixels from the top; none without a button that pays.
    """

    first_bytes: int
    all_bytes: int
    requests: int
    first_paint: float
    largest_paint: float
    shift: float
    pay_ends_at: float | None
    pay_ends_at_smallest: float | None


def measure(rounds: int) -> dict[str, Cost] | None:
    """Every page, by what it is called; None without a browser."""
    options = browser_support.launch_options()
    if options is None:
        return None
    with _served() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options)
        owner = places.shop()
        costs = {called: _cost(browser, server, PLACES[name](owner), rounds) for name, called in SHOWN.items()}
        browser.close()
        return costs


@contextmanager
def _served() -> Iterator[Served]:
    """A server without a worker: in every place, time stands as it was made."""
    with databases.opened("sqlite") as database, tempfile.TemporaryDirectory() as folder:
        settings = shop.settings(database)
        shop.prepare(Config.from_environment(settings))
        with serve(settings, 1, 4, "--no-worker", folder=Path(folder)) as server:
            ikawaari.start(
                Config(
                    database_url=database,
                    secret_key=settings["IKAWAARI_SECRET_KEY"],
                    api_url=server.url,
                    pay_url=server.url,
                    sandbox_delay_seconds=0,
                    sandbox_prompt_seconds=3_600,
                )
            )
            yield server
            shop.disconnect()


def _cost(browser: Browser, server: Served, place: Place, rounds: int) -> Cost:
    with _visit(browser, server, place, SMALL) as page:
        weight = measures.weigh(page, place.path)
        shift, ends = measures.shift(page), _pay_ends_at(page)
    with _visit(browser, server, place, SMALLEST) as page:
        page.goto(place.path)
        smallest = _pay_ends_at(page)
    paints = [_paints(browser, server, place) for _ in range(rounds)]
    first, largest = (min(times) for times in zip(*paints, strict=True))
    return Cost(weight.first, weight.all, len(weight.by_url), first, largest, shift, ends, smallest)


@contextmanager
def _visit(browser: Browser, server: Served, place: Place, size: tuple[int, int]) -> Iterator[Page]:
    """A page of a phone that has never been there."""
    options: dict[str, Any] = PHONE | {"viewport": {"width": size[0], "height": size[1]}, "base_url": server.url}
    context = browser.new_context(**options)
    measures.observe(context)
    yield context.new_page()
    context.close()


def _pay_ends_at(page: Page) -> float | None:
    return measures.bottom(page, "[data-pay]") if page.locator("button.main[data-pay]").count() else None


def _paints(browser: Browser, server: Served, place: Place) -> tuple[float, float]:
    """When the first and the largest part were seen, on a slow network and a slow phone."""
    with _visit(browser, server, place, SMALL) as page:
        measures.slow_down(page)
        page.goto(place.path)
        return measures.first_paint(page), measures.largest_paint(page)
