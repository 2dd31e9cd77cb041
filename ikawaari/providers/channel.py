"""A provider through one account: where charges are sent, and the only place that calls an adapter's verbs."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from ikawaari import logs, meters, tracing
from ikawaari.providers import http
from ikawaari.providers.capabilities import Capabilities, Condition, Health, Reach, Times
from ikawaari.providers.outcomes import ActionKind, FailureCode, Outcome, Result, unknown
from ikawaari.providers.provider import Checkup, Provider, Verb
from ikawaari.providers.settings import Setting
from ikawaari.providers.statements import Line, NoStatement
from ikawaari.providers.values import Account, Charge, RefundOrder
from ikawaari.shapes import CardFields

log = structlog.get_logger()
T = TypeVar("T")
_FAULTS = (FailureCode.PROVIDER_UNAVAILABLE, FailureCode.CONFIGURATION_ERROR)  # counted as such, not as declines


def _pass(_account_id: str, _wait: timedelta) -> None:
    """Nobody minds that an account was told to wait."""


@dataclass(frozen=True)
class Channel:
    """The verbs with their account. Whatever an adapter does, what comes back is an Outcome that its verb may have."""

    provider: Provider
    account: Account
    merchant_id: str | None = None  # whose account it is; None: the house's, for all merchants
    said: Mapping[tuple[str, str], Condition] = field(default_factory=dict)  # last, by operator and currency
    told_to_wait: Callable[[str, timedelta], None] = _pass  # who minds if the account was asked too often, by its id

    @property
    def id(self) -> str:
        """The account's: attempts and refunds belong to it."""
        return self.account.id

    @property
    def capabilities(self) -> Capabilities:
        """What the provider can do."""
        return self.provider.capabilities

    @property
    def settings(self) -> Sequence[Setting]:
        """Which settings an account of its kind has."""
        return self.provider.settings_of(self.account.settings)

    @property
    def times(self) -> Times:
        """How long things take there."""
        return self.provider.capabilities.times

    def reach(self, operator: str | None) -> Reach | None:
        """What the account can do for that operator (None: for cards); None if nothing."""
        return self.provider.reach(self.account, operator)

    @property
    def card_fields(self) -> CardFields | None:
        """What a page needs to take a card for the account."""
        return self.provider.card_fields(self.account)

    def reach_now(self, operator: str | None) -> Reach | None:
        """The same for new charges, as the provider said last, which counts before what is always so."""
        always = self.reach(operator)
        said = {code: one for code in always.currencies if (one := self.condition(operator, code))} if always else {}
        if always is None or not said:
            return always
        currencies = always.currencies - _not_taken(said)
        limits = {code: one.limits for code, one in said.items() if one.limits}
        return replace(always, currencies=currencies, limits={**always.limits, **limits}) if currencies else None

    def condition(self, operator: str | None, currency: str) -> Condition | None:
        """What the provider said last of an operator and currency, if anything."""
        return self.said.get((operator, currency)) if operator else None

    def conditions(self, now: datetime) -> Sequence[Condition]:
        """Ask the provider what it says now; empty if it does not answer."""
        return self._asked(lambda: self.provider.conditions(self.account, now), ())

    def identify(self, card_token: str, now: datetime) -> str | None:
        """What is the same for all tokens of a card; None if the provider does not say."""
        return self._asked(lambda: self.provider.identify(self.account, card_token, now), None)

    @property
    def identifies(self) -> bool:
        """Whether it may."""
        return Verb.IDENTIFY in self.provider.verbs

    def charge(self, charge: Charge, now: datetime) -> Outcome:
        """Ask for the money, or send the code."""
        return self._answer_of("charge", charge, lambda: self.provider.charge(self.account, charge, now))

    def setup(self, charge: Charge, now: datetime) -> Outcome:
        """Save a card, and take nothing."""
        return self._answer_of("setup", charge, lambda: self.provider.setup(self.account, charge, now))

    @property
    def saves_first(self) -> bool:
        """Whether a card must be saved there before it can be charged off session."""
        return Verb.SETUP in self.provider.verbs

    def lookup(self, charge: Charge, now: datetime) -> Outcome:
        """What became of a charge."""
        return _not_refused(self._answer_of("lookup", charge, lambda: self.provider.lookup(self.account, charge, now)))

    def cancel(self, charge: Charge, now: datetime) -> Outcome:
        """End a charge that nobody has paid yet, or what it has come to instead.

        That it has ended is believed once a look-up says so: another payment may start then.
        """
        outcome = _not_refused(
            self._answer_of("cancel", charge, lambda: self.provider.cancel(self.account, charge, now))
        )
        return self.lookup(charge, now) if outcome.result is Result.FAILED else outcome

    @property
    def cancels(self) -> bool:
        """Whether it can."""
        return Verb.CANCEL in self.provider.verbs

    def may_cancel(self, waiting_for: ActionKind) -> bool:
        """Whether it can end a charge whose payer has that to do."""
        return self.provider.may_cancel(waiting_for)

    def refund(self, order: RefundOrder, now: datetime) -> Outcome:
        """Return money."""
        return self._answer_of("refund", order, lambda: self.provider.refund(self.account, order, now))

    def lookup_refund(self, order: RefundOrder, now: datetime) -> Outcome:
        """What became of a refund."""
        return _not_refused(
            self._answer_of("lookup_refund", order, lambda: self.provider.lookup_refund(self.account, order, now))
        )

    def statement(self, since: datetime, until: datetime, now: datetime) -> Iterator[Line]:
        """All payments and refunds of that time, as the provider lists them. Raises NoStatement."""
        try:
            yield from self.provider.statement(self.account, since, until, now)
        except NoStatement:
            raise
        except Exception:
            log.exception("provider_adapter_failed", account=self.id)
            raise NoStatement("The adapter failed; the log says where.") from None
        finally:
            self._note_wait()

    def check(self, now: datetime) -> Checkup:
        """Whether the account's settings are good, in words."""
        failed = Checkup(is_usable=False, words="The adapter failed; the log says where.")
        return self._asked(lambda: self.provider.check(self.account, now), failed)

    def _answer_of(self, verb: str, given: Charge | RefundOrder, ask: Callable[[], Outcome]) -> Outcome:
        """The outcome of a call. If the adapter raises, nobody knows whether money moved: unknown, never failed."""
        if not isinstance(given, Charge) or not given.is_setup:
            logs.ATTEMPT_ID.set(given.id if isinstance(given, Charge) else given.charge_id)
        began = time.monotonic()
        with tracing.span(
            f"provider {verb}", tracing.Kind.CLIENT, account=self.id, operator=given.operator or meters.CARDS
        ):
            outcome = self._asked(ask, unknown("the adapter failed"))
            tracing.note(result=outcome.result.value)
        self._count(verb, given.operator, outcome, time.monotonic() - began)
        if outcome.failure is FailureCode.CONFIGURATION_ERROR:
            # The payer may see nothing of it, because another account was asked; its operator must.
            log.error("provider_settings_refused", account=self.id, code=outcome.raw_code)
        return outcome

    def _count(self, verb: str, operator: str | None, outcome: Outcome, seconds: float) -> None:
        mode = meters.mode(self.account.livemode)
        result = outcome.failure if outcome.failure in _FAULTS else outcome.result
        meters.PROVIDER_CALLS.count(self.id, mode, verb, operator or meters.CARDS, result)
        meters.PROVIDER_SECONDS.observe(seconds, self.id, mode, verb)

    def _asked(self, ask: Callable[[], T], otherwise: T) -> T:
        """What an adapter answers; `otherwise` if it raises. If its provider wants to be left alone, that is noted."""
        try:
            return ask()
        except Exception:
            log.exception("provider_adapter_failed", account=self.id)
            return otherwise
        finally:
            self._note_wait()

    def _note_wait(self) -> None:
        """If the provider wants to be left alone, that is noted."""
        if wait := http.take_wait(self.id):
            self.told_to_wait(self.id, wait)


def _not_taken(said: Mapping[str, Condition]) -> frozenset[str]:
    """The currencies of an operator that the account does not have, or that are not open while another one is.

    If none is open, its breaker decides: see `checkout.breakers`.
    """
    some_open = any(one.health is Health.OPEN for one in said.values())
    out = {Health.ABSENT, Health.DELAYED, Health.CLOSED} if some_open else {Health.ABSENT}
    return frozenset(code for code, one in said.items() if one.health in out)


def _not_refused(outcome: Outcome) -> Outcome:
    """Only who was asked to start something can refuse that: a look-up that says so knows nothing of the charge."""
    return unknown(outcome.raw_code) if outcome.result is Result.REFUSED else outcome
