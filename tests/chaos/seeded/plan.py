"""What a seed decides: who buys what, what the simulators are told to do, which faults happen, and how time goes on."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from tests.chaos.seeded.shops import FATES, SHOPS, UNSIGNED, Shop, Wallet

_PER_ROUND, _FEWEST_ROUNDS = 250, 2
FEWEST_PAYMENTS = 2 * _FEWEST_ROUNDS  # a fault happens when at least one of a round has begun, and not all
_FAULTY, _FATED, _DEAF, _DOWN = 0.4, 0.6, 0.4, 0.03  # the last three: of the faulty ones
_RETURNED, _SUBSCRIBED, _LEFT = 0.3, 0.1, 0.06  # how many of all
_TWICE, _CHANGED, _CANCELED = 0.08, 0.06, 0.04  # impatience, of all
_LINK_EVERY, _LINK_VISITORS = 40, 6  # of each so many purchases, these pay at one link
LINK_AMOUNT, LINK_USES = 5_000, 3
_KILL_EVERY = 25  # purchases
_JUMPS = (200, 600, 1_000, 3_700, 30_000, 90_000)  # seconds between two rounds: no lease of the dead is longer
_LOST = ("timeout", "reset", "500", "accepted_then_500", "garbage", "html")
_CALLBACKS = ("drop_callback", "double_callback", "late_callback", "reorder", "early_callback")
_SIGNED = ("bad_signature", "unsigned")
WORKERS = ("first worker", "second worker")
PROCESSES = ("server", *WORKERS)


class Kind(StrEnum):
    """What can happen to the machines."""

    KILLED = "killed"
    FROZEN = "frozen"
    CLOCK_OFF = "clock off"
    DATABASE_KILLED = "database killed"
    DATABASE_RESTARTED = "database restarted"
    CONNECTIONS_DROPPED = "connections dropped"
    DISK_FULL = "disk full"


KINDS: Mapping[str, Sequence[Kind]] = {
    "postgres": [kind for kind in Kind if kind != Kind.KILLED],
    # There is no server to restart, and one machine has one clock.
    "sqlite": [Kind.FROZEN, Kind.DISK_FULL],
}


@dataclass(frozen=True)
class Order:
    """What a provider's simulator is told to do."""

    provider: str
    order: Mapping[str, Any]


@dataclass(frozen=True)
class Purchase:
    """One payment, and what becomes of it if all goes well."""

    number: int
    shop: str
    amount: int  # in minor units
    wallet: Wallet
    phone: str
    orders: Sequence[Order]
    decisions: Sequence[str]  # on the provider's page: pay, decline
    tries: int
    subscribes: bool
    returns: Sequence[int]  # in minor units, one refund after the other
    leaves: bool  # at once, having pressed the button
    presses_twice: bool
    changes_to: tuple[Wallet, str] | None  # another method, and its phone, while the first one waits
    cancels: bool  # the merchant cancels while the payment waits
    link: int | None  # the number of the link at which it is paid


@dataclass(frozen=True)
class Fault:
    """Something happens when so many purchases of the round have begun: to one of the processes, or to all."""

    begun: int
    kind: Kind
    victim: str = ""
    seconds: float = 0  # how far a clock is off


@dataclass(frozen=True)
class Round:
    """Purchases at the same time; then the workers are killed, and so many seconds go by."""

    purchases: Sequence[Purchase]
    faults: Sequence[Fault]
    jump: int


def plan(seed: int, payments: int, engine: str) -> Sequence[Round]:
    """The same for the same seed, whatever the machine."""
    chance = random.Random(seed)
    rounds = max(_FEWEST_ROUNDS, -(-payments // _PER_ROUND))
    kinds = _shuffled_forever(chance, KINDS[engine])
    each = -(-len(KINDS[engine]) // _FEWEST_ROUNDS)  # the shortest run has each kind once
    bounds = [payments * number // rounds for number in range(rounds + 1)]
    return [_round(chance, range(start, end), [next(kinds) for _ in range(each)]) for start, end in pairwise(bounds)]


def _shuffled_forever(chance: random.Random, kinds: Sequence[Kind]) -> Iterator[Kind]:
    while True:
        yield from chance.sample(kinds, len(kinds))


def _round(chance: random.Random, numbers: Sequence[int], kinds: Sequence[Kind]) -> Round:
    purchases = [_purchase(chance, number) for number in numbers]
    happening = [*kinds, *[Kind.KILLED] * max(1, len(numbers) // _KILL_EVERY)]
    moments = sorted(chance.choices(range(1, len(numbers)), k=len(happening)))
    chance.shuffle(happening)
    faults = [_fault(chance, begun, kind) for begun, kind in zip(moments, happening, strict=True)]
    return Round(purchases, faults, chance.choice(_JUMPS))


def _fault(chance: random.Random, begun: int, kind: Kind) -> Fault:
    match kind:
        case Kind.KILLED:
            return Fault(begun, kind, chance.choice(PROCESSES))
        case Kind.FROZEN:
            return Fault(begun, kind, chance.choice(WORKERS))
        case Kind.CLOCK_OFF:
            return Fault(begun, kind, chance.choice(PROCESSES), chance.choice([-15.0, -5.0, 5.0, 15.0]))
    return Fault(begun, kind)


def _purchase(chance: random.Random, number: int) -> Purchase:
    link = number // _LINK_EVERY if number % _LINK_EVERY < _LINK_VISITORS else None
    shop = SHOPS[(number if link is None else link) % len(SHOPS)]  # all who pay at a link pay the same shop
    wallet = chance.choice(_payable(shop, link))
    provider = chance.choice(shop.accounts)[0] if shop.accounts else "sandbox"
    amount = chance.randrange(100, 20_000) * 5 * (100 if wallet.currency == "CDF" else 1)
    amount = LINK_AMOUNT if link is not None else amount
    return Purchase(
        number=number,
        shop=shop.name,
        amount=amount,
        wallet=wallet,
        phone=_phone(chance, wallet),
        orders=_orders(chance, provider) if provider != "sandbox" and chance.random() < _FAULTY else [],
        decisions=chance.choice([["pay"], ["pay"], ["pay"], ["decline", "pay"], ["decline"]]),
        tries=chance.choice([1, 2, 3]),
        subscribes=link is None and wallet.is_renewed and chance.random() < _SUBSCRIBED,
        returns=_returns(chance, shop.returns, amount),
        leaves=chance.random() < _LEFT,
        presses_twice=chance.random() < _TWICE,
        changes_to=_other(chance, shop, wallet) if chance.random() < _CHANGED else None,
        cancels=chance.random() < _CANCELED,
        link=link,
    )


def _payable(shop: Shop, link: int | None) -> Sequence[Wallet]:
    """A link has one currency."""
    return [one for one in shop.wallets if link is None or one.currency == link_currency(shop)]


def link_currency(shop: Shop) -> str:
    """The currency of the shop's links."""
    return shop.wallets[0].currency


def _other(chance: random.Random, shop: Shop, wallet: Wallet) -> tuple[Wallet, str]:
    """Another method of the shop in the same currency; the same one with another phone where there is no other."""
    others = [one for one in shop.wallets if one.currency == wallet.currency and one is not wallet] or [wallet]
    other = chance.choice(others)
    return other, _phone(chance, other)


def _phone(chance: random.Random, wallet: Wallet) -> str:
    ending = chance.choice(wallet.endings)
    middle = "".join(chance.choices("0123456789", k=max(0, wallet.digits - len(ending))))
    return f"{wallet.number}{middle}{ending}" if wallet.number else ""


def _orders(chance: random.Random, provider: str) -> Sequence[Order]:
    """Several at once, and sometimes no callback comes at all: what one fault hides, another door tells."""
    if chance.random() < _DOWN:  # for so long that breakers open
        return [Order(provider, {"kind": "500", "on": "charge", "times": 8})]
    orders = [chance.choice(FATES[provider])] if chance.random() < _FATED else []
    lost = chance.choices(_LOST, k=chance.choice([0, 1, 1, 2]))
    orders += [{"kind": kind, "on": chance.choice(["charge", "charge", "lookup", "refund"])} for kind in lost]
    if chance.random() < _DEAF:
        orders.append({"kind": "drop_callback", "on": "any", "times": 3})
    else:
        told = [*_CALLBACKS, *([] if provider in UNSIGNED else _SIGNED)]
        orders += [{"kind": kind} for kind in chance.choices(told, k=chance.choice([0, 1, 2]))]
    return [Order(provider, {"on": "charge", **one}) for one in orders]


def _returns(chance: random.Random, most: str, amount: int) -> Sequence[int]:
    if most == "nothing" or chance.random() >= _RETURNED:
        return []
    if most == "whole" or chance.random() < 0.5:
        return [amount]
    part = amount // 500 * 100 or amount
    return [part, part][: chance.choice([1, 2])]
