"""pawaPay as a provider: the verbs over its deposits, refunds, callbacks and what it says about itself."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from ikawaari.config import Config
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, News
from ikawaari.providers.capabilities import Capabilities, Condition, Times
from ikawaari.providers.http import Answer, Call, NoAnswer
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, refused, unknown
from ikawaari.providers.pawapay import configuration, deposits, keys, news, refunds, signatures, statement
from ikawaari.providers.pawapay.wallets import WALLETS, Wallet
from ikawaari.providers.provider import Checkup, Provider
from ikawaari.providers.settings import BASE_URL, Setting
from ikawaari.providers.statements import Line
from ikawaari.providers.values import Account, Charge, RefundOrder

_TIMES = Times(
    call_timeout=timedelta(seconds=25),
    forgets_after=timedelta(minutes=15),
    settles_within=timedelta(hours=24),  # IN_RECONCILIATION takes hours
    first_poll=timedelta(seconds=5),
)


class PawaPay(Provider):
    """One account serves all its countries; deposits cannot be canceled."""

    name = "pawapay"
    is_aggregator = True
    live_url = "https://api.pawapay.io"
    test_url = "https://api.sandbox.pawapay.io"
    settings = (Setting(name="token", is_secret=True), Setting(name="sign_callbacks", is_flag=True), BASE_URL)
    capabilities = Capabilities(
        operators={operator: wallet.reach for operator, wallet in WALLETS.items()},
        modes=frozenset({True, False}),
        times=_TIMES,
    )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._keys = keys.KeyRings()

    def charge(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """Create a deposit under the charge's own id."""
        wallet = WALLETS.get(charge.operator or "")
        if wallet is None or not charge.phone:
            return refused(FailureCode.CONFIGURATION_ERROR, "no wallet of pawaPay")
        call = self.call(account)
        answer = _post(call, account, deposits.PATH, "create", deposits.request(charge, wallet))
        if isinstance(answer, NoAnswer):
            return answer.of_create()
        outcome = deposits.created(account, charge, wallet, answer, now)
        return _known(self._looked_up(call, account, charge, wallet, now)) if outcome is None else outcome

    def lookup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """The deposit of that id."""
        wallet = WALLETS.get(charge.operator or "")
        return (
            unknown("no wallet of pawaPay")
            if wallet is None
            else self._looked_up(self.call(account), account, charge, wallet, now)
        )

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """Return a part of a deposit, or all of it: one refund at a time."""
        call = self.call(account)
        answer = _post(call, account, refunds.PATH, "refund", refunds.request(order))
        if isinstance(answer, NoAnswer):
            return answer.of_create()
        outcome = refunds.created(account, order, answer)
        return _known(self._looked_up_refund(call, account, order)) if outcome is None else outcome

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """The refund of that id."""
        return self._looked_up_refund(self.call(account), account, order)

    def parse_callback(self, account: Account, request: CallbackRequest, now: datetime) -> Sequence[News]:
        """Signed by RFC 9421; where the account does not sign callbacks, they are hints."""
        is_signed = account.is_set("sign_callbacks")
        if is_signed:
            self._verify(account, request, now)
        return news.read(account, request.body, is_signed=is_signed)

    def check(self, account: Account, now: datetime) -> Checkup:
        """By the account's configuration at pawaPay."""
        answer = _get(self.call(account), account, "/v2/active-conf", "check")
        return configuration.checkup(account, answer, account.text("base_url", self.own_url(account)))

    def statement(self, account: Account, since: datetime, until: datetime, now: datetime) -> Iterator[Line]:
        """What its wallets' statements list, each of which it makes when it is asked to."""

        def ask(method: str, path: str, body: object) -> Answer | NoAnswer:
            return self.call(account).send(method, path, what="statement", headers=_headers(account), body=body)

        return statement.lines(account, ask, since, until, now)

    def conditions(self, account: Account, now: datetime) -> Sequence[Condition]:
        """By the account's configuration, and by what is available at the moment."""
        call, only = self.call(account), "operationType=DEPOSIT"
        configured = _get(call, account, f"/v2/active-conf?{only}", "configuration")
        if not isinstance(configured, Answer):
            return ()
        available = _get(call, account, f"/v2/availability?{only}", "availability")
        now_available = available.value() if isinstance(available, Answer) and available.status == 200 else None
        return configuration.conditions(account, configured, now_available)

    def _looked_up(self, call: Call, account: Account, charge: Charge, wallet: Wallet, now: datetime) -> Outcome:
        answer = _get(call, account, f"{deposits.PATH}/{charge.id}", "lookup")
        if isinstance(answer, NoAnswer):
            return answer.unknown()
        return deposits.looked_up(account, charge, wallet, answer, now)

    def _looked_up_refund(self, call: Call, account: Account, order: RefundOrder) -> Outcome:
        answer = _get(call, account, f"{refunds.PATH}/{order.id}", "lookup_refund")
        return answer.unknown() if isinstance(answer, NoAnswer) else refunds.looked_up(account, order, answer)

    def _verify(self, account: Account, request: CallbackRequest, now: datetime) -> None:
        """Raises CallbackRefused."""
        signature = signatures.read(request, now)
        key = self._keys.find(account, signature.key_id, now, lambda: self._published(account))
        if key is None:
            raise CallbackRefused("signed with an unknown key")
        signatures.verify(request, signature, key)

    def _published(self, account: Account) -> keys.PublicKeys | None:
        answer = _get(self.call(account), account, "/v2/public-key/http", "keys")
        return keys.published(answer.value()) if isinstance(answer, Answer) and answer.status == 200 else None


def _known(outcome: Outcome) -> Outcome:
    """The outcome of a look-up of what pawaPay has just said that it has."""
    return unknown("a duplicate of nothing") if outcome.result is Result.NOT_FOUND else outcome


def _get(call: Call, account: Account, path: str, what: str) -> Answer | NoAnswer:
    return call.send("GET", path, what=what, headers=_headers(account))


def _post(call: Call, account: Account, path: str, what: str, body: object) -> Answer | NoAnswer:
    return call.send("POST", path, what=what, headers=_headers(account), body=body)


def _headers(account: Account) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {account.text('token')}"}
