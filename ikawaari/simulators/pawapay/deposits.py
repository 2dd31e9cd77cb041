"""Deposits: a customer pays."""

from ikawaari.simulators import pages
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.pawapay import fields
from ikawaari.simulators.pawapay.failures import Rejected, json_object
from ikawaari.simulators.pawapay.operations import Fate, Operation, Operations
from ikawaari.simulators.shapes import Checked
from ikawaari.simulators.web import Answer, Request

BUSY_SECONDS = 600.0  # how long a prompt keeps its wallet busy
REDIRECT_SECONDS = 1800.0  # how long a customer may take on the wallet's page
AUTHORIZE = "/authorize/{id}"
_FIELDS = {
    *("depositId", "amount", "currency", "payer", "customerMessage", "clientReferenceId", "metadata"),
    *("preAuthorisationCode", "successfulUrl", "failedUrl"),
}
_SHOWN = ("payer", "customerMessage", "clientReferenceId", "successfulUrl", "failedUrl")


class Deposits(Operations):
    """The deposits, and the page of redirect wallets."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator, "deposit", "charge")

    def create(self, request: Request) -> Answer:
        """POST /v2/deposits."""
        given = json_object(request)
        deposit_id = fields.uuid4(given, "depositId")
        if deposit_id in self.known:
            return self.repeated(self.known[deposit_id])
        try:
            deposit = self.checked(given)
        except Rejected as rejected:
            return rejected.answer(depositId=deposit_id)
        return self.start(deposit)

    def start(self, deposit: Operation) -> Answer:
        """Take a deposit, and ask its customer."""
        is_busy = self.simulator.knobs["one_prompt_per_wallet"] and self._is_busy(deposit)
        other = self.simulator.orders.take("other_amount", self.about)
        if other is not None:
            deposit.amount = str(other.more["amount"])
        self.known[deposit.id] = deposit
        self.simulator.ledger.charges.append(deposit)
        if is_busy:
            deposit.fate = Fate("PAYMENT_IN_PROGRESS")
        if deposit.wallet.flow == "REDIRECT_AUTH" and not is_busy:
            return self._redirect(deposit)
        self.run(deposit)
        return self.accepted(deposit, nextStep="FINAL_STATUS")

    def checked(self, given: Checked) -> Operation:
        """The deposit that a request asks for. Raises Rejected."""
        self.refuse_as_ordered()
        if not self.simulator.knobs["deposits_allowed"]:
            raise Rejected("DEPOSITS_NOT_ALLOWED", "Deposits are not enabled for your account.")
        fields.only(given, _FIELDS)
        amount = fields.amount(given)
        number, wallet = fields.payer(given)
        money = fields.currency(given, wallet)
        fields.customer_message(given)
        fields.client_reference(given)
        fields.what_the_flow_needs(given, wallet)
        shown = {name: given[name] for name in _SHOWN if name in given} | {"metadata": fields.metadata(given)}
        if not wallet.owns(number):
            raise Rejected("INVALID_PHONE_NUMBER", f"The number is none of {wallet.name}.")
        fields.within_the_wallet(amount, money, wallet)
        if self.simulator.knobs["availability"].get(wallet.name, "OPERATIONAL") != "OPERATIONAL":
            raise Rejected("PROVIDER_TEMPORARILY_UNAVAILABLE", f"{wallet.name} takes no payments at the moment.")
        return Operation(
            id=given["depositId"],
            amount=amount,
            currency=money,
            operator=wallet.name,
            payer=number,
            created=self.simulator.timeline.now(),
            status="ACCEPTED",
            id_name=self.id_name,
            about=self.about,
            wallet=wallet,
            shown=shown,
            created_at=self.simulator.timeline.stamp(),
            fate=self.fate(wallet.deposit_fate(number)),
        )

    def _is_busy(self, deposit: Operation) -> bool:
        """Whether the wallet still shows another prompt."""
        since = self.simulator.timeline.now() - BUSY_SECONDS
        return any(
            other.state == "pending" and (other.wallet, other.payer) == (deposit.wallet, deposit.payer)
            for other in self.known.values()
            if other.created > since
        )

    # ------------------------------------------------------------ redirect wallets

    def _redirect(self, deposit: Operation) -> Answer:
        timeline, wait = self.simulator.timeline, self.simulator.knobs["settles_after"]
        timeline.later(REDIRECT_SECONDS, lambda: self._leave(deposit))
        if self.simulator.knobs["auth_url_at_once"]:
            self._offer(deposit)
            url = str(deposit.authorization_url)
            return self.accepted(deposit, nextStep="REDIRECT_TO_AUTH_URL", authorizationUrl=url)
        timeline.later(wait, lambda: self._offer(deposit))
        return self.accepted(deposit, nextStep="GET_AUTH_URL")

    def _offer(self, deposit: Operation) -> None:
        """The wallet's page is ready."""
        if deposit.state == "pending" and deposit.authorization_url is None:
            deposit.status, deposit.next_step = "PROCESSING", "REDIRECT_TO_AUTH_URL"
            deposit.authorization_url = self.simulator.base_url + AUTHORIZE.replace("{id}", deposit.id)
            self.call_back(deposit)

    def _leave(self, deposit: Operation) -> None:
        """The customer never came."""
        if deposit.state == "pending":
            self.end(deposit, "PAYMENT_NOT_APPROVED")

    def show(self, request: Request) -> Answer:
        """GET /v2/deposits/{id}. The first one of a redirect wallet's never has the address of its page."""
        deposit = self.known.get(request.params["id"])
        if deposit is not None and deposit.wallet.flow == "REDIRECT_AUTH" and deposit.lookups == 1:
            self._offer(deposit)
        return super().show(request)

    def page(self, request: Request) -> Answer:
        """The wallet's page."""
        deposit = self.known.get(request.params["id"])
        if deposit is None or deposit.authorization_url is None:
            return Answer(404)
        text = f"{deposit.amount} {deposit.currency}"
        return pages.choice(deposit.wallet.label, text, {"pay": "Pay", "decline": "Decline"})

    def decide(self, request: Request) -> Answer:
        """What the customer decided on the wallet's page; it leads back to the shop."""
        deposit = self.known.get(request.params["id"])
        if deposit is None or "successfulUrl" not in deposit.shown:
            return Answer(404)
        if deposit.authorization_url is not None:
            if request.form.get("decision") == "pay":
                self.settle(deposit)
            else:
                self.end(deposit, "PAYMENT_NOT_APPROVED")
        return pages.back_to(str(deposit.shown["failedUrl" if deposit.state == "failed" else "successfulUrl"]))
