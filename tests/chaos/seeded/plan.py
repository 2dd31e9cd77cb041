"""What a seed decides: who buys what, which orders the simulators get, who is killed when, and how time goes on."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BUYERS = 8  # at the same time
_PER_ROUND = 100
_FAULTY, _FATED, _DEAF, _DOWN = 0.4, 0.6, 0.4, 0.05  # the last three: of the faulty ones
_RETURNED, _SUBSCRIBED, _LEFT = 0.3, 0.1, 0.06  # how many of all
_JUMPS = (200, 600, 1_000, 3_700, 30_000, 90_000)  # seconds between two rounds: no lease of the dead is longer
_LOST = ("timeout", "reset", "500", "accepted_then_500", "garbage", "html")
_CALLBACKS = ("drop_callback", "double_callback", "late_callback", "reorder", "early_callback")
_SIGNED = ("bad_signature", "unsigned")


@dataclass(frozen=True)
class Order:
    """What a provider's simulator is told to do."""

    provider: str
    order: Mapping[str, Any]


@dataclass(frozen=True)
class Wallet:
    """How somebody pays: `number` is followed by so many `digits`."""

    operator: str
    currency: str
    number: str
    digits: int
    otp: str | None = None
    card: str | None = None  # a test card instead of a wallet
    is_renewed: bool = False  # by a prompt


@dataclass(frozen=True)
class Shop:
    """A merchant, with accounts of its own (simulator and country) or with those of the house."""

    name: str
    accounts: Sequence[tuple[str, str | None]]
    wallets: Sequence[Wallet]
    returns: str  # of its payments: nothing, the whole, or a part


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


@dataclass(frozen=True)
class Kill:
    """Somebody dies by SIGKILL when so many purchases of the round have begun: a worker, or the server."""

    begun: int
    victim: str


@dataclass(frozen=True)
class Round:
    """Purchases at the same time; then everybody is killed, and so many seconds go by."""

    purchases: Sequence[Purchase]
    kills: Sequence[Kill]
    jump: int


def _card(name: str, *, is_renewed: bool = False) -> Wallet:
    return Wallet("card", "XOF", "", 0, card=f"pm_card_{name}", is_renewed=is_renewed)


_FREE_SN = Wallet("free_sn", "XOF", "+22176", 7, is_renewed=True)
_ORANGE_SN = Wallet("orange_sn", "XOF", "+22177", 7, is_renewed=True)
_WAVE_SN = Wallet("wave_sn", "XOF", "+22178", 7)
_MTN_CI = Wallet("mtn_ci", "XOF", "+22505", 8, is_renewed=True)
_MTN_CM = Wallet("mtn_cm", "XAF", "+23767", 7, is_renewed=True)
SHOPS: Sequence[Shop] = (
    Shop(
        "pawapay",
        [("pawapay", None)],
        [
            *(_FREE_SN, _ORANGE_SN, _WAVE_SN, _MTN_CI, _MTN_CM),
            Wallet("orange_bf", "XOF", "+22607", 6, otp="123456"),
            Wallet("airtel_cd", "CDF", "+24397", 7, is_renewed=True),
        ],
        "part",
    ),
    Shop(
        "cinetpay",
        [("cinetpay", "SN"), ("cinetpay", "CI"), ("cinetpay", "BF")],
        [
            *(_FREE_SN, _WAVE_SN, _MTN_CI),
            Wallet("orange_sn", "XOF", "+22177", 7),
            Wallet("orange_ci", "XOF", "+22507", 8),
            Wallet("orange_bf", "XOF", "+22607", 6, otp="123456"),
        ],
        "nothing",
    ),
    Shop(
        "cinetpay-legacy",
        [("cinetpay-legacy", "SN"), ("cinetpay-legacy", "CI")],
        [Wallet("orange_sn", "XOF", "+22177", 7), _WAVE_SN, Wallet("mtn_ci", "XOF", "+22505", 8)],
        "nothing",
    ),
    Shop("mtn", [("mtn", "CM")], [_MTN_CM], "part"),
    Shop("wave", [("wave", "SN")], [_WAVE_SN], "whole"),
    Shop(
        "stripe",
        [("stripe", None)],
        [
            _card("visa", is_renewed=True),
            _card("authenticationRequired"),
            _card("chargeDeclinedInsufficientFunds"),
            _card("pendingRefund"),
            _card("refundFail"),
        ],
        "part",
    ),
    # The house's accounts: what one refuses, another may take.
    Shop(
        "house",
        [("pawapay", None), ("cinetpay", "SN"), ("mtn", "CM"), ("wave", "SN")],
        [_FREE_SN, _ORANGE_SN, _WAVE_SN, _MTN_CM],
        "part",
    ),
)
_FATES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "pawapay": [
        {"kind": "refuse", "code": "PROVIDER_TEMPORARILY_UNAVAILABLE"},
        {"kind": "fail", "code": "INSUFFICIENT_BALANCE"},
        {"kind": "fail", "code": "UNSPECIFIED_FAILURE", "on": "refund"},
        {"kind": "fail_then_complete", "code": "PAYMENT_NOT_APPROVED", "seconds": 600},
        {"kind": "fail_then_complete", "code": "UNSPECIFIED_FAILURE", "seconds": 600, "on": "refund"},
        {"kind": "other_amount", "amount": "495"},
        {"kind": "in_reconciliation", "seconds": 5_000},
    ],
    "cinetpay": [
        {"kind": "refuse"},
        {"kind": "operation_error"},
        {"kind": "redirect"},
        {"kind": "fail", "code": 2005},
        {"kind": "fail_then_succeed", "seconds": 600},
        {"kind": "other_amount", "amount": 495},
        {"kind": "forged_token"},
        {"kind": "premature_callback"},
    ],
    "cinetpay-legacy": [
        {"kind": "refuse", "description": "notify_url is wrong"},
        {"kind": "refuse", "description": "transaction_id was used before"},
        {"kind": "refuse", "code": "624"},
        {"kind": "no_address"},
        {"kind": "fail", "code": "602"},
        {"kind": "fail_then_succeed", "seconds": 600},
        {"kind": "other_amount", "amount": 495},
    ],
    "mtn": [
        {"kind": "refuse", "status": 500, "code": "NOT_ALLOWED"},
        {"kind": "fail", "code": "NOT_ENOUGH_FUNDS"},
        {"kind": "fail", "code": "PAYEE_NOT_FOUND", "on": "refund"},
        {"kind": "fail_then_succeed", "code": "EXPIRED", "seconds": 600},
        {"kind": "fail_then_succeed", "code": "EXPIRED", "seconds": 600, "on": "refund"},
        {"kind": "other_amount", "amount": "495"},
        {"kind": "unreadable", "seconds": 20},
        {"kind": "forged_callback"},
    ],
    "wave": [
        {"kind": "refuse", "code": "request-validation-error"},
        {"kind": "paid_before_expire", "on": "cancel"},
        {"kind": "late_success", "seconds": 600},
        {"kind": "other_amount", "amount": "495"},
    ],
    "stripe": [
        {"kind": "429"},
        {"kind": "429", "on": "intent"},
        {"kind": "reset", "on": "intent"},
        {"kind": "500", "on": "intent"},
        {"kind": "timeout", "on": "intent"},
        {"kind": "key_in_use"},
        {"kind": "other_amount", "amount": 495},
        {"kind": "refund_fails", "on": "refund"},
    ],
}
_UNSIGNED = {"cinetpay", "mtn"}


def plan(seed: int, payments: int) -> Sequence[Round]:
    """The same for the same seed, whatever the machine."""
    chance = random.Random(seed)
    rounds = max(2, -(-payments // _PER_ROUND))
    numbers = [range(start, payments, rounds) for start in range(rounds)]
    return [_round(chance, list(one)) for one in numbers]


def _round(chance: random.Random, numbers: Sequence[int]) -> Round:
    purchases = [_purchase(chance, number) for number in numbers]
    deaths = sorted(chance.sample(range(1, len(numbers)), k=max(2, len(numbers) // 12)))
    victims = [chance.choice(["first worker", "second worker", "server"]) for _ in deaths]
    kills = [Kill(begun, victim) for begun, victim in zip(deaths, victims, strict=True)]
    return Round(purchases, kills, chance.choice(_JUMPS))


def _purchase(chance: random.Random, number: int) -> Purchase:
    shop = SHOPS[number % len(SHOPS)]
    wallet = chance.choice(shop.wallets)
    provider = chance.choice(shop.accounts)[0]
    amount = chance.randrange(100, 20_000) * 5 * (100 if wallet.currency == "CDF" else 1)
    middle = "".join(chance.choices("0123456789", k=max(0, wallet.digits - 3)))
    return Purchase(
        number=number,
        shop=shop.name,
        amount=amount,
        wallet=wallet,
        phone=f"{wallet.number}{middle}500" if wallet.number else "",
        orders=_orders(chance, provider) if chance.random() < _FAULTY else [],
        decisions=chance.choice([["pay"], ["pay"], ["pay"], ["decline", "pay"], ["decline"]]),
        tries=chance.choice([1, 2, 3]),
        subscribes=wallet.is_renewed and chance.random() < _SUBSCRIBED,
        returns=_returns(chance, shop.returns, amount),
        leaves=chance.random() < _LEFT,
    )


def _orders(chance: random.Random, provider: str) -> Sequence[Order]:
    """Several at once, and sometimes no callback comes at all: what one fault hides, another door tells."""
    if chance.random() < _DOWN:  # for so long that breakers open
        return [Order(provider, {"kind": "500", "on": "charge", "times": 8})]
    orders = [chance.choice(_FATES[provider])] if chance.random() < _FATED else []
    lost = chance.choices(_LOST, k=chance.choice([0, 1, 1, 2]))
    orders += [{"kind": kind, "on": chance.choice(["charge", "charge", "lookup", "refund"])} for kind in lost]
    if chance.random() < _DEAF:
        orders.append({"kind": "drop_callback", "on": "any", "times": 3})
    else:
        told = [*_CALLBACKS, *([] if provider in _UNSIGNED else _SIGNED)]
        orders += [{"kind": kind} for kind in chance.choices(told, k=chance.choice([0, 1, 2]))]
    return [Order(provider, {"on": "charge", **one}) for one in orders]


def _returns(chance: random.Random, most: str, amount: int) -> Sequence[int]:
    if most == "nothing" or chance.random() >= _RETURNED:
        return []
    if most == "whole" or chance.random() < 0.5:
        return [amount]
    part = amount // 500 * 100 or amount
    return [part, part][: chance.choice([1, 2])]
