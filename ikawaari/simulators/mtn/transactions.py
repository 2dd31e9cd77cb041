"""Payments and refunds: how they are asked for, how they end, how they are shown and told."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ikawaari.simulators.callbacks import Callback
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.mtn import fields
from ikawaari.simulators.mtn.accounts import ApiUser
from ikawaari.simulators.orders import Order
from ikawaari.simulators.shapes import Body, Json, JsonObject
from ikawaari.simulators.web import Answer, Request, in_json

FATES = frozenset({"fail", "fail_then_succeed"})
OWN_ORDERS = FATES | {"refuse", "unreadable", "forged_callback", "other_amount"}
LATE_SECONDS, UNREADABLE_SECONDS = 60.0, 2.0
MOMENT = 0.05  # seconds after the answer at which the sandbox tells what has ended at once
ACKNOWLEDGED_WITHIN = 2.0
REPEATS = (1.0,) * 20 + (120.0,) * 30
NEVER = "never"
# What the sandbox's numbers stand for: the reason of a failure, or NEVER. Any other number pays.
_SANDBOX = {
    "46733123450": "INTERNAL_PROCESSING_ERROR",
    "46733123451": "APPROVAL_REJECTED",
    "46733123452": "EXPIRED",
    "46733123453": NEVER,
    "46733123455": "PAYER_NOT_FOUND",
    "46733123456": "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    "46733123457": "NOT_ALLOWED",
    "46733123458": "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "46733123459": "INVALID_CALLBACK_URL_HOST",
    "46733123460": "INVALID_CURRENCY",
    "46733123461": "INTERNAL_PROCESSING_ERROR",
    "46733123462": "SERVICE_UNAVAILABLE",
    "46733123463": "COULD_NOT_PERFORM_TRANSACTION",
}
_SANDBOX_SLOW, _SLOW_SECONDS = "46733123454", 25.0
UNKNOWN_NUMBER = "46733123455"


@dataclass(kw_only=True)
class Transaction(Entry):
    """A payment or a refund. `shown` are the fields that do not change."""

    about: str  # `charge` or `refund`, as in orders
    shown: JsonObject
    callback_url: str | None
    platform: str  # it can be read only there
    reason: str | None = None
    reference: str | None = None
    readable_from: float = 0.0


class Transactions:
    """The transactions of a product, by X-Reference-Id."""

    about = "charge"

    def __init__(self, simulator: Simulator, environment: str) -> None:
        self.simulator, self.environment = simulator, environment
        self.known: dict[str, Transaction] = {}

    # ------------------------------------------------------------ endpoints

    def create(self, request: Request, user: ApiUser) -> Answer:
        """Take a transaction: 202, and nothing else. Raises Refused."""
        reference = fields.reference(request)
        if reference in self.known:
            self.known[reference].calls += 1
            return fields.error(409, self.simulator.knobs["exists_code"], "Duplicated reference id.")
        refused = self.simulator.orders.take("refuse", self.about)
        if refused is None or refused.more.get("accepted") is True:
            self._take(reference, request, user)
        return Answer(202) if refused is None else _ordered(refused)

    def show(self, request: Request, _user: ApiUser) -> Answer:
        """The status of a transaction."""
        transaction = self.known.get(request.params["id"])
        if transaction is None or not self._is_readable(transaction):
            return fields.error(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.")
        return in_json(self.data(transaction))

    def _is_readable(self, transaction: Transaction) -> bool:
        is_there = transaction.platform == self.simulator.knobs["platform"]
        return is_there and self.simulator.timeline.now() >= transaction.readable_from

    def _take(self, reference: str, request: Request, user: ApiUser) -> None:
        """Raises Refused."""
        is_sandbox = self.environment == "sandbox"
        url = fields.callback(request, user.host(), is_sandbox=is_sandbox)
        given = fields.body(request)
        status = self.simulator.knobs["invalid_currency_status"]
        currency = fields.currency(given, fields.CURRENCIES[self.environment], status)
        transaction = self.made(
            given,
            id=reference,
            amount=fields.amount(given, currency),
            currency=currency,
            operator=self.environment,
            created=self.simulator.timeline.now(),
            status="PENDING",
            about=self.about,
            callback_url=url,
            platform=self.simulator.knobs["platform"],
        )
        unreadable = self.simulator.orders.take("unreadable", self.about)
        if unreadable is not None:
            seconds = float(unreadable.more.get("seconds", UNREADABLE_SECONDS))
            transaction.readable_from = transaction.created + seconds
        self.known[reference] = transaction
        self.start(transaction)

    def made(self, given: Body, **values: Any) -> Transaction:
        """The payment that a request asks for. Raises Refused."""
        party = fields.payer(given)
        return Transaction(payer=party["partyId"], shown={"payer": party, **fields.texts(given)}, **values)

    def start(self, transaction: Transaction) -> None:
        """Ask the payer."""
        other = self.simulator.orders.take("other_amount", self.about)
        if other is not None:
            transaction.amount = str(other.more["amount"])
        self.simulator.ledger.charges.append(transaction)
        if self.simulator.orders.take("forged_callback", self.about) is not None:
            self._tell(transaction, self.data(transaction) | {"status": "SUCCESSFUL", "financialTransactionId": "1"})
        self.run(transaction, self._reason(transaction))

    def _reason(self, transaction: Transaction) -> str | None:
        return _SANDBOX.get(transaction.payer) if self.environment == "sandbox" else None

    # ------------------------------------------------------------ their course

    def run(self, transaction: Transaction, reason: str | None) -> None:
        """Let a transaction end as ordered, else with `reason`; in the sandbox at once."""
        order = self.simulator.orders.take(FATES, self.about)
        if order is not None:
            self._follow(transaction, order)
        elif self.environment != "sandbox":
            self._end_later(transaction, self.simulator.knobs["settles_after"], reason)
        elif transaction.payer == _SANDBOX_SLOW:
            transaction.status = "CREATED"
            self.simulator.timeline.later(_SLOW_SECONDS / 2, lambda: self._wait(transaction))
            self._end_later(transaction, _SLOW_SECONDS, None)
        elif reason != NEVER:
            self._settle(transaction, reason)
            self.simulator.timeline.later(MOMENT, lambda: self._tell(transaction, self.data(transaction)))

    def _follow(self, transaction: Transaction, order: Order) -> None:
        code, wait = order.more.get("code", "APPROVAL_REJECTED"), self.simulator.knobs["settles_after"]
        if order.kind == "fail":
            status = str(order.more.get("status", "FAILED"))
            self._end_later(transaction, float(order.more.get("seconds", wait)), code, status)
        else:
            self._end_later(transaction, wait, code)
            self._end_later(transaction, wait + float(order.more.get("seconds", LATE_SECONDS)), None)

    def _end_later(self, transaction: Transaction, seconds: float, reason: str | None, status: str = "FAILED") -> None:
        def end() -> None:
            self._settle(transaction, reason, status)
            self._tell(transaction, self.data(transaction))

        self.simulator.timeline.later(seconds, end)

    def _wait(self, transaction: Transaction) -> None:
        if transaction.state == "pending":
            transaction.status = "PENDING"

    def _settle(self, transaction: Transaction, reason: str | None, status: str = "FAILED") -> None:
        now, transaction.reason = self.simulator.timeline.now(), reason
        if reason is None:
            transaction.reference = str(int(transaction.id[:8], 16))
            transaction.settle("SUCCESSFUL", "succeeded", now)
        else:
            transaction.settle(status, "failed", now)

    # ------------------------------------------------------------ how they are shown

    def data(self, transaction: Transaction) -> Json:
        """As look-ups and callbacks show it; X-Reference-Id is not in it."""
        knobs = self.simulator.knobs
        amount = transaction.amount
        if knobs["echo_decimals"]:
            amount = f"{Decimal(amount):.{knobs['echo_decimals']}f}"
        data = {"amount": amount, "currency": transaction.currency, **transaction.shown, "status": transaction.status}
        if transaction.reference is not None:
            data["financialTransactionId"] = transaction.reference
        if transaction.reason is not None:
            message = transaction.reason.replace("_", " ").capitalize()
            as_object = {"code": transaction.reason, "message": message}
            data["reason"] = transaction.reason if knobs["reason_as_string"] else as_object
        return data

    def _tell(self, transaction: Transaction, data: JsonObject) -> None:
        """Send a callback: unsigned, and as a rule once."""
        if transaction.callback_url is not None:
            callback = Callback(
                transaction.id,
                transaction.callback_url,
                json.dumps(data, ensure_ascii=False).encode(),
                method=self.simulator.knobs["callback_method"],
                on=self.about,
                retries=REPEATS if self.simulator.knobs["repeats_callbacks"] else (),
                patience=ACKNOWLEDGED_WITHIN,
            )
            self.simulator.callbacks.post(callback)


class Refunds(Transactions):
    """The refunds of payments."""

    about = "refund"

    def __init__(self, simulator: Simulator, environment: str, payments: Transactions) -> None:
        super().__init__(simulator, environment)
        self._payments = payments

    def made(self, given: Body, **values: Any) -> Transaction:
        """The refund that a request asks for. Raises Refused."""
        of = given.get("referenceIdToRefund")
        if not isinstance(of, str) or not fields.UUID4.fullmatch(of):
            raise fields.bad("referenceIdToRefund must be a UUID of version 4")
        payment = self._payments.known.get(of)
        payee = {"partyIdType": "MSISDN", "partyId": payment.payer} if payment else {}
        shown = ({"payee": payee} if payee else {}) | fields.texts(given)
        return Transaction(payer=payee.get("partyId", ""), of=of, shown=shown, **values)

    def start(self, transaction: Transaction) -> None:
        """Give the money back."""
        reason = self._reason(transaction)
        self.simulator.ledger.refunds.append(transaction)
        self.run(transaction, reason)

    def _reason(self, transaction: Transaction) -> str | None:
        """Why a refund cannot be made, or None."""
        payment = self._payments.known.get(str(transaction.of))
        if payment is None or payment.state != "succeeded":
            return "TRANSACTION_NOT_FOUND"
        given_back = sum(
            Decimal(one.amount)
            for one in self.known.values()
            if one is not transaction and one.of == payment.id and one.state != "failed"
        )
        return "NOT_ALLOWED" if given_back + Decimal(transaction.amount) > Decimal(payment.amount) else None


def _ordered(order: Order) -> Answer:
    return fields.error(int(order.more.get("status", 500)), str(order.more.get("code", "NOT_ALLOWED")))


def host_of(url: str) -> str:
    """The host of an address; empty if there is none."""
    return urlsplit(url).hostname or ""
