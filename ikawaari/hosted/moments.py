"""Days and times of day as a page's readers write them: the day first in both languages, and am or pm in English.

Whoever calls these brings the moment to the reader's time zone first. No text breaks a line.
"""

from datetime import datetime, timedelta

from babel.dates import format_date, format_time
from flask_babel import force_locale, gettext

_DAY_FIRST = {"en": "en_GB"}  # the page is read in Africa
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_YESTERDAY = timedelta(days=1)


def day(moment: datetime, locale: str) -> str:
    """The date: "25 novembre 2026", "1er novembre 2026", "25 November 2026"."""
    return _date(moment, "long", locale)


def day_of_year(moment: datetime, locale: str) -> str:
    """The date without its year: "25 novembre", "1er novembre", "25 November"."""
    return _date(moment, "d MMMM", locale)


def day_nearby(moment: datetime, other: datetime | None, locale: str) -> str:
    """The date, without its year if it is that of another date beside it."""
    return day_of_year(moment, locale) if other and moment.year == other.year else day(moment, locale)


def ordinal(number: int, locale: str) -> str:
    """A day of the month: "1er", "25", "1st", "25th"."""
    if locale == "fr":
        return "1er" if number == 1 else str(number)
    return f"{number}{_ENDINGS.get(number if 10 < number < 14 else number % 10, 'th')}"


def time(moment: datetime, locale: str, *, seconds: bool = False) -> str:
    """The time of day: "21:46", "9:46 pm"."""
    pattern = "HH:mm" if locale == "fr" else "h:mm a"
    pattern = pattern.replace("mm", "mm:ss") if seconds else pattern
    return _tied(format_time(moment, pattern, locale=_DAY_FIRST.get(locale, locale)))


def day_and_time(moment: datetime, locale: str) -> str:
    """Both: "25 novembre 2026, 21:46"."""
    return f"{day(moment, locale)}, {time(moment, locale)}"


def when(moment: datetime, now: datetime, locale: str) -> str:
    """When it was, in the middle of a sentence: "hier à 18:02", "le 20 novembre 2026 à 18:02"."""
    at = time(moment, locale)
    with force_locale(locale):
        if moment.date() == now.date():
            return str(gettext("today at %(time)s", time=at))
        if moment.date() == (now - _YESTERDAY).date():
            return str(gettext("yesterday at %(time)s", time=at))
        return str(gettext("on %(day)s at %(time)s", day=day(moment, locale), time=at))


def _date(moment: datetime, pattern: str, locale: str) -> str:
    text = format_date(moment, pattern, _DAY_FIRST.get(locale, locale))
    return _tied(text.replace("1 ", "1er ", 1) if locale == "fr" and moment.day == 1 else text)


def _tied(text: str) -> str:
    return text.replace(" ", "\u00a0")
