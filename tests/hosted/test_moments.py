"""Days and times as the page writes them: day first, the shop's time zone, and nothing that breaks a line."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.hosted import moments, page_state
from ikawaari.store.models import PaymentAttempt
from tests import factories

NB = "\u00a0"
EVENING = datetime(2026, 11, 25, 21, 46, 10, tzinfo=UTC)


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def tied(text: str) -> str:
    return text.replace(" ", NB)


@pytest.mark.parametrize(
    ("locale", "day", "first", "time", "seconds", "both"),
    [
        ("fr", "25 novembre 2026", "1er août 2026", "21:46", "21:46:10", "25 novembre 2026, 21:46"),
        ("en", "25 November 2026", "1 August 2026", "9:46 pm", "9:46:10 pm", "25 November 2026, 9:46 pm"),
    ],
)
def test_dates_are_day_first_and_english_times_say_am_or_pm(  # noqa: PLR0917
    locale: str, day: str, first: str, time: str, seconds: str, both: str
) -> None:
    assert moments.day(EVENING, locale) == tied(day)
    assert moments.day(datetime(2026, 8, 1, tzinfo=UTC), locale) == tied(first)
    assert moments.day(datetime(2026, 8, 21, tzinfo=UTC), locale) == tied(first.replace("1er", "1").replace("1", "21"))
    assert moments.time(EVENING, locale) == tied(time)
    assert moments.time(EVENING, locale, seconds=True) == tied(seconds)
    assert moments.day_and_time(EVENING, locale) == ", ".join(map(tied, both.split(", ")))


@pytest.mark.parametrize(("hour", "english"), [(0, "12:05 am"), (9, "9:05 am"), (12, "12:05 pm"), (23, "11:05 pm")])
def test_midnight_and_noon_are_told_apart(hour: int, english: str) -> None:
    assert moments.time(datetime(2026, 11, 25, hour, 5, tzinfo=UTC), "en") == tied(english)
    assert moments.time(datetime(2026, 11, 25, hour, 5, tzinfo=UTC), "fr") == f"{hour:02}:05"


@pytest.mark.parametrize(
    ("ago", "french", "english"),
    [
        (timedelta(hours=3, minutes=44), "aujourd’hui à 18:02", "today at 6:02 pm"),
        (timedelta(days=1, hours=3, minutes=44), "hier à 18:02", "yesterday at 6:02 pm"),
        (timedelta(hours=21, minutes=47), "hier à 23:59", "yesterday at 11:59 pm"),
        (timedelta(days=5, hours=3, minutes=44), "le 20 novembre 2026 à 18:02", "on 20 November 2026 at 6:02 pm"),
    ],
)
def test_what_is_near_is_said_as_people_say_it(app: Flask, ago: timedelta, french: str, english: str) -> None:
    for locale, text in (("fr", french), ("en", english)):
        with app.test_request_context():
            found = moments.when(EVENING - ago, EVENING, locale)
            assert found.replace(NB, " ") == text
            assert found.endswith(f" {moments.time(EVENING - ago, locale)}")


@pytest.mark.parametrize(("country", "hour"), [("SN", "23:30"), ("CM", "00:30"), ("BJ", "00:30"), ("CI", "23:30")])
def test_a_receipt_has_the_time_of_its_country(client: FlaskClient, country: str, hour: str) -> None:
    session = factories.session(factories.merchant(country=country), locale="fr")
    client.post(f"/{session.id}/pay", data={"method": "card", "card_token": "tok_test_card"})
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    PaymentAttempt.update(settled_at=late, created_at=late).execute()
    page = client.get(f"/{session.id}").text
    day = tied("30 novembre 2026" if hour == "23:30" else "1er décembre 2026")
    assert f"{day}, {hour}" in page
    assert page_state.moment(clock.unix(late), country).strftime("%H:%M") == hour
