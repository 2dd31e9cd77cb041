"""A provider through one account: where charges are sent, and the only place that calls an adapter's verbs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from ikawaari.providers.capabilities import Capabilities, Reach, Times
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, unknown
from ikawaari.providers.provider import Checkup, Provider, Verb
from ikawaari.providers.values import Account, Charge, RefundOrder
from ikawaari.shapes import CardFields

log = structlog.get_logger()


@dataclass(frozen=True)
class Channel:
    """The verbs with their account. Whatever an adapter does, what comes back is an Outcome that its verb may have."""

    provider: Provider
    account: Account
    merchant_id: str | None = None  # whose account it is; None: the house's, for all merchants

    @property
    def id(self) -> str:
        """The account's: attempts and refunds belong to it."""
        return self.account.id

    @property
    def capabilities(self) -> Capabilities:
        """What the provider can do."""
        return self.provider.capabilities

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

    def charge(self, charge: Charge, now: datetime) -> Outcome:
        """Ask for the money, or send the code."""
        return self._answer_of(lambda: self.provider.charge(self.account, charge, now))

    def lookup(self, charge: Charge, now: datetime) -> Outcome:
        """What became of a charge."""
        return _not_refused(self._answer_of(lambda: self.provider.lookup(self.account, charge, now)))

    def cancel(self, charge: Charge, now: datetime) -> Outcome:
        """End a charge that nobody has paid yet, or what it has come to instead."""
        return _not_refused(self._answer_of(lambda: self.provider.cancel(self.account, charge, now)))

    @property
    def cancels(self) -> bool:
        """Whether it can."""
        return Verb.CANCEL in self.provider.verbs

    def refund(self, order: RefundOrder, now: datetime) -> Outcome:
        """Return money."""
        return self._answer_of(lambda: self.provider.refund(self.account, order, now))

    def lookup_refund(self, order: RefundOrder, now: datetime) -> Outcome:
        """What became of a refund."""
        return _not_refused(self._answer_of(lambda: self.provider.lookup_refund(self.account, order, now)))

    def check(self, now: datetime) -> Checkup:
        """Whether the account's settings are good, in words."""
        try:
            return self.provider.check(self.account, now)
        except Exception:
            log.exception("provider_adapter_failed", account=self.id)
            return Checkup(is_usable=False, words="The adapter failed; the log says where.")

    def _answer_of(self, ask: Callable[[], Outcome]) -> Outcome:
        """The outcome of a call. If the adapter raises, nobody knows whether money moved: unknown, never failed."""
        try:
            outcome = ask()
        except Exception:
            log.exception("provider_adapter_failed", account=self.id)
            return unknown("the adapter failed")
        if outcome.failure is FailureCode.CONFIGURATION_ERROR:
            # The payer may see nothing of it, because another account was asked; its operator must.
            log.error("provider_settings_refused", account=self.id, code=outcome.raw_code)
        return outcome


def _not_refused(outcome: Outcome) -> Outcome:
    """Only who was asked to start something can refuse that: a look-up that says so knows nothing of the charge."""
    return unknown(outcome.raw_code) if outcome.result is Result.REFUSED else outcome
