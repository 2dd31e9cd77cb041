"""Wallets and their statements: what moved, in the words of the documents, as a CSV at an address of its own."""

import csv
import io
import json
import secrets
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ikawaari.simulators.callbacks import Callback
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.pawapay import fields
from ikawaari.simulators.pawapay.failures import Rejected, failure_reason, json_object
from ikawaari.simulators.pawapay.operations import RETRIES
from ikawaari.simulators.pawapay.wallets import WALLETS
from ikawaari.simulators.shapes import Body, JsonObject
from ikawaari.simulators.timeline import stamp
from ikawaari.simulators.web import Answer, Request, in_json

FILE = "/_files/{secret}/statement.csv"
_FIELDS = {"wallet", "callbackUrl", "startDate", "endDate", "compressed"}
_LONGEST = timedelta(days=31)
_HEADINGS = (
    *("Creation Date", "MSISDN", "Transaction ID", "Amount", "Currency", "Country", "MNO", "Type", "Balance", "Reason"),
    "Metadata",
)
_FEES = {"pawaPay deposit fee": Decimal("0.01"), "Deposit pass-through fee": Decimal("0.005")}


@dataclass(kw_only=True)
class Statement:
    """A statement of one wallet, which is ready at the second look-up."""

    id: str
    wallet: Mapping[str, str]
    since: str
    until: str
    created: str
    callback_url: str
    secret: str
    lookups: int = 0
    failure: Mapping[str, str] | None = None


class Statements:
    """The statements that were asked for."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._known: dict[str, Statement] = {}

    def balances(self, _request: Request) -> Answer:
        """GET /v2/wallet-balances."""
        named = {(one.country, currency) for one in WALLETS.values() for currency in one.currencies}
        listed = [
            {
                "country": country,
                "balance": str(sum(amount for *_, amount in self._moves(country, currency))),
                "currency": currency,
                "provider": "",
            }
            for country, currency in sorted(named)
        ]
        return in_json({"balances": listed})

    def create(self, request: Request) -> Answer:
        """POST /v2/statements."""
        given = json_object(request)
        fields.only(given, _FIELDS)
        since, until = _instant(given, "startDate"), _instant(given, "endDate")
        if not since < until <= since + _LONGEST:
            raise fields.invalid("endDate", "must be within 31 days after startDate")
        made = Statement(
            id=str(uuid.uuid4()),
            wallet=_wallet(given),
            since=f"{given['startDate']}Z",
            until=f"{given['endDate']}Z",
            created=self._simulator.timeline.stamp(),
            callback_url=fields.text(given, "callbackUrl"),
            secret=secrets.token_urlsafe(24),
        )
        if (order := self._simulator.orders.take("refuse", "report")) is not None:
            raise Rejected(str(order.more.get("code", "INVALID_INPUT")), "Refused, as ordered.")
        if (order := self._simulator.orders.take("fail", "report")) is not None:
            made.failure = failure_reason(str(order.more.get("code", "UNKNOWN_ERROR")))
        self._known[made.id] = made
        return in_json({"statementId": made.id, "status": "ACCEPTED", "created": made.created})

    def show(self, request: Request) -> Answer:
        """GET /v2/statements/{id}. At the first look-up it is never ready."""
        found = self._known.get(request.params["id"])
        if found is None:
            return in_json({"status": "NOT_FOUND"})
        found.lookups += 1
        if found.lookups == 2:
            body = json.dumps(self._data(found), separators=(",", ":")).encode()
            self._simulator.callbacks.post(Callback(found.id, found.callback_url, body, on="report", retries=RETRIES))
        return in_json({"status": "FOUND", "data": self._data(found)})

    def file(self, request: Request) -> Answer:
        """The CSV, for whoever knows its address."""
        found = next((one for one in self._known.values() if one.secret == request.params["secret"]), None)
        if found is None:
            return Answer(404)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_HEADINGS)
        balance = Decimal(0)
        for at, kind, entry, amount in self._moves(found.wallet["country"], found.wallet["currency"]):
            balance += amount
            if found.since <= stamp(at) < found.until:
                who = (entry.payer, entry.id, amount, entry.currency, found.wallet["country"], entry.operator)
                writer.writerow([stamp(at), *who, kind, balance, "", "{}"])
        return Answer(200, text.getvalue().encode(), "text/csv")

    def _data(self, statement: Statement) -> JsonObject:
        is_done = statement.lookups > 1
        status = "FAILED" if is_done and statement.failure else "COMPLETED" if is_done else "PROCESSING"
        url = self._simulator.base_url + FILE.replace("{secret}", statement.secret)
        ready = {"downloadUrl": url, "completedAt": statement.created} if status == "COMPLETED" else {}
        return {
            "statementId": statement.id,
            "status": status,
            "wallet": statement.wallet,
            "created": statement.created,
            "startDate": statement.since.removesuffix("Z"),
            "endDate": statement.until.removesuffix("Z"),
            **ready,
            **({"failureReason": statement.failure} if status == "FAILED" else {}),
        }

    def _moves(self, country: str, currency: str) -> Iterator[tuple[float, str, Entry, Decimal]]:
        """What changed a wallet, and when, with the types of the documents; a refund's money goes when it is asked."""
        moves: list[tuple[float, str, Entry, Decimal]] = []
        for entry in self._simulator.ledger.charges:
            if entry.state == "succeeded" and entry.settled is not None:
                amount = Decimal(entry.amount)
                moves.append((entry.settled, "Deposit", entry, amount))
                unit = Decimal(10) ** -WALLETS[entry.operator].currencies[entry.currency]
                fees = [(kind, (amount * part).quantize(unit)) for kind, part in _FEES.items()]
                moves += [(entry.settled, kind, entry, -fee) for kind, fee in fees]
        for entry in self._simulator.ledger.refunds:
            moves.append((entry.created, "Refund", entry, -Decimal(entry.amount)))
            if entry.state == "failed" and entry.settled is not None:
                moves.append((entry.settled, "Failed refund reversal", entry, Decimal(entry.amount)))
        here = [move for move in moves if (WALLETS[move[2].operator].country, move[2].currency) == (country, currency)]
        yield from sorted(here, key=lambda move: move[0])


def _wallet(given: Body) -> Mapping[str, str]:
    """The wallet that a request names: each country has one for each currency. Raises Rejected."""
    wallet = given.get("wallet")
    if not isinstance(wallet, dict):
        raise Rejected("MISSING_PARAMETER", "The request is missing a required parameter: wallet.")
    fields.only(wallet, {"country", "currency", "provider"})
    named = {name: fields.text(wallet, name) for name in ("country", "currency")}
    if not any(one.country == named["country"] and named["currency"] in one.currencies for one in WALLETS.values()):
        raise fields.invalid("wallet", "is not one of this account")
    return named


def _instant(given: Body, name: str) -> datetime:
    """A time, as the documents write it. Raises Rejected."""
    try:
        return datetime.strptime(fields.text(given, name), "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - all are in UTC
    except ValueError:
        raise fields.invalid(name, "must be a time") from None
