"""Stripe as a provider: the verbs."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from ikawaari.providers.callbacks import CallbackRequest, News
from ikawaari.providers.capabilities import Capabilities, Limits, Reach, Refunds, Renewals, Times
from ikawaari.providers.http import Call, NoAnswer, read_text
from ikawaari.providers.outcomes import Outcome
from ikawaari.providers.provider import Checkup, Provider
from ikawaari.providers.settings import BASE_URL, Setting
from ikawaari.providers.statements import Line
from ikawaari.providers.stripe import charging, events, refunding, statement, wire
from ikawaari.providers.stripe.charging import Asking
from ikawaari.providers.stripe.intents import CURRENCIES, PAYMENT
from ikawaari.providers.stripe.wire import Api
from ikawaari.providers.values import Account, Charge, RefundOrder
from ikawaari.shapes import CardFields

# Eight digits. The least amounts follow the currency in which an account is paid out, which we do not know: Stripe
# itself refuses what is less.
_LIMITS = Limits(maximum=99_999_999)
_CARDS = Reach(
    currencies=CURRENCIES,
    limits=dict.fromkeys(CURRENCIES, _LIMITS),
    refunds=Refunds.PARTIAL,
    refunds_fail_within=timedelta(days=30),
    renewals=Renewals.SAVED_METHOD,
)
_IDENTIFIED_WITHIN = timedelta(seconds=5)
_LONGEST_FINGERPRINT = 64
_SCRIPTS = ("https://js.stripe.com", "https://*.js.stripe.com")
_TIMES = Times(
    call_timeout=timedelta(seconds=40),
    forgets_after=timedelta(seconds=90),
    settles_within=timedelta(days=1),
    first_poll=timedelta(seconds=5),
    decisive_polls=(timedelta(seconds=90),),  # what was not confirmed by then never is: the payer may try again
)


class Stripe(Provider):
    """Cards, for a merchant who has an account in a country that Stripe serves, or through the house's account."""

    name = "stripe"
    capabilities = Capabilities(cards=_CARDS, card_tokens="ctoken_", modes=frozenset({True, False}), times=_TIMES)
    settings = (
        Setting(name="secret_key", is_secret=True),
        Setting(name="publishable_key"),
        Setting(name="webhook_secret", is_secret=True),
        BASE_URL,
    )
    live_url = test_url = "https://api.stripe.com"

    def charge(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """Take the money from a card just typed, or from a saved one."""
        return charging.take(self._asking(account, charge, now))

    def setup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """Save a card just typed, and take nothing."""
        return charging.take(self._asking(account, charge, now))

    def lookup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """What became of it, by the intent's id, or by ours in its metadata."""
        return charging.look_up(self._asking(account, charge, now))

    def cancel(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """End what the payer did not finish at the bank: Stripe itself sets no end to that."""
        return charging.cancel(self._asking(account, charge, now))

    def identify(self, account: Account, card_token: str, now: datetime) -> str | None:
        """Stripe's fingerprint of the card's number, which a confirmation token shows before it is used."""
        call = Call(account.id, account.text("base_url", self.own_url(account)), _IDENTIFIED_WITHIN)
        answer = Api(call, account).get(f"/v1/confirmation_tokens/{quote(card_token, safe='')}", {}, "identify")
        found = read_text(wire.value_of(answer), "payment_method_preview", "card", "fingerprint")
        return found if found and len(found) <= _LONGEST_FINGERPRINT else None

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """Return all, or a part."""
        return refunding.give_back(self._api(account), order)

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """What became of a refund."""
        return refunding.find(self._api(account), order)

    def statement(self, account: Account, since: datetime, until: datetime, now: datetime) -> Iterator[Line]:
        """What moved in the account's balance."""
        return statement.lines(lambda: self._api(account), since, until)

    def parse_callback(self, account: Account, request: CallbackRequest, now: datetime) -> Sequence[News]:
        """Read a signed event."""
        return events.news_of(account, request, now)

    def card_fields(self, account: Account) -> CardFields:
        """Stripe's own: docs.stripe.com/security/guide says which sources they need."""
        home = account.text("base_url").rstrip("/")
        return CardFields(
            ours="stripe.js",
            script=f"{home or _SCRIPTS[0]}/v3/",
            key=account.text("publishable_key"),
            scripts=(home,) if home else _SCRIPTS,
            frames=(home,) if home else (*_SCRIPTS, "https://hooks.stripe.com"),
            calls=(home or self.live_url,),
        )

    def check(self, account: Account, now: datetime) -> Checkup:
        """List one payment, and compare the keys with the account's mode."""
        problem = _misfit(account)
        if problem:
            return Checkup(is_usable=False, words=problem)
        answer = self._api(account).get(PAYMENT.path, {"limit": "1"}, "check")
        if isinstance(answer, NoAnswer):
            return Checkup(is_usable=False, words=f"Stripe did not answer ({answer.word}).")
        if answer.status == wire.OK:
            return Checkup(
                is_usable=True, words="Stripe accepts the secret key. Only an event can show that ours fits."
            )
        return Checkup(is_usable=False, words=_WORDS.get(answer.status, f"Stripe answered {answer.word}."))

    def _api(self, account: Account) -> Api:
        return Api(self.call(account), account)

    def _asking(self, account: Account, charge: Charge, now: datetime) -> Asking:
        return Asking(self._api(account), charge, account.livemode, self.capabilities.times, now)


_WORDS = {
    401: "Stripe does not know the secret key: it is wrong, or it was revoked.",
    403: "The secret key is restricted: it needs to write PaymentIntents, SetupIntents, Customers and Refunds."
    " To be compared with its statement, it needs to read the balance, too.",
}


def _misfit(account: Account) -> str | None:
    """What is wrong with the keys, as far as their first letters show it."""
    mode, other = ("live", "test") if account.livemode else ("test", "live")
    for name in ("secret_key", "publishable_key"):
        if f"_{other}_" in account.text(name)[: len("sk_live_")]:
            return f"The {name} is one of {other} mode, and the account is one of {mode} mode."
    if not account.text("publishable_key").startswith("pk_"):
        return "The publishable_key does not start with pk_."
    if not account.text("webhook_secret").startswith("whsec_"):
        return "The webhook_secret does not start with whsec_."
    return None
