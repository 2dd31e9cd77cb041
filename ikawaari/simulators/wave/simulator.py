"""Wave Checkout: sessions that the payer opens in the app or on a page, refunds of the whole, signed webhooks.

Wave has no sandbox and no test numbers: what happens on the page at `wave_launch_url` decides.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence

from ikawaari.simulators import pages
from ikawaari.simulators.callbacks import Callback
from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.shapes import Checked
from ikawaari.simulators.timeline import Action
from ikawaari.simulators.wave import errors, rules
from ikawaari.simulators.wave.business import BusinessApi
from ikawaari.simulators.wave.rules import CURRENCIES
from ikawaari.simulators.wave.sessions import COMPLETE, EXPIRED, PAYER_ERRORS, Session
from ikawaari.simulators.web import Answer, Refused, Request, Route, in_json

LATE_SECONDS = 60.0
RETRIES = (10.0, 60.0, 600.0, 3600.0, 21_600.0, 86_400.0, 144_000.0)  # about three days
ACKNOWLEDGED = tuple(range(200, 300))
PATIENCE_SECONDS = 5.0  # that a receiver has
OTHER_SECRET = "not-a-secret-of-this-wallet"  # noqa: S105  # signs what must be refused


class Wave(BusinessApi):
    """Checkout of all wallets of a business; webhooks are set up for that of `country` (SN) alone."""

    extra_orders = frozenset(
        {
            "refuse",  # with `code`, and the HTTP status `http`: nothing is carried out
            "late_success",  # a session that expires is paid `seconds` later all the same
            "paid_before_expire",  # the payer is a moment faster than the call that ends the session
            "other_amount",  # `amount` is what the payer pays
        }
    )

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        """Raises ValueError for a country without Wave."""
        super().__init__(callback_url, country)
        self.knobs |= {
            "settles_after": 0.0,
            "session_seconds": 1800.0,
            "refunds_after": 0.0,
            "fee_percent": 1.0,  # of a payment, as its transaction says
            "webhook_mode": "signing",  # or `shared`: the secret itself is sent
            "sends_two_signatures": False,  # as while a secret is replaced
            "bare_failures": False,  # payment_failed names the session by its id alone
        }

    def routes(self) -> Sequence[Route]:
        """Sessions and refunds, the account of the business, and the payer's page."""
        sessions = "/v1/checkout/sessions"
        return [
            Route("POST", sessions, self._create, "charge"),
            Route("GET", f"{sessions}/search", self._search, "lookup"),
            Route("GET", sessions, self._show_transaction, "lookup"),
            Route("GET", f"{sessions}/{{id}}", self._show, "lookup"),
            Route("POST", f"{sessions}/{{id}}/expire", self._expire_now, "cancel"),
            Route("POST", f"{sessions}/{{id}}/refund", self._refund, "refund"),
            Route("POST", "/v1/transactions/{transaction_id}/refund", self._refund, "refund"),
            *self.business_routes(),
            Route("GET", "/c/{id}", self._page, "page"),
            Route("POST", "/c/{id}", self._press, "page"),
            Route("POST", "/_sim/webhook", self._send_event),
        ]

    def sign(self, method: str, url: str, body: bytes, is_good: bool) -> Mapping[str, str]:
        """As the portal was told: by a signature, or by the secret itself."""
        secret = rules.webhook_secret(self.wallet) if is_good else OTHER_SECRET
        if self.knobs["webhook_mode"] == "shared":
            return {"Authorization": f"Bearer {secret}"}
        now = int(time.time())
        makers = [OTHER_SECRET, secret] if self.knobs["sends_two_signatures"] else [secret]
        return {"Wave-Signature": ",".join([f"t={now}", *(f"v1={rules.signature(one, now, body)}" for one in makers)])}

    # ------------------------------------------------------------ sessions

    def _create(self, request: Request) -> Answer:
        wallet = self.authenticate(request, "charge")
        body = self.body(request)
        if words := rules.problems(body, CURRENCIES[wallet]):
            raise self.invalid(words)
        checked: Checked = body
        business = self.name_for(wallet, checked.get("aggregated_merchant_id"))
        session = Session.opened(checked, wallet, business, self.timeline.now(), self.knobs["session_seconds"])
        self.ledger.charges.append(session)
        self.timeline.later(self.knobs["session_seconds"], lambda: self._expire(session))
        return in_json(session.shown(self.base_url))

    def _sessions(self) -> Iterator[Session]:
        return (one for one in self.ledger.charges if isinstance(one, Session))

    def _one(self, request: Request, on: str, **names: str | None) -> Session:
        """The caller's session with that attribute. Raises Refused."""
        wallet = self.authenticate(request, on)
        for session in self._sessions():
            if session.wallet == wallet and all(getattr(session, name) == value for name, value in names.items()):
                return session
        raise Refused(self.error(errors.NOT_FOUND))

    def _show(self, request: Request) -> Answer:
        return in_json(self._one(request, "lookup", session_id=request.params["id"]).shown(self.base_url))

    def _show_transaction(self, request: Request) -> Answer:
        transaction_id = request.query.get("transaction_id")
        return in_json(self._one(request, "lookup", transaction_id=transaction_id).shown(self.base_url))

    def _search(self, request: Request) -> Answer:
        wallet, reference = self.authenticate(request, "lookup"), request.query.get("client_reference")
        if not reference:
            raise self.invalid({"client_reference": rules.MISSING})
        found = [one for one in self._sessions() if (one.wallet, one.reference) == (wallet, reference)]
        return in_json({"result": [session.shown(self.base_url) for session in found]})

    def _expire_now(self, request: Request) -> Answer:
        session = self._one(request, "cancel", session_id=request.params["id"])
        if self.orders.take("paid_before_expire", "cancel") is not None:
            self._complete(session)
        if not session.is_open:
            raise Refused(self.error(errors.NOT_OPEN))
        self._expire(session)
        return Answer()

    # ------------------------------------------------------------ refunds

    def _refund(self, request: Request) -> Answer:
        """Of the whole, once however often it is asked for."""
        names = {"session_id": request.params.get("id"), "transaction_id": request.params.get("transaction_id")}
        session = self._one(request, "refund", **{name: value for name, value in names.items() if value})
        if request.body and (body := self.body(request)):
            raise self.invalid(dict.fromkeys(body, rules.EXTRA))
        if session.status != COMPLETE:
            raise Refused(self.error(errors.REFUND_FAILED))
        if not session.refund_asked:
            self._give_back(session)
        return Answer()

    def _give_back(self, session: Session) -> None:
        session.refund_asked = True
        whole = session.amount, session.currency, session.operator, session.payer
        refund = Entry(session.session_id, *whole, self.timeline.now(), "processing", of=session.id)
        self.ledger.refunds.append(refund)

        def settle() -> None:
            session.refunded = self.timeline.now()
            refund.settle("reversed", "succeeded", session.refunded)

        self._after(self.knobs["refunds_after"], settle)

    # ------------------------------------------------------------ how sessions end

    def _after(self, seconds: float, action: Action) -> None:
        """Later, or at once if there is nothing to wait for."""
        if seconds:
            self.timeline.later(seconds, action)
        else:
            action()

    def _complete(self, session: Session) -> None:
        """The payer's money has moved: once, and not into a session that has ended."""
        if session.is_open:
            self._pay(session)

    def _pay(self, session: Session) -> None:
        other = self.orders.take("other_amount", "charge")
        if other is not None:
            session.amount = str(other.more["amount"])
        session.last_error = None
        session.settle(COMPLETE, "succeeded", self.timeline.now())
        self._tell("checkout.session.completed", session.shown(self.base_url), session)

    def _expire(self, session: Session) -> None:
        if session.is_open:
            session.settle(EXPIRED, "failed", self.timeline.now())
            late = self.orders.take("late_success", "charge")
            if late is not None:
                self.timeline.later(float(late.more.get("seconds", LATE_SECONDS)), lambda: self._pay(session))

    # ------------------------------------------------------------ webhooks

    def _tell(self, kind: str, data: Mapping[str, object], session: Session) -> None:
        if self.knobs["callback_url"] and session.wallet == self.wallet:
            self._post(session.id, kind, data)

    def _post(self, about: str, kind: str, data: object) -> None:
        body = in_json({"id": f"EV_{secrets.token_hex(8)}", "type": kind, "data": data}).body
        url, patience = self.knobs["callback_url"], PATIENCE_SECONDS
        self.callbacks.post(Callback(about, url, body, retries=RETRIES, acknowledged=ACKNOWLEDGED, patience=patience))

    def _tell_failure(self, session: Session) -> None:
        data = {"id": session.session_id, "last_payment_error": session.last_error}
        if not self.knobs["bare_failures"]:
            data |= {"client_reference": session.reference, "payment_status": "failed"}
        self._tell("checkout.session.payment_failed", data, session)

    def _send_event(self, request: Request) -> Answer:
        """Send a webhook of any type and with any data, signed as all others: what tests want."""
        given = self.body(request)
        self._post("", str(given.get("type", "test.test_event")), given.get("data", {}))
        return Answer(202)

    # ------------------------------------------------------------ the payer

    def _opened(self, request: Request) -> Session:
        """The session of a page. Raises Refused."""
        session = next((one for one in self._sessions() if one.session_id == request.params["id"]), None)
        if session is None:
            raise Refused(self.error(errors.NOT_FOUND))
        return session

    def _page(self, request: Request) -> Answer:
        session = self._opened(request)
        choices = {"pay": "Pay", "decline": "Decline", "cancel": "Cancel"} if session.is_open else {}
        text = f"{session.business}: {session.amount} {session.currency}"
        return pages.choice("Wave", text, choices, {"mobile": "Your number"} if choices else None)

    def _press(self, request: Request) -> Answer:
        """Pay, from `mobile`; fail to, as the form's `code` says; or go away: only paying ends the session."""
        session, form = self._opened(request), request.form
        decision, mobile = form.get("decision"), form.get("mobile") or session.mobile or ""
        if session.is_open and decision == "pay" and session.mobile in {None, mobile}:
            session.payer = mobile
            self._after(self.knobs["settles_after"], lambda: self._complete(session))
            return pages.back_to(session.success_url)
        if session.is_open and decision in {"pay", "decline"}:
            code = form.get("code", "insufficient-funds") if decision == "decline" else "payer-mobile-mismatch"
            session.fail_try(code if code in PAYER_ERRORS else "payment-failure")
            self._tell_failure(session)
        return pages.back_to(session.success_url if session.status == COMPLETE else session.error_url)
