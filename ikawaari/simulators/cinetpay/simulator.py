"""CinetPay v1, the API of 2026: login, payments by wallet or on the hosted page, and callbacks that prove nothing.

CinetPay has no documented test numbers. Here the last four digits of the wallet's number are the code of how a direct
payment ends (2005: no money); 2001 and 2002 are a payer who does not answer; any other number pays. The codes 0000 and
1111 of Orange are wrong and too old. On the hosted page, buttons decide.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ikawaari.simulators import pages
from ikawaari.simulators.callbacks import Callback
from ikawaari.simulators.cinetpay import rules
from ikawaari.simulators.cinetpay.rules import COUNTRIES, Country
from ikawaari.simulators.cinetpay.settling import Settled, Settling
from ikawaari.simulators.shapes import Body, Checked
from ikawaari.simulators.web import Answer, Refused, Request, Route, in_json

OK, SUCCESS, NOT_FOUND, OPERATION_ERROR = 200, 100, 404, -1
INVALID_TOKEN, EXPIRED_TOKEN, INVALID_PARAMS, INVALID_CREDENTIALS, TRANSACTION_EXIST = 1002, 1003, 1004, 1005, 1200
INITIATED, PENDING, EXPIRED, OTP_ERROR, OTP_EXPIRED, FAILED, NOT_ALLOWED = 2001, 2002, 2003, 2004, 2008, 2010, 2011
WORDS: Mapping[int, str] = {
    OK: "OK",
    SUCCESS: "SUCCESS",
    NOT_FOUND: "NOT_FOUND",
    OPERATION_ERROR: "OPERATION_ERROR",
    INVALID_TOKEN: "INVALID_TOKEN",
    EXPIRED_TOKEN: "EXPIRED_TOKEN",
    INVALID_PARAMS: "INVALID_PARAMS",
    INVALID_CREDENTIALS: "INVALID_CREDENTIALS",
    TRANSACTION_EXIST: "TRANSACTION_EXIST",
    INITIATED: "INITIATED",
    PENDING: "PENDING",
    EXPIRED: "EXPIRED",
    OTP_ERROR: "OTP_ERROR",
    2005: "INSUFFICIENT_BALANCE",
    2006: "USER_NOT_FOUND",
    2007: "USER_IS_BLOCKED",
    OTP_EXPIRED: "OTP_EXPIRED",
    FAILED: "FAILED",
    NOT_ALLOWED: "NOT_ALLOWED",
}
OPEN = frozenset({INITIATED, PENDING})
FAILURES = frozenset({EXPIRED, OTP_ERROR, 2005, 2006, 2007, OTP_EXPIRED, FAILED, NOT_ALLOWED})
WRONG_CODES: Mapping[str, int] = {"0000": OTP_ERROR, "1111": OTP_EXPIRED}
# The provider's choices of HTTP status are not documented; these are ours. The code is what counts.
HTTP: Mapping[int, int] = {
    NOT_FOUND: 404,
    OPERATION_ERROR: 400,
    INVALID_TOKEN: 401,
    EXPIRED_TOKEN: 401,
    INVALID_PARAMS: 422,
    INVALID_CREDENTIALS: 401,
    TRANSACTION_EXIST: 409,
}
DEFAULT_COUNTRY = "SN"
UNTOLD_TOKEN_SECONDS = 300  # the life of a token whose answer does not say
LATE_SECONDS = 60.0
RETRIES = (60.0, 300.0, 900.0)


@dataclass(kw_only=True)
class Payment(Settled):
    """A payment of one account; `code` is the provider's, `user` the customer as the answers show him."""

    transaction_id: str
    payment_token: str
    notify_token: str
    success_url: str
    failed_url: str
    designation: str
    user: Mapping[str, str]
    is_redirected: bool = False

    def known_as(self, identifier: str) -> bool:
        """Whether that is one of the three names of the payment."""
        return identifier in {self.id, self.transaction_id, self.payment_token}


class CinetPay(Settling):
    """All ten accounts of a merchant, one for each country; `country` says whose settings are shown."""

    PAID, WORDS = SUCCESS, WORDS

    signs_callbacks = False
    extra_orders = frozenset(
        {
            "refuse",  # `code`, `http`: answered at once, nothing is started
            "operation_error",  # -1, although the payment was started
            "redirect",  # a wallet that would be asked directly sends the payer to the page
            "null_tokens",  # payment_token and notify_token are null
            "fail",  # with `code`, instead of being paid
            "fail_then_succeed",  # fails with `code` (EXPIRED) first, and is paid `seconds` later
            "other_amount",  # `amount` is what the payer pays
            "forged_token",  # a callback with a notify_token that is not the payment's
            "premature_callback",  # says SUCCESS of a payment that is not paid
        }
    )

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        """Raises ValueError for a country without CinetPay. `callback_url` is unused: payments name their own."""
        super().__init__(callback_url, country)
        self.knobs |= {
            "expires_after": 1800.0,  # seconds that a payer has
            "token_seconds": 3600,
            "tells_token_life": True,
            "nests_data": False,  # login and status answer inside `data`
            "shows_amounts": False,  # the status answer has amount and currency
            "hidden_ids": [],  # payments that a look-up does not find
        }
        self._tokens: dict[str, tuple[str, float]] = {}  # the account's country, and when it ends

    def routes(self) -> Sequence[Route]:
        """Three calls, and the hosted page."""
        return [
            Route("POST", "/v1/oauth/login", self._login, "login"),
            Route("POST", "/v1/payment", self._create, "charge"),
            Route("GET", "/v1/payment/{identifier}", self._show, "lookup"),
            Route("GET", "/checkout/{token}", self._page, "page"),
            Route("POST", "/checkout/{token}", self._press, "page"),
        ]

    def settings(self) -> Mapping[str, object]:
        """Of the account of `country`."""
        return {"base_url": self.base_url, **credentials(self.country or DEFAULT_COUNTRY)}

    def server_error(self) -> Answer:
        """CinetPay's."""
        return _answer(OPERATION_ERROR, 500, description="An error occurred")

    def not_found(self, request: Request) -> Answer:
        """An address that CinetPay does not have."""
        return _answer(NOT_FOUND, description="Not found")

    # ------------------------------------------------------------ who calls

    def _login(self, request: Request) -> Answer:
        self._refuse_as_ordered("login")
        given = _object(request)
        country = next((code for code in COUNTRIES if credentials(code).items() <= given.items()), None)
        if country is None:
            return _answer(INVALID_CREDENTIALS, description="Invalid credentials")
        token, is_told = f"eyJ{secrets.token_urlsafe(48)}", self.knobs["tells_token_life"]
        seconds = self.knobs["token_seconds"] if is_told else UNTOLD_TOKEN_SECONDS
        self._tokens[token] = country, self.timeline.now() + seconds
        return self._wrapped({"access_token": token} | ({"expires_in": seconds} if is_told else {}), OK)

    def _account(self, request: Request) -> Country:
        """The account whose token came with the request. Raises Refused."""
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        country, ends = self._tokens.get(token, ("", 0.0))
        if scheme != "Bearer" or not country:
            raise Refused(_answer(INVALID_TOKEN, description="Invalid token"))
        if ends <= self.timeline.now():
            raise Refused(_answer(EXPIRED_TOKEN, description="Expired token"))
        return COUNTRIES[country]

    def _refuse_as_ordered(self, on: str) -> None:
        order = self.orders.take("refuse", on)
        if order is not None:
            code = int(order.more.get("code", INVALID_PARAMS))
            words = str(order.more.get("description", "Refused as ordered"))
            raise Refused(_answer(code, order.more.get("http"), description=words))

    # ------------------------------------------------------------ payments

    def _create(self, request: Request) -> Answer:
        self._refuse_as_ordered("charge")
        country = self._account(request)
        body = _object(request)
        if words := rules.problem(body, country):
            return _answer(INVALID_PARAMS, description=words)
        known = self._known(country, str(body["merchant_transaction_id"]))
        if known is not None:
            known.calls += 1
            return _answer(TRANSACTION_EXIST, description="The transaction already exists")
        payment = self._started(country, body)
        is_broken = self.orders.take("operation_error", "charge") is not None
        return _answer(OPERATION_ERROR, description="An error occurred") if is_broken else self._accepted(payment)

    def _started(self, country: Country, body: Checked) -> Payment:
        method = body.get("payment_method") or ""
        has_tokens = self.orders.take("null_tokens", "charge") is None
        payment = Payment(
            id=body["merchant_transaction_id"],
            amount=str(body["amount"]),
            currency=country.currency,
            operator=method,
            payer=body.get("client_phone_number") or "",
            created=self.timeline.now(),
            status=WORDS[INITIATED],
            code=INITIATED,
            country=country,
            transaction_id=f"CP{secrets.randbelow(10**10):010}",
            payment_token=f"ptk_{secrets.token_hex(16)}" if has_tokens else "",
            notify_token=f"ntk_{secrets.token_hex(16)}" if has_tokens else "",
            success_url=body["success_url"],
            failed_url=body["failed_url"],
            notify_url=body["notify_url"],
            designation=body["designation"],
            user=_user(body),
            detour=self._detour(),
            is_redirected=not rules.is_direct(body) or self._sends_away(method, body.get("otp_code")),
        )
        self.ledger.charges.append(payment)
        self.timeline.later(self.knobs["expires_after"], lambda: self._expire(payment))
        if self.orders.take("premature_callback", "charge") is not None:
            self._tell(payment, status=WORDS[SUCCESS])
        if not payment.is_redirected:
            self._ask_wallet(payment, body.get("otp_code"))
        return payment

    def _detour(self) -> tuple[int, float | None] | None:
        order = self.orders.take(frozenset({"fail", "fail_then_succeed"}), "charge")
        if order is None:
            return None
        is_late = order.kind == "fail_then_succeed"
        code = int(order.more.get("code", EXPIRED if is_late else FAILED))
        return code, float(order.more.get("seconds", LATE_SECONDS)) if is_late else None

    def _sends_away(self, method: str, otp: str | None) -> bool:
        """Whether a wallet is paid on the page although a direct payment was asked for."""
        needs_page = method.startswith("WAVE_") or (method in {"OM_SN", "OM_CI", "OM_BF"} and not otp)
        return self.orders.take("redirect", "charge") is not None or needs_page

    def _ask_wallet(self, payment: Payment, otp: str | None) -> None:
        """Prompt the payer; what the wallet refuses on the spot is refused in the answer."""
        payment.code, payment.status = PENDING, WORDS[PENDING]
        ending = int(payment.payer[-4:])
        end = WRONG_CODES.get(otp or "", ending if ending in OPEN | FAILURES else SUCCESS)
        if otp in WRONG_CODES or end == NOT_ALLOWED:
            self._settle(payment, end)
        elif end not in OPEN:
            self._settle_later(payment, end)

    def _accepted(self, payment: Payment) -> Answer:
        has_page = payment.is_redirected and payment.payment_token
        details = {
            "code": payment.code,
            "status": payment.status,
            "message": payment.status.replace("_", " ").capitalize(),
            "must_be_redirected": payment.is_redirected,
        }
        return _answer(
            OK,
            payment_token=payment.payment_token or None,
            notify_token=payment.notify_token or None,
            transaction_id=payment.transaction_id,
            merchant_transaction_id=payment.id,
            payment_url=f"{self.base_url}/checkout/{payment.payment_token}" if has_page else None,
            details=details,
        )

    def _known(self, country: Country, identifier: str) -> Payment | None:
        own = (one for one in self.ledger.charges if isinstance(one, Payment) and one.country is country)
        return next((one for one in own if one.known_as(identifier)), None)

    def _show(self, request: Request) -> Answer:
        self._refuse_as_ordered("lookup")
        payment = self._known(self._account(request), request.params["identifier"])
        if payment is None or payment.id in self.knobs["hidden_ids"]:
            return _answer(NOT_FOUND, description="Transaction not found")
        shown: dict[str, object] = {
            "merchant_transaction_id": payment.id,
            "transaction_id": payment.transaction_id,
            "user": payment.user,
        }
        if self.knobs["shows_amounts"]:
            shown |= {"amount": payment.amount, "currency": payment.currency}
        return self._wrapped(shown, payment.code)

    def _wrapped(self, shown: Mapping[str, object], code: int) -> Answer:
        """An answer with its own code, or that one inside the `data` of an answer that says OK."""
        if self.knobs["nests_data"]:
            return _answer(OK, data={"code": code, "status": WORDS[code], **shown})
        return _answer(code, 200, **shown)

    # ------------------------------------------------------------ how they end

    def _expire(self, payment: Payment) -> None:
        if payment.code in OPEN:
            self._settle(payment, EXPIRED)

    def _tell(self, payment: Payment, **more: str) -> None:
        is_forged = self.orders.take("forged_token", "charge") is not None
        body = {
            "notify_token": "ntk_forged" if is_forged else payment.notify_token or None,
            "merchant_transaction_id": payment.id,
            "transaction_id": payment.transaction_id,
            "user": payment.user,
            **more,
        }
        self.callbacks.post(Callback(payment.id, payment.notify_url, in_json(body).body, retries=RETRIES))

    # ------------------------------------------------------------ the hosted page

    def _opened(self, request: Request) -> Payment:
        """The payment of a page. Raises Refused."""
        token = request.params["token"]
        own = (one for one in self.ledger.charges if isinstance(one, Payment))
        payment = next((one for one in own if one.is_redirected and one.payment_token == token), None)
        if payment is None:
            raise Refused(_answer(NOT_FOUND, description="Not found"))
        return payment

    def _page(self, request: Request) -> Answer:
        payment = self._opened(request)
        buttons = {"pay": "Pay", "decline": "Decline", "cancel": "Cancel"} if payment.code == INITIATED else {}
        return pages.choice("CinetPay", f"{payment.designation}: {payment.amount} {payment.currency}", buttons)

    def _press(self, request: Request) -> Answer:
        """Pay; decline, as the form's `code` says; or cancel, which leaves the payment as it is."""
        payment = self._opened(request)
        form = request.form
        if payment.code == INITIATED and form.get("decision") == "pay":
            payment.code, payment.status = PENDING, WORDS[PENDING]
            self._settle_later(payment, SUCCESS)
        elif payment.code == INITIATED and form.get("decision") == "decline":
            reasons = {str(code): code for code in FAILURES}
            self._settle(payment, reasons.get(form.get("code", ""), FAILED))
        is_good = payment.code in {PENDING, SUCCESS}
        return pages.back_to(payment.success_url if is_good else payment.failed_url)


def credentials(country: str) -> Mapping[str, str]:
    """Those of the account of a country."""
    return {"api_key": f"sk_test_made_up_{country.lower()}", "api_password": f"made-up-{country.lower()}"}


def _answer(code: int, http: int | None = None, /, **more: object) -> Answer:
    return in_json({"code": code, "status": WORDS[code], **more}, http or HTTP.get(code, 200))


def _object(request: Request) -> Body:
    """The body, a JSON object. Raises Refused."""
    try:
        given = request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(_answer(INVALID_PARAMS, description="the body must be a JSON object"))
    return given


def _user(body: Checked) -> Mapping[str, str]:
    return {
        "name": f"{body['client_first_name']} {body['client_last_name']}",
        "email": body["client_email"],
        "phone_number": body.get("client_phone_number") or "",
    }
