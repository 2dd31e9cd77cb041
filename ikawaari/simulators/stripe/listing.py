"""Lists, newest first and a page at a time; the search of payment intents, which lags; and objects shown in objects."""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ikawaari.simulators.shapes import Checked, Json
from ikawaari.simulators.stripe.books import KINDS, Books
from ikawaari.simulators.stripe.errors import invalid

SEARCH_LAGS_SECONDS = 60  # what is younger cannot be found by a search, as in the real one's slow minutes

_EXPANDABLE = {"charge", "customer", "latest_charge", "payment_intent", "payment_method"} | {
    "balance_transaction",
    "source",
}
_CLAUSE = re.compile(
    r"""\s*(?:metadata\[(["'])(?P<meta>[^"']+)\1\]|(?P<field>[a-z_]+))\s*:\s*(["'])(?P<value>[^"']*)\4\s*"""
)
_BOUNDS: Mapping[str, Callable[[int, int], bool]] = {
    "gt": lambda created, bound: created > bound,
    "gte": lambda created, bound: created >= bound,
    "lt": lambda created, bound: created < bound,
    "lte": lambda created, bound: created <= bound,
}


def page(found: Sequence[Json], given: Checked, url: str) -> Json:
    """The part of `found` (oldest first) that the list parameters ask for."""
    bounds = given.get("created", {})
    newest = [
        one for one in reversed(found) if all(_BOUNDS[name](one["created"], bound) for name, bound in bounds.items())
    ]
    limit = given.get("limit", 10)
    if (last_seen := given.get("starting_after")) is not None:
        newest = newest[_position(newest, last_seen, "starting_after") + 1 :]
    elif (first_seen := given.get("ending_before")) is not None:
        newest = newest[: _position(newest, first_seen, "ending_before")]
        return _listed(newest[-limit:], url, has_more=len(newest) > limit)
    return _listed(newest[:limit], url, has_more=len(newest) > limit)


def matching(books: Books, kind: str, given: Checked, *fields: str) -> list[Json]:
    """The objects of a kind whose `fields` are as given, oldest first."""
    wanted = {name: given[name] for name in fields if name in given}
    every = books.objects[kind].values()
    return [one for one in every if all(one[name] == value for name, value in wanted.items())]


def search(books: Books, given: Checked, url: str) -> Json:
    """Payment intents by `metadata['name']:'value'` and `status:'…'`, joined by AND. Raises Refused."""
    conditions = [_condition(clause) for clause in re.split(r"\bAND\b", given["query"])]
    known_until = books.now - SEARCH_LAGS_SECONDS
    found = [
        one
        for one in books.objects["payment_intent"].values()
        if one["created"] <= known_until and all(holds(one) for holds in conditions)
    ]
    listed = page(found, {"limit": given.get("limit", 10)}, url)
    return listed | {"object": "search_result", "next_page": None}


def shown(books: Books, answer: Json, expand: Sequence[str] = ()) -> Json:
    """A copy of an object or a list, in which the ids at the paths `expand` are objects. Raises Refused."""
    copied = copy.deepcopy(answer)
    for path in expand:
        _expand(books, copied, path.split("."), path)
    return copied


def _position(found: Sequence[Json], identifier: str, param: str) -> int:
    for position, one in enumerate(found):
        if one["id"] == identifier:
            return position
    raise invalid(f"No such object in this list: '{identifier}'", param, "resource_missing")


def _listed(data: Sequence[Json], url: str, *, has_more: bool) -> Json:
    return {"object": "list", "data": list(data), "has_more": has_more, "url": url}


def _condition(clause: str) -> Callable[[Json], bool]:
    found = _CLAUSE.fullmatch(clause)
    if found is None or found["field"] not in {None, "status", "currency", "customer"}:
        raise invalid(f"Invalid search query: {clause.strip()}", "query")
    meta, name, value = found["meta"], found["field"], found["value"]
    if meta is not None:
        return lambda one: bool(one["metadata"].get(meta) == value)
    return lambda one: bool(one[name] == value)


def _expand(books: Books, within: Any, steps: Sequence[str], path: str) -> None:
    """Replace ids by objects at the end of `steps`."""
    step, rest = steps[0], steps[1:]
    if isinstance(within, list):
        for one in within:
            _expand(books, one, steps, path)
        return
    if step == "data" and within.get("object") == "list":
        _expand(books, within["data"], rest or [""], path)
        return
    if step not in _EXPANDABLE or step not in within:
        raise invalid(f"This property cannot be expanded ({path}).", "expand")
    if isinstance(within[step], str):
        kind = KINDS[within[step].partition("_")[0]]
        within[step] = copy.deepcopy(books.find(kind, within[step]))
    if rest and within[step] is not None:
        _expand(books, within[step], rest, path)
