"""What answers are made of: schemas that describe, and field types that say what each value means."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any

from marshmallow import EXCLUDE, Schema, fields

from ikawaari.edge.fields import Choice


class Output(Schema):
    """An answer, or a part of one. All fields are present unless stated otherwise; new ones may be added."""

    class Meta:
        """A client must not refuse unknown fields."""

        unknown = EXCLUDE

    @cached_property
    def _names(self) -> Sequence[str]:
        names = [field.data_key or name for name, field in self.dump_fields.items()]
        return sorted(names, key=lambda name: name not in ("id", "object"))  # first, whatever a schema inherits

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """The object as the domain rendered it, its fields in the order of the document, after its id.

        Nothing is converted, which would take longer than rendering: all values are JSON values already.
        """
        if self.many if many is None else many:
            return [self.dump(one, many=False) for one in obj]
        return {name: obj[name] for name in self._names if name in obj}


class Embedded(fields.Nested):
    """An object that is ready: its schema describes it, and it is passed on as the domain rendered it."""

    def __init__(self, schema: type[Schema], **options: Any) -> None:
        super().__init__(schema, **({"required": True} | options))

    def _serialize(self, *args: Any, **_options: Any) -> Any:
        return args[0]


class EmbeddedList(fields.List[Any]):
    """A list of such objects."""

    def __init__(self, schema: type[Schema], **options: Any) -> None:
        super().__init__(Embedded(schema), **({"required": True} | options))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_options: Any) -> Any:
        return value


class ObjectName(fields.Constant[str]):
    """The name of the object's type."""

    def __init__(self, name: str) -> None:
        super().__init__(name, required=True, metadata={"type": "string", "enum": [name]})


class TextField(fields.String):
    """A text that is always present, or null."""

    def __init__(self, description: str = "", *, nullable: bool = False, **told: Any) -> None:
        metadata = told | ({"description": description} if description else {})
        super().__init__(required=True, allow_none=nullable, metadata=metadata)


class OneOf(Choice):
    """One of a closed set."""

    def __init__(
        self, choices: type[StrEnum] | Iterable[str], description: str = "", *, nullable: bool = False
    ) -> None:
        metadata = {"description": description} if description else {}
        super().__init__(choices, required=True, allow_none=nullable, metadata=metadata)


class Money(fields.Integer):
    """An amount in the currency's smallest unit."""

    def __init__(self, description: str = "", *, nullable: bool = False) -> None:
        words = description or "In the currency's smallest unit."
        super().__init__(required=True, allow_none=nullable, metadata={"format": "int64", "description": words})


class Instant(fields.Integer):
    """Unix seconds."""

    def __init__(self, description: str = "", *, nullable: bool = False) -> None:
        words = f"Unix seconds. {description}".strip()
        super().__init__(required=True, allow_none=nullable, metadata={"format": "int64", "description": words})


class NextAction(fields.Raw):
    """What the payer has to do now, or null. The document has a component of that name: see `parts.NEXT_ACTIONS`."""

    def __init__(self) -> None:
        told = {"anyOf": [{"$ref": "#/components/schemas/NextAction"}, {"type": "null"}]}
        super().__init__(required=True, metadata=told)
