"""The commands about the books: daily reports, statements, cases."""

import json

import pytest

import ikawaari
from ikawaari import clock
from ikawaari.checkout import attempts
from ikawaari.config import Config
from tests import factories
from tests.test_cli import SECRET, printed, refused


@pytest.fixture
def url(database: None, database_url: str) -> str:
    """A fresh database, to which this process is connected like a server."""
    ikawaari.start(Config(database_url=database_url, secret_key=SECRET, sandbox_delay_seconds=0))
    return database_url


@pytest.fixture
def engine() -> str:
    """The commands are the same on both."""
    return "sqlite"


def test_a_report_is_printed_as_json_and_as_csv(url: str) -> None:
    today = clock.now().date().isoformat()
    shop = factories.merchant()
    attempts.pay(factories.session(shop).id, factories.card_request(), clock.now())
    asked = ("report", "--day", today, "--mode", "test")
    told = json.loads(printed(url, *asked))
    assert (told["merchant"], told["timezone"], told["rows"][0]["gross"]) == (shop.id, "Africa/Dakar", 5_000)
    assert printed(url, *asked, "--merchant", str(shop.id), "--csv", "--timezone", "UTC").splitlines() == [
        "merchant,date,timezone,livemode,currency,operator,count,gross,customer_fees,provider_fees,refunds,net",
        f"{shop.id},{today},UTC,false,xof,card,1,5000,0,,0,",
    ]
    assert printed(url, "report", "--day", today) == ""  # live
    assert "timezone" in refused(1, url, *asked, "--timezone", "Africa")
    assert "future" in refused(1, url, "report", "--day", "2999-01-01")
    refused(1, url, *asked, "--merchant", "mer_unknown")
    refused(2, url, "report", "--day", "yesterday")
