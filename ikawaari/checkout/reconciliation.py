"""A provider's statement against our books.

A statement is believed in nothing: what it says opens a case, and makes us ask the provider. Only the answer is booked,
where all answers are. A case closes by itself when the two tell the same. Whatever happens in the middle, the same
statement may be read again: nothing is counted twice.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import Case as When

from ikawaari import store
from ikawaari.checkout import accounts, cases, inquiries, matching
from ikawaari.checkout.cases import Found
from ikawaari.checkout.matching import Difference, Match
from ikawaari.checkout.statement_pile import BATCH, Pile, Placed, piled
from ikawaari.errors import NotFound
from ikawaari.providers.statements import Kind, Line, NoStatement, Standing
from ikawaari.states import RefundStatus
from ikawaari.store.models import PaymentAttempt, PaymentIntent, ProviderAccount, ReconciliationCase, Refund, Statement

_SKEW = timedelta(minutes=5)  # between the provider's clock and ours
_LISTED = "The statement has it now."
_BOOKED = "The provider's answer to a look-up is booked, and tells the same."
_SAME = "The statement and the books tell the same now."


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What a statement lists, so that what it does not list is missing there."""

    kinds: frozenset[Kind] = frozenset(Kind)
    currency: str | None = None  # the only one; None: all
    span: tuple[datetime, datetime] | None = None  # None: from its first line to its last one


@dataclass
class Summary:
    """What a run has come to."""

    lines: int = 0
    matched: int = 0  # both tell the same
    differences: int = 0  # open or closed
    span: tuple[datetime, datetime] | None = None
    open_cases: int = 0  # of the account, in that time

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing for a person to do."""
        return self.open_cases == 0


def require_account(account: str) -> None:
    """Raise NotFound for what is no provider account."""
    if accounts.channel(account) is None and ProviderAccount.get_or_none(ProviderAccount.id == account) is None:
        raise NotFound("provider account")


def country_of(account: str) -> str | None:
    """The country that a provider account is for, if it is for one."""
    channel = accounts.channel(account)
    return channel.account.country if channel else None


def listed(account: str, span: tuple[datetime, datetime], now: datetime) -> Iterator[Line]:
    """What the provider lists over its API. Raises NoStatement."""
    channel = accounts.channel(account)
    if channel is None:
        raise NoStatement("The account's provider is not here.")
    store.leave()
    return channel.statement(*span, now)


def reconcile(
    account: str, lines: Iterable[Line], covers: Coverage, summary: Summary, now: datetime
) -> Iterator[ReconciliationCase]:
    """Compare a statement with our books. Yields the case of each difference, and fills `summary`.

    Raises NotFound, and what `lines` raises: then nothing was compared.
    """
    require_account(account)
    with piled(lines) as pile:
        review(account, now)
        run = _Run(account, pile, covers, summary, now)
        summary.lines, summary.span = pile.count, covers.span or pile.span
        for case in run.differences():
            summary.differences += 1
            yield case
        run.note_statement()
    summary.open_cases = len(cases.open_of(account, *_within(summary.span)))


def _within(span: tuple[datetime, datetime] | None) -> Sequence[Any]:
    if span is None:
        return ()
    at = ReconciliationCase.happened_at
    return (at.is_null() | ((at >= span[0] - _SKEW) & (at <= span[1] + _SKEW)),)


def review(account: str, now: datetime) -> None:
    """Close the open cases of an account whose differences have vanished since."""
    for case in cases.open_of(account):
        line = cases.line_of(case)
        if line is None or case.details is not None:
            continue  # only a statement, or a person, ends it
        with store.atomic():
            if case.attempt_id:
                PaymentIntent.lock(PaymentAttempt.get_by_id(case.attempt_id).intent_id)
            (match,) = matching.find(account, [line])
            is_sure = match.refund is None or match.refund.provider_reference == line.id or case.refund_id
            if is_sure and match.own is not None and match.difference is None:
                cases.end(case, _SAME, now)


def review_all(now: datetime) -> None:
    """The same for every account that has any."""
    for row in (
        ReconciliationCase.select(ReconciliationCase.account).where(ReconciliationCase.closed_at.is_null()).distinct()
    ):
        review(row.account, now)


@dataclass
class _Run:
    """One statement, being compared."""

    account: str
    pile: Pile
    covers: Coverage
    summary: Summary
    now: datetime
    odd: set[tuple[Kind, str]] = field(default_factory=set)  # what the statement lists differently

    def differences(self) -> Iterator[ReconciliationCase]:
        """Every difference."""
        for several in self.pile.contradictory():
            place, line = several[0]
            self.odd.add((line.kind, line.id))
            self._note_listed(self._found([(place, line)]))
            yield from self._difference((place, line), Difference.LISTED_DIFFERENTLY, _told_apart(several))
        for batch in self.pile.batches():
            yield from self._batch(batch)
        if self._span:
            yield from self._missing_there(self._span)

    def note_statement(self) -> None:
        """Note that it was compared to its end."""
        if self._span:
            since, until = self._span
            own = {"since": since, "until": until, "lines": self.pile.count, "read_at": self.now}
            Statement.insert_once(account=self.account, digest=self._digest, **own)

    @property
    def _span(self) -> tuple[datetime, datetime] | None:
        """The time of which it knows: of a day that is not over, nothing of what is still to come."""
        since, until = self.summary.span or (self.now, self.now)
        return (since, min(until, self.now)) if self.summary.span and since <= self.now else None

    @property
    def _digest(self) -> str:
        """The same for a statement that is read again; of a day that is not over, each is another one."""
        return hashlib.sha256(f"{self.pile.digest} {self._span}".encode()).hexdigest()

    # ------------------------------------------------------------ what they have

    def _batch(self, batch: Sequence[Placed]) -> Iterator[ReconciliationCase]:
        placed = [one for one in batch if (one[1].kind, one[1].id) not in self.odd]
        good: list[Match] = []
        bad: list[tuple[Placed, Difference | None, str | None]] = []
        listed: list[Match] = []
        for one, match in zip(placed, self._found(placed), strict=True):
            if surplus := self._claimed_by_another(one[0], match):
                bad.append((one, Difference.MISSING_HERE, surplus))
                continue
            listed.append(match)
            if match.difference:
                bad.append((one, None, self._elsewhere(match)))
            else:
                good.append(match)
        self._note_listed(listed)
        self._note_same(good)
        for one, kind, details in bad:
            yield from self._difference(one, kind, details)

    def _found(self, placed: Sequence[Placed]) -> Sequence[Match]:
        """What lines are about; of refunds that have no id, those that no other line is about."""
        places = {place for place, _ in placed}
        return matching.find(
            self.account, [line for _, line in placed], lambda name: self.pile.is_matched(name, places)
        )

    def _claimed_by_another(self, place: int, match: Match) -> str | None:
        """If two charges of the statement have our id of one attempt, money was taken twice: what to say of that."""
        if match.own is None or match.line.standing is not Standing.SUCCEEDED:
            return None
        if (
            match.is_by_our_id_alone
            and match.attempt
            and self.pile.has(match.line.kind, match.attempt.provider_reference)
        ):
            return f"a second one of attempt {match.attempt.id}: {match.attempt.provider_reference} is listed, too"
        earlier = self.pile.match(place, match.own.id)
        return f"a second one of {match.own.id}: {earlier.id} is listed, too" if earlier else None

    def _elsewhere(self, match: Match) -> str | None:
        """Whose it is, if it is of another account: then the statement may be that one's."""
        if match.attempt is not None:
            return None
        for account in accounts.known().channels:
            if account != self.account and matching.find(account, [match.line])[0].attempt is not None:
                return f"account {account} has it"
        return None

    def _note_listed(self, matches: Sequence[Match]) -> None:
        """Note what is listed: it is not missing there."""
        own = [match.own for match in matches if match.own and match.is_listed]
        ids = {
            model: sorted(str(one.id) for one in own if isinstance(one, model)) for model in (PaymentAttempt, Refund)
        }
        if not own:
            return
        with store.atomic():
            for model, names in ids.items():
                if names:
                    missing = (model.id.in_(names)) & model.listed_at.is_null()
                    model.update(listed_at=self.now).where(missing).execute()
                    for case in cases.open_of(self.account, _of(Difference.MISSING_THERE, names)):
                        cases.end(case, _LISTED, self.now)

    def _note_same(self, matches: Sequence[Match]) -> None:
        """Note the fees of what both tell the same, and close the cases about it."""
        same = [match for match in matches if match.own and match.line.standing is Standing.SUCCEEDED]
        self.summary.matched += len(same)
        if not same:
            return
        with store.atomic():
            for model in (PaymentAttempt, Refund):
                _note_costs(model, [match for match in same if isinstance(match.own, model)])
            kinds = {(match.line.kind.value, match.line.id) for match in same}
            about = ReconciliationCase.reference.in_(sorted({name for _, name in kinds}))
            for case in cases.open_of(self.account, about):
                if (case.object, case.reference) in kinds:
                    cases.end(case, _SAME, self.now)

    def _difference(
        self, placed: Placed, kind: Difference | None, details: str | None = None
    ) -> Iterator[ReconciliationCase]:
        """Open a case, ask the provider, and look whether there still is a difference. `kind`: None to compare."""
        case = self._opened(placed, kind, details)
        if case is None:  # it vanished since the line was compared
            self._note_same(self._found([placed]))
            return
        if case.closed_at is None:
            inquiries.ask(self.account, self._found([placed])[0], self.now)
            if self._opened(placed, kind, details) is None:
                cases.end(case, _BOOKED, self.now)
                self._note_listed(self._found([placed]))
                self._note_same(self._found([placed]))
            case = ReconciliationCase.get_by_id(case.id)
        yield case

    def _opened(self, placed: Placed, kind: Difference | None, details: str | None) -> ReconciliationCase | None:
        """The case of a line that still differs, under the lock under which its payment is booked."""
        with store.atomic():
            (seen,) = self._found([placed])
            if seen.attempt is not None:
                PaymentIntent.lock(seen.attempt.intent_id)
            (match,) = self._found([placed])
            found = kind or match.difference
            if found is None:
                return None
            inquiries.schedule(match, self.now)
            case = cases.record(self.account, Found.of(found, match, details), self.now)
            same = (ReconciliationCase.reference == case.reference) & (ReconciliationCase.object == case.object)
            for other in cases.open_of(self.account, same, ReconciliationCase.id != case.id):
                cases.end(other, f"It is another difference now: case {case.id}.", self.now)
            return case

    # ------------------------------------------------------------ what we have

    def _missing_there(self, span: tuple[datetime, datetime]) -> Iterator[ReconciliationCase]:
        for kind, model in ((Kind.PAYMENT, PaymentAttempt), (Kind.REFUND, Refund)):
            if kind in self.covers.kinds:
                for row in _unlisted(model, self.account, self.covers.currency, span):
                    if self._must_be_there(row.created_at, span):
                        yield from self._missing(kind, row)

    def _must_be_there(self, began_at: datetime, span: tuple[datetime, datetime]) -> bool:
        """Whether the statement would have it: what began before it may be in an earlier one, if that was read."""
        if began_at >= span[0] + _SKEW:
            return True
        covers = (Statement.since <= began_at - _SKEW) & (Statement.until >= began_at)
        earlier = Statement.select().where(Statement.account == self.account, covers)
        return bool(earlier.where(Statement.digest != self._digest).exists())

    def _missing(self, kind: Kind, row: Any) -> Iterator[ReconciliationCase]:
        refund = row if isinstance(row, Refund) else None
        attempt = PaymentAttempt.get_by_id(refund.attempt_id if refund else row.id)
        with store.atomic():
            PaymentIntent.lock(attempt.intent_id)
            fresh = type(row).get_by_id(row.id)
            if fresh.listed_at is not None:  # by a statement that is read at the same moment
                return
            case = cases.record(
                self.account,
                Found(kind=Difference.MISSING_THERE, object=kind, reference=row.id, attempt=attempt, refund=refund),
                self.now,
            )
        yield case


def _told_apart(several: Sequence[Placed]) -> str:
    told = (f"line {one.number}: {one.money.amount} {one.money.currency} {one.standing}" for _, one in several)
    return "; ".join(told)[:255]


def _note_costs(model: Any, matches: Sequence[Match]) -> None:
    """What the provider keeps of each, by one statement for each currency."""
    fees = {match.own.id: match.line for match in matches if match.own and match.line.fee is not None}
    for currency in sorted({str(line.fee_currency) for line in fees.values()}):
        amounts = {name: line.fee for name, line in fees.items() if line.fee_currency == currency}
        cost = When(model.id, list(amounts.items()), model.cost_amount)
        model.update(cost_amount=cost, cost_currency=currency).where(model.id.in_(sorted(amounts))).execute()


def _of(kind: Difference, references: Sequence[str]) -> Any:
    return (ReconciliationCase.kind == kind.value) & ReconciliationCase.reference.in_(references)


def _unlisted(
    model: Any, account: str, currency: str | None, span: tuple[datetime, datetime]
) -> Iterator[PaymentAttempt | Refund]:
    """What succeeded in that time, and was never listed, oldest first."""
    is_refund = model is Refund
    moved = Refund.status == RefundStatus.SUCCEEDED if is_refund else PaymentAttempt.amount_received.is_null(False)
    of = Refund.currency if is_refund else PaymentAttempt.received_currency
    rows = model.select().join(PaymentAttempt) if is_refund else model.select()
    rows = rows.where(moved, PaymentAttempt.provider == account, model.listed_at.is_null())
    rows = rows.where(of == currency) if currency else rows
    since, until = span[0] - _SKEW, span[1] - _SKEW
    after: tuple[datetime, str] = (since, "")
    while True:
        beyond = (model.settled_at > after[0]) | ((model.settled_at == after[0]) & (model.id > after[1]))
        in_time = (model.settled_at >= since) & (model.settled_at < until)
        batch = list(rows.where(in_time, beyond).order_by(model.settled_at, model.id).limit(BATCH))
        yield from batch
        if len(batch) < BATCH:
            return
        after = (batch[-1].settled_at, batch[-1].id)
