"""CinetPay v1, the API of 2026: login, payments by wallet or on its hosted page, callbacks that prove nothing.

Source: CinetPay's clients `cinetpay-python` 0.1.0 and `cinetpay-php` 3.0.1, which are its documentation. An account is
of one country and one currency. How a wallet's payer is asked, the answer says (`must_be_redirected`). Nothing can be
refunded or canceled. The status has no amount: a success is of what was asked for, unless the answer says otherwise.

An account that has nothing but credentials of CinetPay's legacy API speaks that one: see `legacy.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from ikawaari.config import Config
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint
from ikawaari.providers.capabilities import Capabilities, Reach, Times
from ikawaari.providers.cinetpay import codes, legacy, reading, sending, wallets
from ikawaari.providers.cinetpay.codes import Said
from ikawaari.providers.http import Answer, Call, NoAnswer, decoded, read_text
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, refused, unknown
from ikawaari.providers.provider import Checkup, Provider
from ikawaari.providers.settings import BASE_URL, Setting
from ikawaari.providers.tokens import Token, Tokens
from ikawaari.providers.values import Account, Charge, long_id, short_id

log = structlog.get_logger()

CREDENTIALS = (Setting(name="api_key", is_secret=True), Setting(name="api_password", is_secret=True))
_TOKEN_SECONDS, _TOKEN_MARGIN, _MOST_TOKEN_SECONDS = 300, 30, 86_400  # the first where the login does not say
_LOGIN_REFUSED = (codes.INVALID_CREDENTIALS, codes.INVALID_PARAMS, codes.INVALID_TOKEN)


@dataclass(frozen=True)
class NoToken:
    """There is no token, so nothing was started. `is_wrong`: CinetPay refuses the key, the password or each token."""

    is_wrong: bool
    word: str

    def of_create(self) -> Outcome:
        """The outcome of a charge."""
        wrong, away = FailureCode.CONFIGURATION_ERROR, FailureCode.PROVIDER_UNAVAILABLE
        return refused(wrong if self.is_wrong else away, self.word)


class CinetPay(Provider):
    """CinetPay v1, or its legacy API, as an account's settings say."""

    name = "cinetpay"
    is_per_country = is_aggregator = True
    longest_callback_url = sending.LONGEST_ADDRESS
    live_url, test_url = sending.LIVE_URL, sending.TEST_URL
    settings = (*CREDENTIALS, BASE_URL)
    capabilities = Capabilities(
        operators=wallets.REACHED,
        modes=frozenset({True, False}),
        times=Times(
            call_timeout=timedelta(seconds=30),
            forgets_after=timedelta(minutes=30),
            settles_within=timedelta(hours=24),
            first_poll=timedelta(seconds=5),
            decisive_polls=(timedelta(minutes=31),),  # the page has ended, and what is not found now never was
        ),
    )

    def __init__(self, config: Config) -> None:
        self._tokens = Tokens()

    def settings_of(self, given: object) -> Sequence[Setting]:
        """Those of the API whose credentials there are; of both, those of v1."""
        names = set(given) if isinstance(given, Mapping) else set()
        is_legacy = names & _names(legacy.CREDENTIALS) and not names & _names(CREDENTIALS)
        return legacy.SETTINGS if is_legacy else self.settings

    def reach(self, account: Account, operator: str | None) -> Reach | None:
        """The wallets are the same ones; the legacy API asks all their payers on its page."""
        reach = super().reach(account, operator)
        return legacy.reach_of(reach) if reach and self._is_legacy(account) else reach

    def own_url(self, account: Account) -> str:
        """Each API has its own."""
        return legacy.LIVE_URL if self._is_legacy(account) else super().own_url(account)

    def sent_id(self, charge_id: str) -> str:
        """CinetPay takes 30 characters."""
        return short_id(charge_id)

    def charge(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """`POST /v1/payment`. If its id exists there, it is looked up: that it was sent before is no failure."""
        reach = self.reach(account, charge.operator)
        if self._is_legacy(account):
            return legacy.create(self.call(account), account, charge, reach, now)
        if (problem := sending.problem(charge, reach, sending.misfit(account))) is not None:
            return problem
        call, body = self.call(account), sending.body(account, charge)
        answer = self._ask(call, account, now, "POST", "/v1/payment", what="create", body=body)
        if not isinstance(answer, Said):
            return answer.of_create()
        said = codes.of_payment(answer)
        if said.code != codes.TRANSACTION_EXIST:
            return reading.created(charge, said, now)
        found = self._found(call, account, charge, now)
        return unknown(found.raw_code) if found.result is Result.NOT_FOUND else found

    def lookup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """`GET /v1/payment/{our id}`."""
        if self._is_legacy(account):
            return legacy.lookup(self.call(account), account, charge, now)
        return self._found(self.call(account), account, charge, now)

    def parse_callback(self, account: Account, request: CallbackRequest, now: datetime) -> Sequence[Hint]:
        """`{"merchant_transaction_id": …}`, unsigned. The tag in our address proves only that we gave it out for it."""
        if self._is_legacy(account):
            return [legacy.read_notification(account, request)]
        sent_id = read_text(decoded(request.body), "merchant_transaction_id")
        charge_id = long_id(sent_id)
        if sent_id is None or charge_id is None or not account.has_tag(request.tag, sent_id):
            raise CallbackRefused("not a callback about a payment of this account")
        return [Hint(charge_id=charge_id)]

    def check(self, account: Account, now: datetime) -> Checkup:
        """Log in, and ask for a payment that there cannot be."""
        if self._is_legacy(account):
            return legacy.check(self.call(account), account)
        if words := sending.misfit(account):
            return Checkup(is_usable=False, words=words)
        said = self._ask(self.call(account), account, now, "GET", f"/v1/payment/{sending.NOBODY}", what="check")
        if isinstance(said, NoToken) and said.is_wrong:
            return Checkup(is_usable=False, words=f"CinetPay refuses the API key or the password ({said.word}).")
        if not isinstance(said, Said) or said.code != codes.NOT_FOUND:
            return Checkup(is_usable=False, words=f"CinetPay gave no usable answer ({said.word}).")
        return Checkup(is_usable=True, words="CinetPay accepts the API key and the password.")

    def _is_legacy(self, account: Account) -> bool:
        return self.settings_of(account.settings) is legacy.SETTINGS

    def _found(self, call: Call, account: Account, charge: Charge, now: datetime) -> Outcome:
        said = self._ask(call, account, now, "GET", f"/v1/payment/{short_id(charge.id)}", what="lookup")
        if not isinstance(said, Said):
            return unknown(said.word)
        if said.code == codes.NOT_FOUND:
            return Outcome(result=Result.NOT_FOUND, raw_code=said.word)
        return reading.status(charge, said, now)

    # ------------------------------------------------------------ with a token

    def _ask(
        self, call: Call, account: Account, now: datetime, method: str, path: str, *, what: str, body: object = None
    ) -> Said | NoAnswer | NoToken:
        """Ask with a token, and once more with a fresh one if it is refused: then nothing was carried out."""
        log_in = partial(self._log_in, call, account, now)
        token = self._tokens.of(account, now, log_in)
        said = _sent(call, token, method, path, what=what, body=body)
        if isinstance(token, Token) and isinstance(said, Said) and said.refuses_token:
            token = self._tokens.of(account, now, log_in, instead_of=token)
            said = _sent(call, token, method, path, what=what, body=body)
            if isinstance(said, Said) and said.refuses_token:
                return NoToken(is_wrong=True, word=said.word)
        return said

    def _log_in(self, call: Call, account: Account, now: datetime) -> Token | NoToken:
        keys = {name: account.text(name) for name in ("api_key", "api_password")}
        answer = call.send("POST", "/v1/oauth/login", what="login", body=keys)
        if isinstance(answer, NoAnswer):
            return NoToken(is_wrong=False, word=answer.word)
        said = codes.read(answer)
        token = said.text("access_token")
        if token is not None and said.code in {codes.OK, None}:
            return Token(token, now + _life(said.fields.get("expires_in")))
        is_wrong = said.code in _LOGIN_REFUSED
        if is_wrong:
            log.error("cinetpay_login_refused", account=account.id, code=said.word)
        return NoToken(is_wrong=is_wrong, word=said.word)


def _sent(
    call: Call, token: Token | NoToken, method: str, path: str, *, what: str, body: object
) -> Said | NoAnswer | NoToken:
    if isinstance(token, NoToken):
        return token
    answer = call.send(method, path, what=what, headers={"Authorization": f"Bearer {token.text}"}, body=body)
    return codes.read(answer) if isinstance(answer, Answer) else answer


def _names(settings: Sequence[Setting]) -> set[str]:
    return {setting.name for setting in settings}


def _life(seconds: object) -> timedelta:
    told = seconds if type(seconds) is int and 0 < seconds <= _MOST_TOKEN_SECONDS else _TOKEN_SECONDS
    return timedelta(seconds=told - _TOKEN_MARGIN)
