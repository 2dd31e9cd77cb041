"""What deposits and refunds have in common: how they end, how they are shown, and their callbacks."""

import json
from dataclasses import dataclass
from decimal import Decimal

from ikawaari.simulators.callbacks import Callback
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.orders import Order
from ikawaari.simulators.pawapay.failures import Rejected, failure_reason
from ikawaari.simulators.pawapay.wallets import NEVER, Wallet
from ikawaari.simulators.shapes import Json, JsonObject
from ikawaari.simulators.web import Answer, Request, in_json

RETRIES = (10.0, 20.0, 40.0, 80.0, 160.0, 290.0, 300.0)  # seconds: callbacks are repeated for 15 minutes
FATES = frozenset({"fail", "fail_then_complete", "in_reconciliation"})
LATE_SECONDS, RECONCILIATION_SECONDS = 60.0, 3600.0


@dataclass(frozen=True)
class Fate:
    """How an operation will end: with a failure code, never, or completed."""

    code: str | None = None
    completes_after: float | None = None  # seconds after its failure
    reconciles: float = 0.0  # seconds

    @staticmethod
    def read(order: Order | None, code: str | None) -> "Fate":
        """What an order says, else what the number says."""
        if order is None:
            return Fate(code)
        seconds = order.more.get("seconds")
        if order.kind == "in_reconciliation":
            return Fate(code, reconciles=float(seconds or RECONCILIATION_SECONDS))
        completes = float(seconds or LATE_SECONDS) if order.kind == "fail_then_complete" else None
        return Fate(str(order.more.get("code", "PAYMENT_NOT_APPROVED")), completes)


@dataclass(kw_only=True)
class Operation(Entry):
    """A deposit or a refund. `shown` are the fields that do not change."""

    id_name: str
    about: str  # `charge` or `refund`, as in orders
    wallet: Wallet
    shown: JsonObject
    created_at: str
    fate: Fate = Fate()
    failure: dict[str, str] | None = None
    reference: str | None = None
    next_step: str | None = None
    authorization_url: str | None = None
    lookups: int = 0


class Operations:
    """The operations of one kind, by their ids."""

    def __init__(self, simulator: Simulator, noun: str, about: str) -> None:
        self.simulator, self.about = simulator, about
        self.id_name = f"{noun}Id"
        self.known: dict[str, Operation] = {}

    # ------------------------------------------------------------ their course

    def run(self, operation: Operation) -> None:
        """Let an accepted operation take its course."""
        seconds = self.simulator.knobs["settles_after"]
        self.simulator.timeline.later(seconds / 2, lambda: self.process(operation))
        self.simulator.timeline.later(seconds, lambda: self.settle(operation))

    def process(self, operation: Operation) -> None:
        """It has reached the wallet."""
        if operation.status == "ACCEPTED":
            operation.status = "PROCESSING"

    def settle(self, operation: Operation) -> None:
        """The wallet has answered; the answer may have to be reconciled first."""
        if operation.state != "pending" or operation.fate.code == NEVER:
            return
        if not operation.fate.reconciles:
            self.end(operation, operation.fate.code)
            return
        operation.status = "IN_RECONCILIATION"
        code = operation.fate.code
        self.simulator.timeline.later(operation.fate.reconciles, lambda: self.end(operation, code))

    def end(self, operation: Operation, code: str | None) -> None:
        """Complete it, or fail it with a code."""
        now = self.simulator.timeline.now()
        operation.next_step = operation.authorization_url = None
        if code is None:
            operation.failure, operation.reference = None, f"SIM{operation.id[:8].upper()}"
            operation.settle("COMPLETED", "succeeded", now)
        else:
            operation.failure = failure_reason(code)
            operation.settle("FAILED", "failed", now)
            if operation.fate.completes_after is not None:
                self.simulator.timeline.later(operation.fate.completes_after, lambda: self.end(operation, None))
        self.call_back(operation)

    # ------------------------------------------------------------ how they are shown

    def data(self, operation: Operation) -> Json:
        """As look-ups show it; what is not known is left out."""
        amount = f"{Decimal(operation.amount):.{self.simulator.knobs['echo_decimals']}f}"
        shown = {
            self.id_name: operation.id,
            "status": operation.status,
            "amount": amount,
            "currency": operation.currency,
            "country": operation.wallet.country,
            **operation.shown,
            "created": operation.created_at,
            "providerTransactionId": operation.reference,
            "failureReason": operation.failure,
            "nextStep": operation.next_step,
            "authorizationUrl": operation.authorization_url,
        }
        return {name: value for name, value in shown.items() if value not in (None, {})}

    def call_back(self, operation: Operation) -> None:
        """Tell the caller's server how it stands."""
        data = self.data(operation)
        data.pop("clientReferenceId", None)
        url = self.simulator.knobs["callback_url"]
        if url:
            body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
            self.simulator.callbacks.post(Callback(operation.id, url, body, on=self.about, retries=RETRIES))

    # ------------------------------------------------------------ endpoints

    def refuse_as_ordered(self) -> None:
        """Carry out an order to refuse the next create. Raises Rejected."""
        order = self.simulator.orders.take("refuse", self.about)
        if order is not None:
            raise Rejected(str(order.more.get("code", "UNSPECIFIED_FAILURE")), "Refused, as ordered.")

    def fate(self, code: str | None) -> Fate:
        """How the next operation ends: as ordered, else with `code`."""
        return Fate.read(self.simulator.orders.take(FATES, self.about), code)

    def repeated(self, operation: Operation) -> Answer:
        """The answer to a create with an id that is known, whatever else it says: nothing is started."""
        operation.calls += 1
        return self.short(operation.id, "DUPLICATE_IGNORED", created=operation.created_at)

    def accepted(self, operation: Operation, **more: str) -> Answer:
        """The answer to a create that was taken."""
        return self.short(operation.id, "ACCEPTED", **more, created=operation.created_at)

    def show(self, request: Request) -> Answer:
        """The status of an operation."""
        operation = self.known.get(request.params["id"])
        if operation is None:
            return in_json({"status": "NOT_FOUND"})
        operation.lookups += 1
        return in_json({"status": "FOUND", "data": self.data(operation)})

    def resend(self, request: Request) -> Answer:
        """Send the callback of an operation that has ended once more."""
        try:
            operation = self.existing(request.params["id"])
            if operation.state == "pending":
                raise Rejected("INVALID_STATE", "There is no callback to resend yet.")
        except Rejected as rejected:
            return rejected.answer(**{self.id_name: request.params["id"]})
        self.call_back(operation)
        return self.short(operation.id, "ACCEPTED")

    def existing(self, operation_id: str) -> Operation:
        """The operation with an id. Raises Rejected."""
        if operation_id not in self.known:
            raise Rejected("NOT_FOUND", f"There is no operation {operation_id}.")
        return self.known[operation_id]

    def short(self, operation_id: str, status: str, **more: str) -> Answer:
        """The answer to whatever is asked of an operation."""
        return in_json({self.id_name: operation_id, "status": status, **more})
