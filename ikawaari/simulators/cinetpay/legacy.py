"""CinetPay's legacy API (v2): a hosted page for each payment, a check of its status, and signed notifications.

CinetPay documents no test numbers: on the page, buttons decide. It does not say either what answers an id that was used
before (here 608, as for any other wrong field), an id that it does not know (here 404 without a code), or how long a
page is open. The number in `code` is what counts; the HTTP statuses are ours.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from ikawaari.simulators import pages
from ikawaari.simulators.callbacks import Callback
from ikawaari.simulators.cinetpay import legacy_rules as rules
from ikawaari.simulators.cinetpay.rules import COUNTRIES, Country
from ikawaari.simulators.cinetpay.settling import Settled, Settling
from ikawaari.simulators.shapes import Body, Checked
from ikawaari.simulators.web import Answer, Refused, Request, Route, in_json

SUCCES, CREATED, PAYMENT_FAILED, FIELDS, NO_KEY, NO_SITE = "00", "201", "600", "608", "609", "613"
TO_VALIDATE, ERROR, EXPIRED, CANCELED, WAITING = "623", "624", "625", "627", "662"
WORDS: Mapping[str, str] = {
    SUCCES: "SUCCES",
    CREATED: "CREATED",
    PAYMENT_FAILED: "PAYMENT_FAILED",
    "602": "INSUFFICIENT_BALANCE",
    "603": "SERVICE_UNAVAILABLE",
    "604": "OTP_CODE_ERROR",
    "606": "INCORRECT_SETTINGS",
    FIELDS: "MINIMUM_REQUIRED_FIELDS",
    NO_KEY: "AUTH_NOT_FOUND",
    NO_SITE: "ERROR_SITE_ID_NOTVALID",
    TO_VALIDATE: "WAITING_CUSTOMER_TO_VALIDATE",
    ERROR: "UNKNOWN_ERROR",
    EXPIRED: "ABONNEMENT_OR_TRANSACTIONS_EXPIRED",
    CANCELED: "TRANSACTION_CANCEL",
    "635": "ERROR_PHONE_NUMBER_NOT_FOUND",
    "636": "ERROR_PHONE_NUMBER_NOT_SUPPORTED",
    "641": "ERROR_AMOUNT_TOO_LOW",
    "642": "ERROR_AMOUNT_TOO_HIGH",
    WAITING: "WAITING_CUSTOMER_PAYMENT",
    "663": "WAITING_CUSTOMER_OTP_CODE",
    "664": "WAITING_CUSTOMER_PAYMENT_AT_OPERATOR_SIDE",
    "804": "OPERATOR_UNAVAILABLE",
    "807": "DAILY_MAX_NUMBER_TRANSACTION_REACHED",
}
OPEN = frozenset({WAITING, TO_VALIDATE})
SIGNED = (  # in this order, without anything in between
    *("cpm_site_id", "cpm_trans_id", "cpm_trans_date", "cpm_amount", "cpm_currency", "signature", "payment_method"),
    *("cel_phone_num", "cpm_phone_prefixe", "cpm_language", "cpm_version", "cpm_payment_config", "cpm_page_action"),
    *("cpm_custom", "cpm_designation", "cpm_error_message"),
)
DEFAULT_COUNTRY = "SN"
LATE_SECONDS = 60.0
RETRIES = (60.0, 300.0, 900.0)


@dataclass(kw_only=True)
class Payment(Settled):
    """A payment of one service; `code` is the provider's."""

    token: str
    return_url: str
    description: str
    metadata: str
    language: str
    signature: str


class LegacyCinetPay(Settling):
    """Ten services of a merchant, one for each country; `country` says whose settings are shown."""

    PAID, WORDS = SUCCES, WORDS

    extra_orders = frozenset(
        {
            "refuse",  # `code`, `description`, `http`: answered at once, nothing is started
            "fail",  # with `code`, instead of being paid
            "fail_then_succeed",  # fails with `code` first, and is paid `seconds` later
            "other_amount",  # `amount` is what the payer pays
            "no_address",  # the page has none
        }
    )

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        """Raises ValueError for a country without CinetPay. `callback_url` is unused: payments name their own."""
        super().__init__(callback_url, country)
        self.knobs |= {
            "expires_after": 1800.0,  # seconds that a payer has
            "shows_amounts": True,  # the check has amount, currency, status and metadata; its older form has not
            "tells_waiting": False,  # a notification while the payer is asked to confirm, too
            "hidden_ids": [],  # payments that a check does not find
        }

    def routes(self) -> Sequence[Route]:
        """Two calls, the hosted page, and where the pages are: an answer that is lost says it to nobody else."""
        return [
            Route("POST", "/v2/payment", self._create, "charge"),
            Route("POST", "/v2/payment/check", self._check, "lookup"),
            Route("GET", "/payment/{token}", self._page, "page"),
            Route("POST", "/payment/{token}", self._press, "page"),
            Route("GET", "/_sim/pages", lambda _: in_json({one.id: self._url(one) for one in self._payments()})),
        ]

    def settings(self) -> Mapping[str, object]:
        """Of the service of `country`."""
        return {"base_url": self.base_url, **credentials(self.country or DEFAULT_COUNTRY)}

    def server_error(self) -> Answer:
        """CinetPay's."""
        return _answer(ERROR, 500)

    def sign(self, method: str, url: str, body: bytes, is_good: bool) -> Mapping[str, str]:
        """The header `x-token`, by the secret key of the service that the form names."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        own = next(code for code in COUNTRIES if credentials(code)["site_id"] == form["cpm_site_id"])
        key = credentials(own)["secret_key"] if is_good else "the key of somebody else"
        return {"x-token": token_of(form, key)}

    # ------------------------------------------------------------ the two calls

    def _service(self, request: Request, on: str) -> tuple[Country, Body]:
        """Whose call it is, and its body. Raises Refused."""
        order = self.orders.take("refuse", on)
        if order is not None:
            code, more = str(order.more.get("code", FIELDS)), order.more
            raise Refused(_answer(code, more.get("http"), description=more.get("description", "Refused as ordered")))
        body = _object(request)
        country = next((one for one in COUNTRIES if credentials(one)["apikey"] == body.get("apikey")), None)
        if country is None:
            raise Refused(_answer(NO_KEY))
        if body.get("site_id") != credentials(country)["site_id"]:
            raise Refused(_answer(NO_SITE))
        return COUNTRIES[country], body

    def _create(self, request: Request) -> Answer:
        country, body = self._service(request, "charge")
        words = rules.problem(body, country)
        known = None if words else self._known(country, body["transaction_id"])
        if known is not None:
            known.calls += 1
            words = "transaction_id was used before"
        if words:
            return _answer(FIELDS, description=words)
        payment = self._started(country, body)
        has_address = self.orders.take("no_address", "charge") is None
        data = {"payment_token": payment.token, "payment_url": self._url(payment) if has_address else None}
        return _answer(CREATED, description="Transaction created with success", data=data)

    def _started(self, country: Country, body: Checked) -> Payment:
        payment = Payment(
            id=body["transaction_id"],
            amount=str(body["amount"]),
            currency=body["currency"],
            operator="",
            payer="",
            created=self.timeline.now(),
            status=WORDS[WAITING],
            code=WAITING,
            country=country,
            token=secrets.token_hex(32),
            notify_url=body["notify_url"],
            return_url=body["return_url"],
            description=body["description"],
            metadata=body.get("metadata") or "",
            language=body.get("lang") or "fr",
            signature=secrets.token_hex(20),
            detour=self._detour(),
        )
        self.ledger.charges.append(payment)
        self.timeline.later(self.knobs["expires_after"], lambda: self._expire(payment))
        return payment

    def _detour(self) -> tuple[str, float | None] | None:
        order = self.orders.take(frozenset({"fail", "fail_then_succeed"}), "charge")
        if order is None:
            return None
        is_late = order.kind == "fail_then_succeed"
        return str(order.more.get("code", PAYMENT_FAILED)), (
            float(order.more.get("seconds", LATE_SECONDS)) if is_late else None
        )

    def _known(self, country: Country, transaction_id: object) -> Payment | None:
        own = (one for one in self._payments() if one.country is country)
        return next((one for one in own if one.id == transaction_id), None)

    def _payments(self) -> Sequence[Payment]:
        return [one for one in self.ledger.charges if isinstance(one, Payment)]

    def _check(self, request: Request) -> Answer:
        country, body = self._service(request, "lookup")
        payment = self._known(country, body.get("transaction_id"))
        if payment is None or payment.id in self.knobs["hidden_ids"]:
            return in_json({"message": "Transaction not found"}, 404)
        is_paid = payment.code == SUCCES
        has_ended = payment.code not in OPEN
        shown: dict[str, object] = {
            "payment_method": payment.operator or None,
            "operator_id": f"MP{payment.signature[:12]}" if is_paid else None,
            "payment_date": _date(payment.settled) if is_paid and payment.settled else " ",
        }
        if self.knobs["shows_amounts"]:
            shown |= {"amount": payment.amount, "currency": payment.currency, "description": payment.description}
            shown |= {"status": "ACCEPTED" if is_paid else "REFUSED" if has_ended else "WAITING_FOR_CUSTOMER"}
            shown |= {"metadata": payment.metadata or None}
        return _answer(payment.code, data=shown)

    # ------------------------------------------------------------ how they end

    def _expire(self, payment: Payment) -> None:
        if payment.code == WAITING:
            self._settle(payment, EXPIRED)

    def _tell(self, payment: Payment) -> None:
        values = (
            *(credentials(payment.country.code)["site_id"], payment.id, _date(payment.created), payment.amount),
            *(payment.currency, payment.signature, payment.operator, payment.payer, payment.country.calling_code),
            *(payment.language, "V4", "SINGLE", "PAYMENT", payment.metadata, payment.description, payment.status),
        )
        body = urlencode(dict(zip(SIGNED, values, strict=True))).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self.callbacks.post(Callback(payment.id, payment.notify_url, body, headers=kind, retries=RETRIES))

    # ------------------------------------------------------------ the hosted page

    def _url(self, payment: Payment) -> str:
        return f"{self.base_url}/payment/{payment.token}"

    def _opened(self, request: Request) -> Payment:
        """The payment of a page. Raises Refused."""
        payment = next((one for one in self._payments() if one.token == request.params["token"]), None)
        if payment is None:
            raise Refused(Answer(404))
        return payment

    def _page(self, request: Request) -> Answer:
        payment = self._opened(request)
        buttons = {"pay": "Pay", "decline": "Decline"} if payment.code == WAITING else {}
        return pages.choice("CinetPay", f"{payment.description}: {payment.amount} {payment.currency}", buttons)

    def _press(self, request: Request) -> Answer:
        """Pay, or decline, as the form's `code` says. Then a button leads back to the shop, by POST."""
        payment, form = self._opened(request), request.form
        if payment.code == WAITING and form.get("decision") == "pay":
            payment.operator, payment.payer = "OM", "770001234"
            payment.code, payment.status = TO_VALIDATE, WORDS[TO_VALIDATE]
            if self.knobs["tells_waiting"]:
                self._tell(payment)
            self._settle_later(payment, SUCCES)
        elif payment.code == WAITING and form.get("decision") == "decline":
            code = form.get("code", "")
            self._settle(payment, code if code in WORDS else CANCELED)
        names = {"token": payment.token, "transaction_id": payment.id}
        return pages.handed_back("CinetPay", payment.status, payment.return_url, names)


def credentials(country: str) -> Mapping[str, str]:
    """Those of the service of a country."""
    name, number = country.lower(), sorted(COUNTRIES).index(country)
    return {"apikey": f"made_up_{name}", "site_id": f"10590{number}", "secret_key": f"made_up_secret_{name}"}


def token_of(form: Mapping[str, str], secret_key: str) -> str:
    """What the header `x-token` has for a notification."""
    signed = "".join(form[name] for name in SIGNED)
    return hmac.new(secret_key.encode(), signed.encode(), hashlib.sha256).hexdigest()


def _answer(code: str, http: int | None = None, /, **more: object) -> Answer:
    said = {"code": code, "message": WORDS[code], **more, "api_response_id": f"{secrets.randbelow(10**10)}.{code}"}
    return in_json(said, http or {SUCCES: 200, CREATED: 200, FIELDS: 400, NO_KEY: 403, NO_SITE: 403}.get(code, 200))


def _object(request: Request) -> Body:
    """The body, a JSON object. Raises Refused."""
    try:
        given = request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(_answer(FIELDS, description="the body must be a JSON object"))
    return given


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
