"""The tables of docs/ that are made from what the adapters say of themselves. `make docs` writes them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from ikawaari import operators
from ikawaari.config import ROOT, Config
from ikawaari.countries import COUNTRIES, name
from ikawaari.money import EXPONENTS, MAX_AMOUNT, Money
from ikawaari.providers import registry
from ikawaari.providers.capabilities import Limits, Reach, Renewals
from ikawaari.providers.provider import Provider
from ikawaari.providers.values import Flow

Table = Callable[[Sequence[Provider]], Iterable[Sequence[str]]]
_NONE = "–"
_RENEWALS = {Renewals.NONE: "the invoice's page", Renewals.PROMPT: "a prompt", Renewals.SAVED_METHOD: "the saved card"}


def live_providers() -> list[Provider]:
    """The adapters that move real money, in the registry's order."""
    every = [provider(Config()) for provider in registry.INSTALLED]
    return [one for one in every if True in one.capabilities.modes]


def by_operator(providers: Sequence[Provider]) -> Iterator[Sequence[str]]:
    """Each operator, and how the payers are asked through each provider of mobile money: for merchants."""
    wallets = [one for one in providers if one.capabilities.operators]
    yield ["country", "operator", "id", "currencies", *(one.name for one in wallets)]
    for operator in (found for code in COUNTRIES for found in operators.in_country(code)):
        reaches = [one.capabilities.reach(operator.id) for one in wallets]
        flows = [_flows(reach) if reach else _NONE for reach in reaches]
        country = f"{name(operator.country, 'en')} ({operator.country})"
        yield [country, operator.name, f"`{operator.id}`", ", ".join(operator.currencies), *flows]


def by_provider(providers: Sequence[Provider]) -> Iterator[Sequence[str]]:
    """What each provider can do, a line for all operators for which it can do the same: for operators of a server."""
    yield ["provider", "operators", "currencies", "flows", "amounts", "refunds", "renewals by"]
    for one in providers:
        reaches = sorted(one.capabilities.operators.items(), key=lambda entry: _abilities(entry[1]))
        for abilities, same in groupby(reaches, key=lambda entry: _abilities(entry[1])):
            yield [one.name, " ".join(f"`{operator}`" for operator, _ in same), *abilities]
        if one.capabilities.cards:
            yield [one.name, "cards", *_abilities(one.capabilities.cards)]


TABLES: Mapping[str, Table] = {"docs/merchants.md": by_operator, "docs/operations.md": by_provider}


def written(paper: str, providers: Sequence[Provider]) -> str:
    """The paper's text with its table as the adapters are now."""
    head, *rows = TABLES[paper](providers)
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    begin, end = (f"<!-- {word} of the table that `make docs` writes -->" for word in ("begin", "end"))
    text, found = re.subn(f"{begin}\n.*?{end}", lambda _: f"{begin}\n\n{table}\n\n{end}", _text(paper), flags=re.DOTALL)
    assert found == 1, f"{paper} has {found} tables that are made from the code"
    return text


def _text(paper: str) -> str:
    return (ROOT / paper).read_text()


def _flows(reach: Reach) -> str:
    """The API's words, the default first."""
    return ", ".join(f"`{flow}`" + (" first" if flow is Flow.OTP and reach.code_from else "") for flow in reach.flows)


def _abilities(reach: Reach) -> tuple[str, ...]:
    every = reach.currencies >= set(EXPONENTS)
    return (
        "all" if every else ", ".join(sorted(reach.currencies)),
        _flows(reach) or _NONE,
        "; ".join(_amounts(reach.limits[code], code) for code in sorted(reach.limits)) or "any",
        reach.refunds + (f", within {reach.refundable_for.days} days" if reach.refundable_for else ""),
        _RENEWALS[reach.renewals],
    )


def _amounts(limits: Limits, currency: str) -> str:
    """As people count: "100 to 2,500,000 XOF in steps of 5"."""
    least = -(-limits.minimum // limits.step) * limits.step
    most = f"to {_counted(limits.maximum, currency)} " if limits.maximum < MAX_AMOUNT else ""
    steps = f" in steps of {_counted(limits.step, currency)}" if limits.step > 1 else ""
    return f"{'' if most else 'from '}{_counted(least, currency)} {most}{currency}{steps}"


def _counted(amount: int, currency: str) -> str:
    whole = amount % 10 ** EXPONENTS[currency] == 0
    return f"{Money(amount, currency).major:,.{0 if whole else EXPONENTS[currency]}f}"


if __name__ == "__main__":
    for paper in TABLES:
        (ROOT / paper).write_text(written(paper, live_providers()))
