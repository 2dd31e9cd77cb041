"""The sandbox as a provider: the verbs and the hooks over the simulated operator."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests

from ikawaari import clock, databases, ids, sealing
from ikawaari.config import Config
from ikawaari.invariants import present
from ikawaari.money import EXPONENTS, Money
from ikawaari.operators import OPERATORS
from ikawaari.providers import values
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Report
from ikawaari.providers.capabilities import Capabilities, Reach, Renewals, Times
from ikawaari.providers.capabilities import Refunds as Refundable
from ikawaari.providers.outcomes import Action, ActionKind, FailureCode, Outcome, Result, unknown
from ikawaari.providers.provider import Checkup, Provider
from ikawaari.providers.sandbox import ledger, world
from ikawaari.providers.sandbox.ledger import Charge, OutgoingCallback, Refund
from ikawaari.providers.sandbox.script import RIGHT_OTP, Answer, Ending, Refunds, Script, script_of
from ikawaari.providers.values import Account, Flow, RefundOrder
from ikawaari.shapes import ColumnValues

SIGNATURE_HEADER = "Sandbox-Signature"
_TOLERANCE_SECONDS = 300
_LONGEST_STAMP = 12  # digits
_CALLBACK_TRIES = 12
# The code that opens each operator's own menu. Wave has none: it is an app.
_DIAL_CODES = {
    "orange_sn": "#144#",
    "free_sn": "#150#",
    "expresso_sn": "#444#",
    "orange_ci": "#144#",
    "mtn_ci": "*133#",
    "moov_ci": "*155#",
    "orange_ml": "#144#",
    "moov_ml": "*166#",
    "orange_bf": "*144#",
    "moov_bf": "*555#",
    "orange_gn": "*144#",
    "mtn_gn": "*440#",
    "mtn_cm": "*126#",
    "orange_cm": "#150#",
    "orange_cd": "*144#",
    "mpesa_cd": "*1122#",
    "airtel_cd": "*501#",
    "africell_cd": "*1010#",
    "mtn_cd": "*242#",
    "mtn_bj": "*880#",
    "moov_bj": "*855#",
    "celtiis_bj": "*889#",
    "tmoney_tg": "*145#",
    "moov_tg": "*155#",
    "airtel_ne": "*436#",
    "moov_ne": "*155#",
    "zamani_ne": "*144#",
}
_NO_REFUNDS = frozenset({"expresso_sn"})


class Sandbox(Provider):
    """The only provider for test objects."""

    name = "sandbox"

    def __init__(self, config: Config) -> None:
        self._database = config.database_url, config.database_pool
        self.delay = timedelta(seconds=config.sandbox_delay_seconds)
        self.prompt = timedelta(seconds=config.sandbox_prompt_seconds)
        self.screen_url = f"{config.pay_url}/sandbox"
        self.account = self._own = Account(
            id=self.name, provider=self.name, livemode=False, callback_url=f"{config.api_url}/callbacks/{self.name}"
        )
        self._keys = sealing.signing_keys([config.secret_key, *config.old_secrets], "sandbox callbacks")
        self.capabilities = Capabilities(
            operators={name: _reach(name) for name in OPERATORS},
            cards=Reach(currencies=frozenset(EXPONENTS), refunds=Refundable.PARTIAL, renewals=Renewals.SAVED_METHOD),
            modes=frozenset({False}),
            times=Times(
                call_timeout=timedelta(seconds=config.charge_timeout_seconds),
                forgets_after=timedelta(seconds=2 * config.charge_timeout_seconds),
                settles_within=timedelta(seconds=config.sandbox_settles_seconds),
            ),
        )

    def connect(self) -> None:
        """Open the ledger."""
        ledger.connect(*self._database)

    def prepare(self) -> None:
        """Create or upgrade the ledger's tables."""
        ledger.prepare()

    def release(self) -> None:
        """Release this thread's connection to the ledger."""
        ledger.release()

    def charge(self, account: Account, request: values.Charge, now: datetime) -> Outcome:
        """Start a charge, or continue the one that has this id (with the code that the payer entered)."""
        script = self._script_of(request)
        with databases.transaction(ledger.database.obj):  # what its payer does at once is stored with the charge
            charge = world.advance(self._open(request, script, now), now)
            if request.otp and charge.status == "pending":
                world.settle(charge, now, succeeded=request.otp == RIGHT_OTP, failure=FailureCode.OTP_INVALID)
                charge = Charge.get_by_id(charge.id)
        if script.answer is Answer.NONE:
            return unknown("no answer")
        if script.answer is Answer.ERROR:
            return unknown("HTTP 500")
        return self._outcome(charge, now, request.operator)

    def lookup(self, account: Account, request: values.Charge, now: datetime) -> Outcome:
        """The charge as the ledger has it."""
        charge = Charge.get_or_none(Charge.id == request.id)
        if charge is None:
            return Outcome(result=Result.NOT_FOUND)
        return self._outcome(world.advance(charge, now), now)

    def cancel(self, account: Account, request: values.Charge, now: datetime) -> Outcome:
        """End a charge whose payer has a page, a QR code, or a code to type. A prompt stays on the phone."""
        charge = Charge.get_or_none(Charge.id == request.id)
        if charge is not None and charge.flow != Flow.USSD_PUSH:
            world.settle(world.advance(charge, now), now, succeeded=False, failure=FailureCode.CANCELED)
        return self.lookup(account, request, now)

    def may_cancel(self, waiting_for: ActionKind) -> bool:
        """As operators do: a prompt that is on a phone cannot be called off."""
        return waiting_for is not ActionKind.USSD

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """Refund immediately, later or never, as scripted; a known id refunds nothing more."""
        charge = Charge.get_or_none(Charge.id == order.charge_id)
        if charge is None or charge.refunds == Refunds.FAIL:
            return Outcome(result=Result.FAILED, failure=FailureCode.NOT_ALLOWED)
        given_at = now + self.delay if charge.refunds == Refunds.SLOW else now
        refund = self._give_back(order, given_at)
        if refund is None:
            return Outcome(result=Result.FAILED, failure=FailureCode.INVALID_AMOUNT)
        return _refunded(refund, order, now)

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """The refund as the ledger has it."""
        refund = Refund.get_or_none(Refund.id == order.id)
        return Outcome(result=Result.NOT_FOUND) if refund is None else _refunded(refund, order, now)

    def check(self, account: Account, now: datetime) -> Checkup:
        """There is nothing that could be wrong."""
        return Checkup(is_usable=True, words="The sandbox is here.")

    def parse_callback(self, account: Account, request: CallbackRequest, now: datetime) -> list[Report]:
        """Parse our own operator's callback: `Sandbox-Signature: t=<unix>,v1=<hex HMAC-SHA256 of "t.body">`."""
        self._verify(request, now)
        try:
            body = json.loads(request.body)
            outcome = _reported(body)
            return [Report(event_id=str(body["event_id"]), charge_id=str(body["charge_id"]), outcome=outcome)]
        except (ValueError, KeyError, TypeError, AssertionError, RecursionError) as error:
            raise CallbackRefused(f"not a callback of the sandbox: {error!r}") from None

    def sign(self, body: bytes, now: datetime) -> str:
        """The signature header's value for `body`."""
        return _signed(self._keys[0], body, clock.unix(now))

    def decide(self, charge_id: str, *, succeeded: bool, failure: str | None, now: datetime) -> CallbackRequest:
        """End a charge as a developer decides. Returns the callback that the operator would send about it now.

        Raises LookupError for a charge that never arrived.
        """
        charge = Charge.get_or_none(Charge.id == charge_id)
        if charge is None:
            raise LookupError(charge_id)
        world.settle(charge, now, succeeded=succeeded, failure=failure or FailureCode.UNKNOWN)
        body = json.dumps(world.report_body(Charge.get_by_id(charge_id))).encode()
        headers = [(SIGNATURE_HEADER, self.sign(body, now))]
        where = urlsplit(self._own.callback_url)
        return CallbackRequest(method="POST", path=where.path, authority=where.netloc, headers=headers, body=body)

    def tick(self, now: datetime) -> None:
        """Advance the simulated world to `now`, and deliver the callbacks that are due by then."""
        world.advance_all(now)
        due = OutgoingCallback.select().where(OutgoingCallback.due_at <= now).order_by(OutgoingCallback.id)
        for callback in list(due):  # read to the end before the first write, as in `world.advance_all`
            self._deliver(callback, now)

    def _give_back(self, request: RefundOrder, given_at: datetime) -> Refund | None:
        """The refund of this id, created by the first call; None if less than that is left of the charge."""
        amount = request.money.amount
        row = {"id": request.id, "charge_id": request.charge_id, "amount": amount, "given_at": given_at}
        with databases.transaction(ledger.database.obj):
            # The same id from two callers at once: the second one waits here, and then finds the refund.
            fresh = Refund.insert(**row).on_conflict_ignore().as_rowcount().execute()
            enough = (Charge.id == request.charge_id) & (Charge.taken - Charge.refunded >= amount)
            if fresh and not Charge.update({Charge.refunded: Charge.refunded + amount}).where(enough).execute():
                Refund.delete().where(Refund.id == request.id).execute()
                return None
            found: Refund = Refund.get_by_id(request.id)
            return found

    def _deliver(self, callback: OutgoingCallback, now: datetime) -> None:
        mine = (OutgoingCallback.id == callback.id) & (OutgoingCallback.tries == callback.tries)
        later = {OutgoingCallback.tries: callback.tries + 1, OutgoingCallback.due_at: now + timedelta(seconds=5)}
        if not OutgoingCallback.update(later).where(mine).execute():
            return  # another worker has it
        if _post(self._own.callback_url, callback.body.encode(), self.sign(callback.body.encode(), now)) or (
            callback.tries >= _CALLBACK_TRIES
        ):
            OutgoingCallback.delete().where(OutgoingCallback.id == callback.id).execute()

    def _verify(self, request: CallbackRequest, now: datetime) -> None:
        given = request.header(SIGNATURE_HEADER) or ""
        stamp = given.partition("t=")[2].partition(",")[0]
        if (
            not stamp.isdecimal()
            or len(stamp) > _LONGEST_STAMP
            or abs(clock.unix(now) - int(stamp)) > _TOLERANCE_SECONDS
        ):
            raise CallbackRefused("no fresh signature")
        expected = [_signed(key, request.body, int(stamp)).encode() for key in self._keys]
        if not any(hmac.compare_digest(given.encode(), signature) for signature in expected):
            raise CallbackRefused("wrong signature")

    def _script_of(self, request: values.Charge) -> Script:
        """The script, for a payer who is asked as the operator can: as preferred, or else its own way."""
        reach = self.capabilities.reach(request.operator)
        if reach is None or not reach.flows:
            return script_of(request)
        request = request if request.flow in reach.flows else replace(request, flow=reach.flows[0])
        script = script_of(request)
        # Who pushes no prompt shows a page instead, also where the number says how it ends.
        pushes = script.flow is not Flow.USSD_PUSH or Flow.USSD_PUSH in reach.flows
        return script if pushes else replace(script, flow=present(request.flow, "it is one of the operator's"))

    def _open(self, request: values.Charge, script: Script, now: datetime) -> Charge:
        """The charge of this id: the first call creates it, and every further call finds it."""
        charge = Charge(**self._columns(request, script, now))
        callbacks = world.play(charge, now)
        if not ledger.insert(charge):
            found: Charge = Charge.get_by_id(request.id)
            return found
        world.queue(callbacks)
        return charge

    def _columns(self, request: values.Charge, script: Script, now: datetime) -> ColumnValues:
        deadline = now + self.prompt
        return {
            "id": request.id,
            "reference": ids.new("sbx"),
            "intent_id": request.intent_id,
            "amount": request.money.amount,
            "currency": request.money.currency,
            "status": "pending",
            "failure": script.failure,
            "ending": script.ending,
            "flow": script.flow,
            "kind": "bank" if request.method_type == "card" else "wallet",
            "takes_half": script.takes_half,
            "noisy": script.noisy,
            "calls_back": script.callbacks,
            "return_url": request.return_url,
            "merchant": request.statement,
            "refunds": Refunds.FAIL if request.operator in _NO_REFUNDS else script.refunds,
            "created_at": now,
            "acts_at": self._acts_at(script, now, deadline),
            "deadline_at": deadline,
        }

    def _acts_at(self, script: Script, now: datetime, deadline: datetime) -> datetime | None:
        if script.ending is Ending.NEVER:
            return None
        if script.at_once:
            return now
        if script.after_prompt or script.ending is Ending.WAITS:
            return deadline
        return now + self.delay

    def _outcome(self, charge: Charge, now: datetime, operator: str | None = None) -> Outcome:
        if charge.status == "succeeded":
            money = Money(charge.taken, charge.currency)
            return Outcome(result=Result.SUCCEEDED, reference=charge.reference, money=money)
        if charge.status == "failed":
            failure = FailureCode(charge.failure or FailureCode.UNKNOWN)
            return Outcome(result=Result.FAILED, reference=charge.reference, failure=failure, raw_code=charge.failure)
        if (
            now >= charge.deadline_at
        ):  # the prompt has disappeared from the phone, and the operator does not report anything yet
            return Outcome(result=Result.PROCESSING, reference=charge.reference)
        return Outcome(
            result=Result.REQUIRES_ACTION,
            reference=charge.reference,
            action=self._action(charge, operator),
            deadline=charge.deadline_at,
        )

    def _action(self, charge: Charge, operator: str | None) -> Action:
        screen = f"{self.screen_url}/{charge.reference}"
        if charge.flow == Flow.REDIRECT:
            return Action(kind=ActionKind.REDIRECT, url=screen)
        if charge.flow == Flow.QR:
            return Action(kind=ActionKind.QR, data=screen)
        kind = ActionKind.OTP if charge.flow == Flow.OTP else ActionKind.USSD
        return Action(kind=kind, dial_code=_DIAL_CODES.get(operator or ""))


def _reach(operator: str) -> Reach:
    """Wave is an app that opens a page: on a phone by its address, from a desktop by a QR code; nobody opens it for a
    renewal. The others push a prompt, or accept a code.
    """
    wave = operator.startswith("wave")
    return Reach(
        currencies=frozenset(EXPONENTS),
        flows=(Flow.REDIRECT, Flow.QR) if wave else (Flow.USSD_PUSH, Flow.OTP, Flow.REDIRECT),
        refunds=Refundable.NONE if operator in _NO_REFUNDS else Refundable.PARTIAL,
        renewals=Renewals.NONE if wave else Renewals.PROMPT,
    )


def _refunded(refund: Refund, order: RefundOrder, now: datetime) -> Outcome:
    if refund.given_at and refund.given_at > now:
        return Outcome(result=Result.PROCESSING, reference=refund.id)
    return Outcome(result=Result.SUCCEEDED, reference=refund.id, money=order.money)


def _signed(key: bytes, body: bytes, stamp: int) -> str:
    return f"t={stamp},v1={hmac.new(key, f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def _reported(body: dict[str, Any]) -> Outcome:
    result = Result(body["status"])
    return Outcome(
        result=result,
        reference=str(body["reference"]),
        money=Money(body["amount"], body["currency"]) if result is Result.SUCCEEDED else None,
        failure=FailureCode(body["failure"]) if result is Result.FAILED else None,
        raw_code=str(body["failure"]) if result is Result.FAILED else None,
    )


def _post(url: str, body: bytes, signature: str) -> bool:
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
    try:
        return requests.post(url, data=body, headers=headers, timeout=5, allow_redirects=False).ok
    except requests.RequestException:
        return False
