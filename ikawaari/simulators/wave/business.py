"""What a business has at Wave beside its sessions: balance, transactions, and merchants for whom it collects.

Their fields are those of docs.wave.com/balance-api: an amount is the change of the balance, without the fee.
"""

import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal

from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.shapes import Json, JsonObject
from ikawaari.simulators.timeline import stamp
from ikawaari.simulators.wave import errors, rules
from ikawaari.simulators.wave.api import WaveApi
from ikawaari.simulators.wave.sessions import Session
from ikawaari.simulators.web import Answer, Refused, Request, Route, in_json

NAME = "Boutique Awa"
PAGE = 100  # transactions in an answer


class BusinessApi(WaveApi):
    """The calls about the business; sessions come on top."""

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        super().__init__(callback_url, country)
        self._merchants: dict[str, Json] = {}

    def business_routes(self) -> Sequence[Route]:
        """Balance, transactions, aggregated merchants."""
        merchants = "/v1/aggregated_merchants"
        return [
            Route("GET", "/v1/balance", self._balance, "report"),
            Route("GET", "/v1/transactions", self._transactions, "report"),
            Route("POST", merchants, self._add_merchant, "merchant"),
            Route("GET", merchants, self._list_merchants, "merchant"),
            Route("GET", f"{merchants}/{{id}}", self._show_merchant, "merchant"),
            Route("PUT", f"{merchants}/{{id}}", self._change_merchant, "merchant"),
        ]

    def name_for(self, wallet: str, merchant_id: str | None) -> str:
        """Whom the payer pays. Raises Refused for a merchant that the wallet does not have."""
        if merchant_id is None:
            return NAME
        merchant = self._merchants.get(merchant_id)
        if merchant is None or merchant["wallet"] != wallet:
            raise self.invalid({"aggregated_merchant_id": "no such merchant"})
        return str(merchant["name"])

    # ------------------------------------------------------------ money

    def _moves(self, wallet: str) -> list[tuple[Entry, Decimal]]:
        """What came into a wallet, and what went back, in the order in which it happened."""
        came = [(entry, self._net(entry)) for entry in self.ledger.charges]
        went = [(entry, -self._net(entry)) for entry in self.ledger.refunds]
        own = [
            (entry, amount)
            for entry, amount in came + went
            if entry.state == "succeeded" and entry.operator == rules.operator(wallet)
        ]
        return sorted(own, key=lambda move: move[0].settled or 0.0)

    def _net(self, entry: Entry) -> Decimal:
        """What stays of an amount when Wave has taken its fee."""
        return Decimal(entry.amount) - self._fee(entry)

    def _fee(self, entry: Entry) -> int:
        return round(Decimal(entry.amount) * Decimal(self.knobs["fee_percent"]) / 100)

    def _balance(self, request: Request) -> Answer:
        wallet = self.authenticate(request, "report")
        amount = sum((amount for _, amount in self._moves(wallet)), Decimal(0))
        return in_json({"amount": str(amount), "currency": rules.CURRENCIES[wallet]})

    def _transactions(self, request: Request) -> Answer:
        """Those of `date` (today's), from the cursor `after` on."""
        wallet = self.authenticate(request, "report")
        date, after = request.query.get("date") or self.timeline.stamp()[:10], request.query.get("after", "0")
        shown = [self._shown(entry, amount) for entry, amount in self._moves(wallet)]
        items = [one for one in shown if str(one["timestamp"]).startswith(date)]
        start = int(after) if after.isdecimal() else 0
        end = start + PAGE
        page_info = {"end_cursor": str(end), "has_next_page": end < len(items)}
        return in_json({"page_info": page_info, "date": date, "items": items[start:end]})

    def _shown(self, entry: Entry, amount: Decimal) -> Mapping[str, object]:
        """A transaction: a payment is the session itself, and a refund is of one."""
        charges = [one for one in self.ledger.charges if isinstance(one, Session)]
        session = next(one for one in charges if entry is one or entry.id == one.session_id)
        is_refund, fee = entry is not session, self._fee(entry)
        return {
            "timestamp": stamp(entry.settled or entry.created),
            "transaction_id": f"{session.transaction_id}{'R' * is_refund}",
            "transaction_type": "api_checkout_refund" if is_refund else "api_checkout",
            "amount": str(amount),
            "fee": str(-fee if is_refund else fee),
            "currency": entry.currency,
            "is_reversal": is_refund,
            "counterparty_mobile": entry.payer,
            "client_reference": session.reference,
            "checkout_api_session_id": session.session_id,
        }

    # ------------------------------------------------------------ aggregated merchants

    def _add_merchant(self, request: Request) -> Answer:
        wallet = self.authenticate(request, "merchant")
        merchant_id = f"am-{secrets.token_hex(6)}"
        self._merchants[merchant_id] = {**self._named(request), "id": merchant_id, "wallet": wallet}
        return in_json(_public(self._merchants[merchant_id]))

    def _list_merchants(self, request: Request) -> Answer:
        wallet = self.authenticate(request, "merchant")
        own = [_public(one) for one in self._merchants.values() if one["wallet"] == wallet]
        return in_json({"page_info": {"end_cursor": None, "has_next_page": False}, "items": own})

    def _show_merchant(self, request: Request) -> Answer:
        return in_json(_public(self._merchant(request)))

    def _change_merchant(self, request: Request) -> Answer:
        merchant = self._merchant(request)
        merchant |= self._named(request)
        return in_json(_public(merchant))

    def _merchant(self, request: Request) -> Json:
        wallet = self.authenticate(request, "merchant")
        merchant = self._merchants.get(request.params["id"])
        if merchant is None or merchant["wallet"] != wallet:
            raise Refused(self.error(errors.NO_MERCHANT))
        return merchant

    def _named(self, request: Request) -> JsonObject:
        body = self.body(request)
        name = body.get("name")
        if not isinstance(name, str) or not name.strip():
            raise self.invalid({"name": rules.MISSING})
        return {name: value for name, value in body.items() if name not in {"id", "wallet"}}


def _public(merchant: JsonObject) -> JsonObject:
    return {name: value for name, value in merchant.items() if name != "wallet"}
