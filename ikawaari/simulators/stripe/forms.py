"""Form-encoded bodies and queries: `a[b]=c` becomes {"a": {"b": "c"}}, `a[]=1&a[]=2` and `a[0]=1&a[1]=2` a list."""

import re
from typing import Any
from urllib.parse import parse_qsl

from ikawaari.simulators.stripe.errors import invalid

Value = Any  # a text, a list of values, or a mapping of texts to values

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INSIDE = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 8


def decoded(text: str) -> dict[str, Value]:
    """The parameters of a body or a query. Raises Refused for names that are not well formed."""
    tree: dict[str, Value] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _put(tree, _steps(name), value, name)
    return {key: _with_lists(value) for key, value in tree.items()}


def _steps(name: str) -> list[str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise invalid(f"Invalid parameter name: {name}", name)
    steps = [found[1], *_INSIDE.findall(found[2])]
    if len(steps) > _DEEPEST:
        raise invalid(f"Parameter is nested too deeply: {name}", name)
    return steps


def _put(tree: dict[str, Value], steps: list[str], value: str, name: str) -> None:
    """Store `value` at the end of `steps`; an empty step takes the next number, as lists do."""
    *path, last = steps
    for step in path:
        tree = tree.setdefault(step or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise invalid(f"Parameter is both a value and a hash: {name}", name)
    tree[last or str(len(tree))] = value


def _with_lists(value: Value) -> Value:
    """`value`, where mappings numbered 0, 1, 2 … are lists."""
    if not isinstance(value, dict):
        return value
    numbered = list(value) == [str(position) for position in range(len(value))]
    inside = {key: _with_lists(one) for key, one in value.items()}
    return list(inside.values()) if numbered else inside
