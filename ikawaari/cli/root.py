"""The group that every command belongs to, and what all commands share."""

import getpass
import socket
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, TypeVar

import click
from peewee import PeeweeException

import ikawaari
from ikawaari import cards, texts
from ikawaari.config import Config, UnsafeConfiguration
from ikawaari.errors import IkawaariError, ValidationFailed

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def main() -> None:
    """Ikawaari Checkout."""


def in_one_line(command: F) -> F:
    """Run `command`; a problem with its arguments, the configuration or the database is reported in one line."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            _refuse_unstorable(kwargs)
            return command(*args, **kwargs)
        except (IkawaariError, UnsafeConfiguration) as error:
            raise click.ClickException(getattr(error, "message", str(error))) from None
        except PeeweeException as error:
            reason = str(error).partition("\n")[0]
            raise click.ClickException(
                f"cannot use the database: it is unreachable, or `ikawaari migrate` has not been run: {reason}"
            ) from None

    return run  # type: ignore[return-value]


def _refuse_unstorable(given: dict[str, Any]) -> None:
    """An argument may hold any byte, and invalid UTF-8 arrives as lone surrogates. Raises ValidationFailed."""
    for name, value in given.items():
        words = value if isinstance(value, tuple) else (value,)
        if not all(texts.is_storable(word) for word in words if isinstance(word, str)):
            raise ValidationFailed({name: ["must not hold control characters, and be UTF-8"]})


def on_the_database(command: F) -> F:
    """Read the configuration and connect before `command`."""

    @in_one_line
    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        ikawaari.start(Config.from_environment())
        return command(*args, **kwargs)

    return run  # type: ignore[return-value]


def operator() -> str:
    """Who runs the command, as far as the system knows: its user and host."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


class TypedText(click.types.StringParamType):
    """A text of 1 to `longest` characters, without surrounding blanks."""

    name = "text"

    def __init__(self, longest: int) -> None:
        self._longest = longest

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text. Fails if it is empty or too long."""
        typed = value.strip()
        if not 1 <= len(typed) <= self._longest:
            self.fail(f"must have 1 to {self._longest} characters", param, ctx)
        if cards.stands_in(typed):
            self.fail(cards.REFUSAL, param, ctx)
        return typed


class Day(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """A calendar day, as the API takes it."""

    name = "YYYY-MM-DD"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day. Fails for any other text."""
        try:
            return value if isinstance(value, date) else texts.day(value)
        except ValueError:
            self.fail(f"{value!r} is no day, written as YYYY-MM-DD", param, ctx)


by_whom = click.option(
    "--by", "made_by", default=operator, type=TypedText(255), help="Who you are; default: the system's user and host."
)
"""The option of a command by which a person ends something; it is stored with the end."""
