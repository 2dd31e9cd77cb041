"""An account's settings: which there are, which are secret, and what is wrong with given ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ikawaari.shapes import JsonObject, JsonValue

MASK = "…"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting. One that has `parts` is an object of them; any other is a text, or a truth value.

    `choices`: the only texts that it may be, if they are known.
    """

    name: str
    is_secret: bool = False
    is_optional: bool = False
    is_flag: bool = False
    choices: Sequence[str] = ()
    parts: Sequence["Setting"] = ()


BASE_URL = Setting(name="base_url", is_optional=True)
"""Every provider has it: where to call it, if not at its own address of the account's mode."""


def problems(known: Sequence[Setting], given: object, within: str = "") -> Mapping[str, str]:
    """What is wrong with `given`, by the setting's name; empty if nothing. No value is in it."""
    if not isinstance(given, Mapping):
        return {within.rstrip(".") or "settings": "must be an object"}
    names = {setting.name for setting in known}
    stranger = f"is not a setting of such an account, which has {', '.join(setting.name for setting in known)}"
    found = {f"{within}{name}": stranger for name in given if name not in names}
    for setting in known:
        found |= _problems_of(setting, given.get(setting.name), within)
    return found


def _problems_of(setting: Setting, value: object, within: str) -> Mapping[str, str]:
    name = f"{within}{setting.name}"
    if value is None:
        return {} if setting.is_optional else {name: "is required"}
    if setting.parts:
        return problems(setting.parts, value, f"{name}.")
    if setting.is_flag:
        return {} if isinstance(value, bool) else {name: "must be true or false"}
    if setting.choices:
        return {} if value in setting.choices else {name: f"must be one of {', '.join(setting.choices)}"}
    usable = isinstance(value, str) and value.isascii() and value.isprintable() and value == value.strip() and value
    return {} if usable else {name: "must be a text of visible ASCII characters"}


def masked(known: Sequence[Setting], given: JsonObject) -> JsonObject:
    """The settings as they may be shown: a secret, and whatever is not known, is a mask."""
    by_name = {setting.name: setting for setting in known}
    return {name: _masked(by_name.get(name), value) for name, value in given.items()}


def _masked(setting: Setting | None, value: JsonValue) -> JsonValue:
    if setting is None or setting.is_secret:
        return MASK
    return masked(setting.parts, value) if setting.parts and isinstance(value, Mapping) else value


def secrets(known: Sequence[Setting], given: JsonObject) -> list[str]:
    """The secret texts in `given`."""
    found: list[str] = []
    for setting in known:
        value = given.get(setting.name)
        if setting.parts and isinstance(value, Mapping):
            found += secrets(setting.parts, value)
        elif setting.is_secret and isinstance(value, str):
            found.append(value)
    return found
