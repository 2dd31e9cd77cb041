"""The sandbox's bench: how its outside world is made to do what `test_contract.py` asks for."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ikawaari import ids
from ikawaari.config import Config
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers.base import CallbackRequest, Charge, Provider
from ikawaari.providers.channel import Channel
from ikawaari.providers.sandbox import Sandbox, ledger, world
from ikawaari.providers.sandbox.provider import SIGNATURE_HEADER
from tests.world import message_of

PHONE = "+221771234"


class Bench(Protocol):
    """An adapter and its outside world."""

    provider: Provider
    channel: Channel
    secrets: Sequence[str]  # what must never be logged

    def request(self, wish: str, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """A charge that, sent to the adapter, ends as wished.

        `succeeds`, `declines`, `no_answer` and `error` (both after the money was taken) or `pends`.
        """

    def taken(self, charge_id: str) -> int:
        """What left the payer's wallet."""

    def refunded(self, charge_id: str) -> int:
        """What came back."""

    def callback(self, charge_id: str, now: datetime, *, body: bytes | None = None) -> CallbackRequest:
        """A callback about the charge, signed at `now` as the provider signs; with `body`, that one, signed."""


class SandboxBench:
    """The sandbox: the number's last digits wish."""

    ENDINGS = {"succeeds": "500", "declines": "001", "no_answer": "004", "error": "005", "pends": "011"}

    def __init__(self, config: Config) -> None:
        self.provider: Provider = Sandbox(config)
        self.channel = Channel(self.provider, present(self.provider.account, "the sandbox has one"))
        self.secrets: Sequence[str] = [config.secret_key]

    def request(self, wish: str, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """A charge of the wished ending."""
        return Charge(
            id=charge_id or ids.new_attempt(),
            intent_id="pi_test",
            money=Money(amount, "XOF"),
            method_type="mobile_money",
            operator="orange_sn",
            country="SN",
            phone=PHONE + self.ENDINGS[wish],
            return_url="https://shop.example/back",
        )

    def taken(self, charge_id: str) -> int:
        """As the ledger has it; 0 for a charge that it never saw."""
        return sum(entry["amount"] for entry in ledger.entries() if entry["attempt"] == charge_id)

    def refunded(self, charge_id: str) -> int:
        """As the ledger has it."""
        return sum(entry["refunded"] for entry in ledger.entries() if entry["attempt"] == charge_id)

    def callback(self, charge_id: str, now: datetime, *, body: bytes | None = None) -> CallbackRequest:
        """What the simulated operator would post."""
        assert isinstance(self.provider, Sandbox)
        if body is None:
            body = json.dumps(world.report_body(ledger.Charge.get_by_id(charge_id))).encode()
        headers = [(SIGNATURE_HEADER, self.provider.sign(body, now)), ("Content-Type", "application/json")]
        return message_of(body, headers)


BENCHES: Mapping[str, Callable[[Config], Bench]] = {"sandbox": SandboxBench}
