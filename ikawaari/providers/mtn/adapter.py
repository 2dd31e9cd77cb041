"""The verbs of MTN MoMo."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers import outcomes
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint
from ikawaari.providers.capabilities import Capabilities, Reach, Refunds, Renewals, Times
from ikawaari.providers.http import decoded, read
from ikawaari.providers.mtn.answers import found, has_status, not_created, not_missing, trouble
from ikawaari.providers.mtn.client import (
    COLLECTION,
    DISBURSEMENT,
    Client,
    Product,
    environment_of,
    has_disbursement,
)
from ikawaari.providers.mtn.codes import ENVIRONMENTS, SANDBOX
from ikawaari.providers.outcomes import Action, ActionKind, FailureCode, Outcome, Result
from ikawaari.providers.provider import Checkup, Provider
from ikawaari.providers.settings import BASE_URL, Setting
from ikawaari.providers.tokens import Tokens
from ikawaari.providers.values import Account, Charge, Flow, RefundOrder, plain_text
from ikawaari.shapes import JsonObject

NEW_PLATFORM_URL = "https://momoapi.momo.africa"
PROMPT = timedelta(minutes=5)
_LONGEST_MESSAGE = 160
_PENDING_REFUND = Outcome(result=Result.PROCESSING)
_CREDENTIALS = (
    Setting(name="subscription_key", is_secret=True),
    Setting(name="api_user"),
    Setting(name="api_key", is_secret=True),
)


class Mtn(Provider):
    """MTN MoMo Collections, with refunds where the account has settings for Disbursements."""

    name = "mtn"
    is_per_country = True
    live_url = "https://proxy.momoapi.mtn.com"
    test_url = "https://sandbox.momodeveloper.mtn.com"
    settings = (
        BASE_URL,
        *_CREDENTIALS,
        Setting(name="target_environment", choices=(*ENVIRONMENTS, SANDBOX)),
        Setting(name="platform", is_optional=True, choices=("old", "new")),
        Setting(name=DISBURSEMENT.name, is_optional=True, parts=_CREDENTIALS),
    )
    capabilities = Capabilities(
        operators={
            one.operator: Reach(
                currencies=frozenset({one.currency}),
                flows=(Flow.USSD_PUSH,),
                refunds=Refunds.PARTIAL,
                renewals=Renewals.PROMPT,
            )
            for one in ENVIRONMENTS.values()
        },
        modes=frozenset({True, False}),
        times=Times(
            call_timeout=timedelta(seconds=60),
            forgets_after=timedelta(minutes=15),
            settles_within=timedelta(hours=24),
            first_poll=timedelta(seconds=5),
            decisive_polls=(PROMPT + timedelta(seconds=30),),
            lookups_per_second=10,  # MTN answers about 150 calls a second for each key, charges included
        ),
    )

    def __init__(self, config: Config) -> None:
        self._tokens = Tokens()

    def reach(self, account: Account, operator: str | None) -> Reach | None:
        """The operator of the account's environment. The sandbox plays each of them, in euros."""
        reach, name = super().reach(account, operator), environment_of(account)
        if reach is None or (name != SANDBOX and (name not in ENVIRONMENTS or ENVIRONMENTS[name].operator != operator)):
            return None
        currencies = frozenset({"EUR"}) if name == SANDBOX else reach.currencies
        return replace(
            reach, currencies=currencies, refunds=reach.refunds if has_disbursement(account) else Refunds.NONE
        )

    def own_url(self, account: Account) -> str:
        """A payment is known only to the platform that took it."""
        is_new = account.livemode and account.text("platform") == "new"
        return NEW_PLATFORM_URL if is_new else super().own_url(account)

    def charge(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """Send a prompt to the payer's phone."""
        client = self._client(account, COLLECTION, now)
        payer = {"partyIdType": "MSISDN", "partyId": (charge.phone or "").lstrip("+")}
        answer = client.create(charge.id, {**_body(charge.id, charge.money, charge.statement), "payer": payer})
        if has_status(answer, 409):
            return not_missing(found(client.lookup(charge.id), charge.id, _prompted(charge, now)))
        return _prompted(charge, now) if has_status(answer, 202) else not_created(answer)

    def lookup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """What became of the prompt."""
        return found(self._client(account, COLLECTION, now).lookup(charge.id), charge.id, _prompted(charge, now))

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """Return money by Disbursements. Refused if the account has no settings for it, or MTN did not enable it."""
        if not has_disbursement(account):
            return outcomes.refused(FailureCode.NOT_ALLOWED, "no settings for disbursement")
        client = self._client(account, DISBURSEMENT, now)
        body = {**_body(order.id, order.money, "Remboursement"), "referenceIdToRefund": order.charge_id}
        answer = client.create(order.id, body)
        if has_status(answer, 409):
            return not_missing(found(client.lookup(order.id), order.id, _PENDING_REFUND))
        if has_status(answer, 403):
            return outcomes.refused(FailureCode.NOT_ALLOWED, "HTTP 403")
        return _PENDING_REFUND if has_status(answer, 202) else not_created(answer)

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """What became of a refund."""
        return found(self._client(account, DISBURSEMENT, now).lookup(order.id), order.id, _PENDING_REFUND)

    def parse_callback(self, account: Account, request: CallbackRequest, now: datetime) -> Sequence[Hint]:
        """Read an unsigned callback. It does not say whether its id is that of a charge or of a refund."""
        own_id = _own_id(read(decoded(request.body), "externalId"))
        if own_id is None:
            raise CallbackRefused("no externalId that we gave")
        if request.tag is not None and not account.has_tag(request.tag, own_id):
            raise CallbackRefused("the address is not that of the externalId")
        return [Hint(charge_id=own_id), Hint(refund_id=own_id)]

    def check(self, account: Account, now: datetime) -> Checkup:
        """Look something up that does not exist, at each product."""
        with_refunds = has_disbursement(account)
        wrong = _contradiction(account)
        for product in (COLLECTION, DISBURSEMENT) if with_refunds else (COLLECTION,):
            wrong = wrong or trouble(self._client(account, product, now).lookup(str(uuid.uuid4())), product)
        if wrong:
            return Checkup(is_usable=False, words=wrong)
        more = "refunds are possible" if with_refunds else "without settings for disbursement nothing can be refunded"
        return Checkup(is_usable=True, words=f"MTN accepts the credentials for {environment_of(account)}; {more}.")

    def _client(self, account: Account, product: Product, now: datetime) -> Client:
        return Client(self._tokens, self.call(account), account, product, now)


def _body(own_id: str, money: Money, message: str) -> JsonObject:
    """What payments and refunds have in common. A message is left out rather than empty."""
    text = plain_text(message, _LONGEST_MESSAGE)
    messages: JsonObject = {"payerMessage": text, "payeeNote": text} if text else {}
    return {"amount": str(money.major), "currency": money.currency, "externalId": own_id, **messages}


def _prompted(charge: Charge, now: datetime) -> Outcome:
    """The prompt is on the phone; or its time is over, and MTN has not said yet how it ended."""
    deadline = (charge.submitted_at or now) + PROMPT
    if now >= deadline:
        return Outcome(result=Result.PROCESSING)
    return Outcome(result=Result.REQUIRES_ACTION, action=Action(kind=ActionKind.USSD), deadline=deadline)


def _own_id(value: object) -> str | None:
    """`value`, if it looks like an id of ours: a UUID of version 4 in its usual form."""
    try:
        read_id = uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return str(read_id) if read_id and read_id.version == 4 and str(read_id) == value else None


def _contradiction(account: Account) -> str | None:
    """What in the account cannot be together, as a sentence."""
    name = environment_of(account)
    if (name == SANDBOX) == account.livemode:
        return f"target_environment {name} is not for an account of mode {'live' if account.livemode else 'test'}."
    country = ENVIRONMENTS[name].operator[-2:].upper() if name in ENVIRONMENTS else None
    if country and account.country not in {None, country}:
        return f"target_environment {name} is that of {country}, and the account is for {account.country}."
    return None
