"""Column types: instants, statuses, and JSON stored as text."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from peewee import BigIntegerField, CharField, Check, TextField

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AS_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_FROM_JSON = json.JSONDecoder().raw_decode  # there is nothing around a value that we wrote


class InstantField(BigIntegerField):
    """An aware UTC instant, stored as whole microseconds since 1970: both engines sort it, without time zones."""

    def db_value(self, value: datetime | None) -> int | None:
        """Microseconds since 1970. A naive datetime raises."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def python_value(self, value: int | None) -> datetime | None:
        """The aware instant."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class StatusField(CharField):
    """One member of a StrEnum. It changes through `Record.move` only."""

    def __init__(self, enum: type[StrEnum], **options: Any) -> None:
        self.enum = enum
        self._members: Mapping[str, StrEnum] = {member.value: member for member in enum}
        super().__init__(max_length=32, **options)

    def bind(self, model: Any, name: str, set_attribute: bool = True) -> None:
        """Let the database check the members, too."""
        members = ", ".join(f"'{member.value}'" for member in self.enum)
        self.constraints = [Check(f"{name} IN ({members})")]
        super().bind(model, name, set_attribute)

    def db_value(self, value: str | None) -> str | None:
        """The member's text; anything else is a bug and raises ValueError."""
        return None if value is None else self.enum(value).value

    def python_value(self, value: str | None) -> StrEnum | None:
        """The member."""
        return None if value is None else self._members.get(value) or self.enum(value)


class JsonField(TextField):
    """Any JSON value, stored as text, so that both engines keep the order of its keys."""

    def db_value(self, value: Any) -> str | None:
        """The text; NaN and infinities raise ValueError."""
        if value is None:
            return None
        if value == []:  # most are empty
            return "[]"
        if value == {}:
            return "{}"
        text = _AS_JSON.encode(value)
        # A lone surrogate has no UTF-8 form: it is stored as a JSON escape, "\\ud800".
        return text.encode("utf-8", "backslashreplace").decode()

    def python_value(self, value: str | None) -> Any:
        """The value."""
        if value == "[]":
            return []
        if value == "{}":
            return {}
        return None if value is None else _FROM_JSON(value)[0]
