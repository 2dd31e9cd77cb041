"""Payments on pawaPay's own pages: the payment page of one deposit, and checkouts, which can be ended."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ikawaari.simulators import pages
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.pawapay import fields
from ikawaari.simulators.pawapay.deposits import Deposits
from ikawaari.simulators.pawapay.failures import Rejected, json_object
from ikawaari.simulators.pawapay.operations import Operation
from ikawaari.simulators.pawapay.wallets import COUNTRY_NAMES, WALLETS
from ikawaari.simulators.shapes import Body, Json, JsonObject
from ikawaari.simulators.timeline import stamp
from ikawaari.simulators.web import Answer, Request, Route, in_json

PAGE_SECONDS = 900.0
_PAGE, _CHECKOUT = "/pay/page/{id}", "/pay/checkout/{id}"
_PAGE_FIELDS = {
    *("depositId", "returnUrl", "amountDetails", "phoneNumber", "language", "country", "reason"),
    *("customerMessage", "metadata"),
}
_CHECKOUT_FIELDS = {
    *("checkoutId", "returnUrl", "defaultLanguage", "countries", "expiresAfter", "amounts", "clientReferenceId"),
    *("reason", "metadata"),
}


@dataclass
class Offer:
    """What a customer may pay on a page: an amount for each of some countries."""

    id: str
    return_url: str
    amounts: Mapping[tuple[str, str], str]  # by country and currency
    created: float
    expires: float
    more: Body = field(default_factory=dict)  # fields for its deposits
    ended: float | None = None  # when it was ended by hand
    deposits: list[Operation] = field(default_factory=list)

    def choices(self) -> dict[str, str]:
        """The wallets that can pay, as `WALLET CURRENCY`, and their labels."""
        return {
            f"{wallet.name} {currency}": f"{wallet.label}: {self.amounts[wallet.country, currency]} {currency}"
            for wallet in WALLETS.values()
            for currency in wallet.currencies
            if (wallet.country, currency) in self.amounts
        }

    def request(self, deposit_id: str, decision: str, number: str) -> Json:
        """The deposit that a customer's choice asks for. Raises Rejected."""
        if decision not in self.choices():
            raise fields.invalid("provider", "is not offered")
        name, currency = decision.split()
        wallet = WALLETS[name]
        given: Json = {
            "depositId": deposit_id,
            "amount": self.amounts[wallet.country, currency],
            "currency": currency,
            "payer": {"type": "MMO", "accountDetails": {"phoneNumber": number, "provider": name}},
            **self.more,
        }
        urls = dict.fromkeys(("successfulUrl", "failedUrl"), self.return_url)
        return given | urls if wallet.flow == "REDIRECT_AUTH" else given


class _Pages:
    """Offers, and the page on which they are paid."""

    pattern: str

    def __init__(self, simulator: Simulator, deposits: Deposits) -> None:
        self.simulator, self.deposits = simulator, deposits
        self.offers: dict[str, Offer] = {}

    def screens(self) -> Sequence[Route]:
        """The page's routes."""
        return [Route("GET", self.pattern, self._page), Route("POST", self.pattern, self._pay)]

    def address(self, offer: Offer) -> str:
        """Where the page is."""
        return self.simulator.base_url + self.pattern.replace("{id}", offer.id)

    def is_open(self, offer: Offer) -> bool:
        """Whether it can be paid."""
        is_paid = any(deposit.state != "failed" for deposit in offer.deposits)
        return not is_paid and offer.ended is None and self.simulator.timeline.now() < offer.expires

    def deposit_id(self, offer: Offer) -> str:
        """The id of the next deposit."""
        raise NotImplementedError

    def _find(self, request: Request) -> Offer | None:
        offer = self.offers.get(request.params["id"])
        return offer if offer and self.is_open(offer) else None

    def _page(self, request: Request) -> Answer:
        offer = self._find(request)
        if offer is None:
            return Answer(404)
        return pages.choice("Boutique Awa", "Choose your wallet.", offer.choices(), {"phoneNumber": "Number"})

    def _pay(self, request: Request) -> Answer:
        offer = self._find(request)
        if offer is None:
            return Answer(404)
        number = re.sub(r"[^0-9]", "", request.form.get("phoneNumber", ""))
        try:
            given = offer.request(self.deposit_id(offer), request.form.get("decision", ""), number)
            deposit = self.deposits.checked(given)
        except Rejected as rejected:
            return rejected.answer()
        offer.deposits.append(deposit)
        self.deposits.start(deposit)
        return pages.back_to(offer.return_url)


class PaymentPages(_Pages):
    """A page for one deposit, which does not exist before the customer presses Pay."""

    pattern = _PAGE

    def create(self, request: Request) -> Answer:
        """POST /v2/paymentpage."""
        given = json_object(request)
        fields.only(given, _PAGE_FIELDS)
        deposit_id = fields.uuid4(given, "depositId")
        if deposit_id not in self.offers:
            self.offers[deposit_id] = self._offer(deposit_id, given)
        return in_json({"redirectUrl": self.address(self.offers[deposit_id])})

    def deposit_id(self, offer: Offer) -> str:
        """The deposit has the id that its page has."""
        return offer.id

    def _offer(self, deposit_id: str, given: Body) -> Offer:
        """Raises Rejected."""
        country, details = fields.text(given, "country"), given.get("amountDetails")
        if not isinstance(details, dict):
            raise Rejected("MISSING_PARAMETER", "The request is missing a required parameter: amountDetails.")
        amounts = {(country, fields.text(details, "currency")): fields.amount(details)}
        more = {name: given[name] for name in ("customerMessage", "metadata") if name in given}
        now = self.simulator.timeline.now()
        return Offer(deposit_id, fields.text(given, "returnUrl"), amounts, now, now + PAGE_SECONDS, more)


class Checkouts(_Pages):
    """A page for as many tries as a customer needs, until it expires or is ended."""

    pattern = _CHECKOUT

    def create(self, request: Request) -> Answer:
        """POST /v2/checkouts."""
        given = json_object(request)
        fields.only(given, _CHECKOUT_FIELDS)
        checkout_id = fields.uuid4(given, "checkoutId")
        status = "DUPLICATE_IGNORED"
        if checkout_id not in self.offers:
            self.offers[checkout_id], status = self._offer(checkout_id, given), "ACCEPTED"
        return in_json({**self._shown(self.offers[checkout_id]), "status": status})

    def deposit_id(self, offer: Offer) -> str:
        """Each try has an id of its own."""
        return str(uuid.uuid4())

    def show(self, request: Request) -> Answer:
        """GET /v2/checkouts/{id}."""
        offer = self.offers.get(request.params["id"])
        if offer is None:
            return in_json({"status": "NOT_FOUND"})
        history = [self.deposits.data(deposit) for deposit in offer.deposits]
        data = {**self._shown(offer), "status": self._status(offer), "depositsHistory": history}
        return in_json({"status": "FOUND", "data": data})

    def expire(self, request: Request) -> Answer:
        """POST /v2/checkouts/{id}/expire."""
        offer = self.offers.get(request.params["id"])
        if offer is None:
            raise Rejected("NOT_FOUND", "There is no such checkout.")
        if not self.is_open(offer):
            raise Rejected("INVALID_STATE", "The checkout cannot be ended any more.")
        offer.ended = self.simulator.timeline.now()
        ended = {"expiredAt": stamp(offer.ended), "reason": "MANUAL_EXPIRY", "expiredBy": "API"}
        return in_json({"checkoutId": offer.id, "status": "EXPIRED", **ended})

    def _status(self, offer: Offer) -> str:
        states = {deposit.state for deposit in offer.deposits}
        if "succeeded" in states:
            return "COMPLETED"
        if "pending" in states:
            return "PROCESSING"
        if self.is_open(offer):
            return "WAITING_PAYMENT"
        return "FAILED" if states and offer.ended is None else "EXPIRED"

    def _shown(self, offer: Offer) -> JsonObject:
        times = {"created": stamp(offer.created), "expiresAt": stamp(offer.expires)}
        return {
            "checkoutId": offer.id,
            "redirectUrl": self.address(offer),
            **times,
            "checkoutCode": offer.id[:8].upper(),
        }

    def _offer(self, checkout_id: str, given: Body) -> Offer:
        """Raises Rejected."""
        minutes, listed = given.get("expiresAfter", 60), given.get("amounts")
        countries: Any = given.get("countries", [])
        if type(minutes) is not int or minutes < 1:
            raise fields.invalid("expiresAfter", "must be a number of minutes")
        if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
            raise fields.invalid("amounts", "must be a list of objects")
        if not set(countries) <= set(COUNTRY_NAMES):
            raise fields.invalid("countries", "must be countries of this account")
        amounts = {(fields.text(one, "country"), fields.text(one, "currency")): fields.amount(one) for one in listed}
        now = self.simulator.timeline.now()
        return Offer(checkout_id, fields.text(given, "returnUrl"), amounts, now, now + minutes * 60.0)
