"""Refunds: a customer gets back what was paid, or a part of it."""

from decimal import Decimal

from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.pawapay import fields
from ikawaari.simulators.pawapay.deposits import Deposits
from ikawaari.simulators.pawapay.failures import Rejected, json_object
from ikawaari.simulators.pawapay.operations import Operation, Operations
from ikawaari.simulators.pawapay.wallets import refund_fate
from ikawaari.simulators.shapes import Checked, Json
from ikawaari.simulators.web import Answer, Request

LOOK_SECONDS = 30.0  # how often a refund that waits looks whether its wallet is back
_FIELDS = {"refundId", "depositId", "amount", "currency", "clientReferenceId", "metadata"}


class Refunds(Operations):
    """The refunds of deposits."""

    def __init__(self, simulator: Simulator, deposits: Deposits) -> None:
        super().__init__(simulator, "refund", "refund")
        self._deposits = deposits

    def create(self, request: Request) -> Answer:
        """POST /v2/refunds."""
        given = json_object(request)
        refund_id = fields.uuid4(given, "refundId")
        if refund_id in self.known:
            return self.repeated(self.known[refund_id])
        try:
            refund = self._checked(given)
        except Rejected as rejected:
            is_old = self.simulator.knobs["v1_rejections"]
            answer = rejected.answer_of_version_1 if is_old else rejected.answer
            return answer(refundId=refund_id)
        self.known[refund.id] = refund
        self.simulator.ledger.refunds.append(refund)
        self.run(refund)
        return self.accepted(refund)

    def _checked(self, given: Checked) -> Operation:
        """The refund that a request asks for. Raises Rejected."""
        self.refuse_as_ordered()
        if not self.simulator.knobs["refunds_allowed"]:
            raise Rejected("REFUNDS_NOT_ALLOWED", "Refunds are not enabled for your account.")
        fields.only(given, _FIELDS)
        deposit_id = fields.uuid4(given, "depositId")
        fields.client_reference(given)
        shown: Json = {"depositId": deposit_id, "metadata": fields.metadata(given)}
        asked = fields.amount(given) if "amount" in given else None
        if asked is not None:
            fields.text(given, "currency")
        deposit = self._refundable(deposit_id)
        amount = self._within_the_rest(deposit, asked)
        if fields.currency({"currency": deposit.currency, **given}, deposit.wallet) != deposit.currency:
            raise Rejected("INVALID_CURRENCY", "A refund has the currency of its deposit.")
        if self._state_of(deposit) == "CLOSED":
            raise Rejected("PROVIDER_TEMPORARILY_UNAVAILABLE", f"{deposit.operator} is closed at the moment.")
        return Operation(
            id=given["refundId"],
            of=deposit.id,
            amount=amount,
            currency=deposit.currency,
            operator=deposit.operator,
            payer=deposit.payer,
            created=self.simulator.timeline.now(),
            status="ACCEPTED",
            id_name=self.id_name,
            about=self.about,
            wallet=deposit.wallet,
            shown=shown | {"recipient": deposit.shown["payer"]},
            created_at=self.simulator.timeline.stamp(),
            fate=self.fate(refund_fate(deposit.payer)),
        )

    def _refundable(self, deposit_id: str) -> Operation:
        """The deposit, if it can be refunded now. Raises Rejected."""
        deposit = self._deposits.known.get(deposit_id)
        if deposit is None:
            raise Rejected("NOT_FOUND", f"There is no deposit {deposit_id}.")
        if deposit.state != "succeeded":
            raise Rejected("INVALID_STATE", "Only a completed deposit can be refunded.")
        if any(refund.of == deposit.id and refund.state == "pending" for refund in self.known.values()):
            raise Rejected("REFUND_IN_PROGRESS", "Another refund of this deposit is being processed.")
        return deposit

    def _within_the_rest(self, deposit: Operation, asked: str | None) -> str:
        """The amount to give back: what was asked, or all that is left. Raises Rejected."""
        given_back = sum(
            Decimal(one.amount) for one in self.known.values() if one.of == deposit.id and one.state == "succeeded"
        )
        rest = Decimal(deposit.amount) - given_back
        if not rest:
            raise Rejected("DEPOSIT_ALREADY_REFUNDED", "The deposit has been refunded.")
        if asked is None:
            return str(rest)
        if Decimal(asked) > rest:
            raise Rejected("AMOUNT_TOO_LARGE", f"Only {rest} can be refunded.")
        return asked

    def _state_of(self, operation: Operation) -> str:
        return str(self.simulator.knobs["availability"].get(operation.operator, "OPERATIONAL"))

    # ------------------------------------------------------------ a wallet that is delayed

    def run(self, operation: Operation) -> None:
        """Wait until the wallet is back, then take its course."""
        if self._state_of(operation) == "OPERATIONAL":
            super().run(operation)
        else:
            operation.status = "ENQUEUED"
            self.simulator.timeline.later(LOOK_SECONDS, lambda: self._look(operation))

    def _look(self, operation: Operation) -> None:
        if operation.status == "ENQUEUED":
            operation.status = "ACCEPTED"
            self.run(operation)

    def fail_enqueued(self, request: Request) -> Answer:
        """POST /v2/refunds/fail-enqueued/{id}: give up a refund that waits."""
        refund = self.existing(request.params["id"])
        if refund.status != "ENQUEUED":
            raise Rejected("INVALID_STATE", "Only an enqueued refund can be failed.")
        self.end(refund, "MANUALLY_CANCELLED")
        return self.short(refund.id, "ACCEPTED")
