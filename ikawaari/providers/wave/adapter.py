"""The verbs of Wave."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint, News, Report
from ikawaari.providers.capabilities import Capabilities, Reach, Refunds, Times
from ikawaari.providers.http import NoAnswer, decoded, read, read_text
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, failed, refused, succeeded
from ikawaari.providers.provider import Checkup, Provider
from ikawaari.providers.settings import BASE_URL, Setting
from ikawaari.providers.statements import Line
from ikawaari.providers.values import Account, Charge, Flow, RefundOrder
from ikawaari.providers.wave import errors, sessions, signatures, statement
from ikawaari.providers.wave.wallet import SESSIONS, Wallet, path_of

CURRENCIES: Mapping[str, str] = {**dict.fromkeys(("SN", "CI", "ML", "BF", "BJ"), "XOF"), "CM": "XAF"}
_BALANCE = "/v1/balance"
_COMPLETED, _FAILED = "checkout.session.completed", "checkout.session.payment_failed"


class Wave(Provider):
    """Wave's wallets in six of our countries."""

    name = "wave"
    is_per_country = True
    live_url = "https://api.wave.com"
    settings = (
        Setting(name="api_key", is_secret=True),
        Setting(name="webhook_secret", is_secret=True),
        Setting(name="webhook_shared_secret", is_optional=True, is_flag=True),  # it is sent; else webhooks are signed
        Setting(name="signing_secret", is_secret=True, is_optional=True),  # of a key whose requests must be signed
        BASE_URL,
    )
    capabilities = Capabilities(
        operators={
            f"wave_{country.lower()}": Reach(
                currencies=frozenset({currency}), flows=(Flow.REDIRECT, Flow.QR), refunds=Refunds.WHOLE
            )
            for country, currency in CURRENCIES.items()
        },
        times=Times(
            call_timeout=timedelta(seconds=30),
            forgets_after=timedelta(minutes=2),  # a session that nobody was led to takes no money
            settles_within=timedelta(hours=25),  # sessions last 30 minutes or 24 hours
            first_poll=timedelta(seconds=5),
            decisive_polls=(timedelta(minutes=2),),
        ),
    )

    def charge(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """Open a session, unless there is one."""
        wallet = self._wallet(account, now)
        earlier = wallet.search(charge.id)
        if isinstance(earlier, NoAnswer):
            return earlier.of_create()
        if earlier.status != 200:
            return errors.of_create(earlier)
        if (found := sessions.listed(earlier)) != []:
            return sessions.standing(sessions.chosen(found), charge.id, charge.flow)
        answer = wallet.send("POST", SESSIONS, what="create", fields=_new_session(charge))
        if isinstance(answer, NoAnswer):
            return answer.of_create()
        if answer.status not in {200, 201}:
            return errors.of_create(answer)
        return sessions.standing(answer.value(), charge.id, charge.flow)

    def lookup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """The session as it stands, found by our id if its own is not known."""
        return _found(self._wallet(account, now), charge, now)

    def cancel(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """Expire the session. If it is too late, what has become of it."""
        wallet = self._wallet(account, now)
        session_id = charge.reference
        if session_id is None:
            found = _found(wallet, charge, now)
            if found.result is not Result.REQUIRES_ACTION or found.reference is None:
                return found
            session_id = found.reference
        answer = wallet.send("POST", f"{path_of(session_id)}/expire", what="expire")
        if isinstance(answer, NoAnswer):
            return answer.unknown()
        if errors.is_done(answer):
            return failed(FailureCode.EXPIRED, "expired by us", reference=session_id)
        return _found(wallet, charge, now) if answer.status in {404, 409} else errors.no_news(answer)

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """Return the whole. Wave does it once, however often it is asked to."""
        if order.charge_money not in {None, order.money}:
            return refused(FailureCode.NOT_ALLOWED, "Wave returns whole payments only")
        wallet = self._wallet(account, now)
        session_id = order.charge_reference or wallet.find(order.charge_id)
        if isinstance(session_id, str):
            answer = wallet.send("POST", f"{path_of(session_id)}/refund", what="refund")
            if isinstance(answer, NoAnswer):
                return answer.of_create()
            if errors.is_done(answer):
                return Outcome(result=Result.PROCESSING, provider_data={"accepted": True})
            return errors.of_refund(answer)
        return session_id.of_create() if isinstance(session_id, NoAnswer) else errors.of_refund(session_id)

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """Whether the session says that it was refunded.

        If it does not, and Wave has not said that it takes our order, it is "not found": asking again is safe.
        """
        wallet = self._wallet(account, now)
        session_id = order.charge_reference or wallet.find(order.charge_id)
        answer = wallet.get(session_id) if isinstance(session_id, str) else session_id
        if isinstance(answer, NoAnswer):
            return answer.unknown()
        if answer.status != 200 or answer.read("client_reference") != order.charge_id:
            return errors.no_news(answer)
        if answer.read("when_refunded"):
            return succeeded(answer.read("amount"), answer.read("currency"), reference=None)
        is_taken = order.provider_data.get("accepted") is True
        return Outcome(result=Result.PROCESSING if is_taken else Result.NOT_FOUND)

    def statement(self, account: Account, since: datetime, until: datetime, now: datetime) -> Iterator[Line]:
        """The wallet's transactions that are of the checkout."""
        return statement.lines(self._wallet(account, now), since, until)

    def parse_callback(self, account: Account, request: CallbackRequest, now: datetime) -> Sequence[News]:
        """A completed session is a report, by our id; one whose payer failed is a hint; the rest is not about us."""
        signatures.verify(account, request, now)
        event = decoded(request.body)
        event_id, kind, session = read_text(event, "id"), read_text(event, "type"), read(event, "data")
        if not event_id or not kind:
            raise CallbackRefused("not an event of Wave")
        if kind not in {_COMPLETED, _FAILED}:
            return []
        charge_id, reference = read_text(session, "client_reference"), read_text(session, "id")
        if charge_id and kind == _COMPLETED:
            outcome = sessions.standing(session, charge_id)
            if outcome.result is Result.SUCCEEDED:
                return [Report(event_id=event_id, charge_id=charge_id, outcome=outcome)]
        if not charge_id and not reference:
            raise CallbackRefused("an event of no session")
        return [Hint(charge_id=charge_id, reference=reference)]

    def check(self, account: Account, now: datetime) -> Checkup:
        """Look at the settings, then ask for the wallet's balance, which is not kept."""
        if words := _mixed_up(account):
            return Checkup(is_usable=False, words=words)
        answer = self._wallet(account, now).send("GET", _BALANCE, what="check")
        if isinstance(answer, NoAnswer):
            return Checkup(is_usable=False, words=f"Wave did not answer ({answer.word}).")
        currency, due = read_text(answer.value(), "currency"), CURRENCIES.get(account.country or "")
        if answer.status != 200 or currency is None:
            return Checkup(is_usable=False, words=errors.in_words(answer))
        if currency != due:
            return Checkup(is_usable=False, words=f"The wallet is not in {due}: is it one of {account.country}?")
        return Checkup(is_usable=True, words=f"Wave knows the key, and the wallet is in {due}.")

    def _wallet(self, account: Account, now: datetime) -> Wallet:
        return Wallet(lambda: self.call(account), account, now)


def _new_session(charge: Charge) -> Mapping[str, str]:
    """Without `restrict_payer_mobile`: the payer's Wave may be on another number than the one that was typed."""
    return {
        "amount": f"{charge.money.major:f}",
        "currency": charge.money.currency,
        "success_url": charge.return_url,
        "error_url": charge.return_url,
        "client_reference": charge.id,
    }


def _found(wallet: Wallet, charge: Charge, now: datetime) -> Outcome:
    """A charge's session as it stands."""
    answer = wallet.search(charge.id) if charge.reference is None else wallet.get(charge.reference)
    if isinstance(answer, NoAnswer):
        return answer.unknown()
    if answer.status == 404 and errors.code_of(answer) == errors.NO_SESSION:
        return Outcome(result=Result.NOT_FOUND, raw_code=errors.NO_SESSION)
    if answer.status != 200:
        return errors.no_news(answer)
    found = sessions.listed(answer)
    return sessions.standing(sessions.chosen(found), charge.id, charge.flow) if found else sessions.missing(charge, now)


def _mixed_up(account: Account) -> str | None:
    """What is wrong with the settings as their forms tell, in one sentence; None if nothing."""
    if account.country is None or account.country not in CURRENCIES:
        return f"A wallet is of one country, and the account must be, too: one of {', '.join(CURRENCIES)}."
    prefix = f"wave_{account.country.lower()}_"
    if not account.text("api_key").startswith(prefix):
        return f"The key of a wallet of {account.country} begins with {prefix}: this one does not."
    if "_AKS_" in account.text("webhook_secret") or "_WHS_" in account.text("signing_secret"):
        return "Two secrets are mixed up: webhook_secret has WHS in it, and signing_secret has AKS."
    return None
