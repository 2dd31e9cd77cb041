"""A server without a worker, and a shop on it: in every place of the page, time stands as it was made."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

import ikawaari
from ikawaari.config import Config
from ikawaari.store.models import Merchant
from tests import conftest, places
from tests.browser.conftest import ENVIRONMENT, PHONE, watch
from tests.browser.places import measures
from tests.places import NO_LIMITS, Place
from tests.serving import Served, serve

ROBOT = "WhatsApp/2"  # is shown a link's own page, and opens no session
SMALL, SMALLEST = (360, 640), (320, 568)
_PROMPT_SECONDS = 3_600.0
Open = Callable[..., Page]


@pytest.fixture(scope="package")
def still(tmp_path_factory: pytest.TempPathFactory, new_sqlite: Callable[[Path], str]) -> Iterator[Served]:
    """The server."""
    database = new_sqlite(tmp_path_factory.mktemp("still"))
    limits = {f"IKAWAARI_{name.upper()}": str(limit) for name, limit in NO_LIMITS.items()}
    prompts = {"IKAWAARI_SANDBOX_PROMPT_SECONDS": str(_PROMPT_SECONDS)}
    environment = ENVIRONMENT | limits | prompts | {"IKAWAARI_DATABASE_URL": database}
    with serve(environment, 1, 8, "--no-worker") as server:
        yield server


@pytest.fixture
def connected(still: Served) -> Iterator[None]:
    """This process makes rows on the server's database."""
    ikawaari.start(
        Config(
            database_url=still.environment["IKAWAARI_DATABASE_URL"],
            secret_key=still.environment["IKAWAARI_SECRET_KEY"],
            api_url=still.url,
            pay_url=still.url,
            sandbox_delay_seconds=0,
            sandbox_prompt_seconds=_PROMPT_SECONDS,
            **NO_LIMITS,
        )
    )
    yield
    conftest.disconnect()


@pytest.fixture
def owner(connected: None) -> Merchant:
    """A shop that has told everything of itself."""
    return places.shop()


@pytest.fixture
def put(new_context: Callable[..., BrowserContext], still: Served, complaints: list[str]) -> Open:
    """A new page at a place, whose address is its `url`; not loaded yet. Options are Playwright's."""

    def make(place: Place, size: tuple[int, int] = SMALL, **options: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = new_context(**(PHONE | {"viewport": viewport, "base_url": still.url} | options))
        watch(context, complaints)
        for name, text in place.cookies.items():
            context.add_cookies([{"name": name, "value": text, "url": still.url + place.path}])
        measures.observe(context)
        return context.new_page()

    return make
