"""What the operator of this server does with provider accounts: add, change, order and list them.

Problems are said by the names of settings, never with a value: a secret typed in the wrong place stays secret.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from peewee import fn

from ikawaari import addresses, clock, countries, ids, money, operators, sealing, store, texts
from ikawaari.checkout import accounts, health, routing
from ikawaari.checkout.accounts import Accounts
from ikawaari.checkout.routing import Wanted
from ikawaari.config import Config
from ikawaari.errors import Details, NotFound, ValidationFailed
from ikawaari.merchants import merchants
from ikawaari.operators import OPERATORS, Operator
from ikawaari.providers import registry, settings
from ikawaari.providers.base import Account, Provider, Verb
from ikawaari.providers.channel import Channel
from ikawaari.providers.provider import Checkup
from ikawaari.providers.settings import Setting
from ikawaari.providers.values import TAG_LENGTH
from ikawaari.shapes import JsonObject, MethodType
from ikawaari.states import AttemptStatus, ProviderState
from ikawaari.store import due
from ikawaari.store.models import PaymentAttempt, ProviderAccount, ProviderOrder

_ID_LENGTH = 16  # letters and digits: with `acc_` short enough for CinetPay's callback addresses
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """What an operator wants to add; nothing of it is checked yet."""

    provider: str
    merchant_id: str | None  # None: the house's
    country: str | None
    livemode: bool
    settings: object  # a JSON object is expected


def add(new: NewAccount, config: Config, now: datetime) -> Account:
    """Store an account. Raises ValidationFailed naming everything that is wrong, NotFound for an unknown merchant."""
    provider = _addable(new.provider)
    if new.merchant_id is not None:
        merchants.get(new.merchant_id)
    country = new.country.upper() if new.country else None
    account_id = f"acc_{ids.random_text(_ID_LENGTH)}"
    known = provider.settings_of(new.settings)
    problems = _misfits(provider, new.livemode, country) | _setting_problems(known, new.settings, config)
    problems |= _address_problems(provider, f"{config.api_url}/callbacks/{account_id}")
    if problems or not isinstance(new.settings, Mapping):
        raise ValidationFailed(problems)
    with store.atomic():
        accounts.changed()
        row = ProviderAccount.create(
            id=account_id,
            provider=provider.name,
            merchant=new.merchant_id,
            country=country,
            livemode=new.livemode,
            settings=accounts.seal(new.settings),
            callback_key=sealing.seal(os.urandom(_KEY_BYTES).hex()),
            created_at=now,
        )
        _ask(provider, account_id, now)
    accounts.forget()
    return accounts.opened(row)


def update(account_id: str, given: object, config: Config, now: datetime) -> None:
    """Replace all settings of an account: its id, its callback address and its key stay, as the provider knows them.

    Raises NotFound, ValidationFailed.
    """
    with store.atomic():
        accounts.changed()
        row = ProviderAccount.get_or_none(ProviderAccount.id == account_id)
        provider = registry.named(row.provider) if row else None
        if row is None or provider is None:
            raise NotFound(f"provider account {account_id} that has settings")
        # What is under way is asked about with them: an account stays of the kind that it is.
        known = provider.settings_of(accounts.opened(row).settings)
        problems = _setting_problems(known, given, config)
        if problems or not isinstance(given, Mapping):
            raise ValidationFailed(problems)
        row.change(settings=accounts.seal(given))
        _ask(provider, account_id, now)
    accounts.forget()


def _ask(provider: Provider, account_id: str, now: datetime) -> None:
    """Have a worker ask at once what the provider says of the account's operators, where it says anything."""
    if Verb.CONDITIONS in provider.verbs:
        due.touch(health.REFRESH, account_id, now, lane=account_id)


def order(merchant_id: str | None, country: str, operator: str, account_ids: Sequence[str]) -> None:
    """Set which accounts are asked first for an operator's payers, for a merchant or the house; none: no longer any.

    Raises ValidationFailed, NotFound for an unknown merchant.
    """
    if merchant_id is not None:
        merchants.get(merchant_id)
    found = operator_named(operator, country)
    problems = [problem for one in account_ids if (problem := _order_problem(one, merchant_id, found))]
    if problems:
        raise ValidationFailed({"accounts": problems})
    with store.atomic():
        accounts.changed()  # whoever replaces the same list waits here
        whose = ProviderOrder.merchant.is_null() if merchant_id is None else ProviderOrder.merchant == merchant_id
        ProviderOrder.delete().where(whose, ProviderOrder.operator == found.id).execute()
        if account_ids:
            listed = list(dict.fromkeys(account_ids))
            ProviderOrder.add(merchant=merchant_id, operator=found.id, accounts=listed)
    accounts.forget()


def check(account_id: str, now: datetime) -> Checkup:
    """Ask the provider whether the account's settings are good. Raises NotFound."""
    one = accounts.channel(account_id)
    if one is None:
        raise NotFound(f"provider account {account_id}")
    return one.check(now)


def route(
    merchant_id: str | None, *, livemode: bool, country: str | None, operator: str | None, currency: str, amount: int
) -> Sequence[tuple[str, str, str | None]]:
    """The accounts for a payment (a card without an operator): id, provider, what stands against it; takers first.

    Raises ValidationFailed, NotFound for an unknown merchant.
    """
    if merchant_id is not None:
        merchants.get(merchant_id)
    if not money.is_currency(currency.upper()):
        raise ValidationFailed({"currency": ["is not one that we know"]})
    wanted = Wanted(
        merchant_id=merchant_id,
        livemode=livemode,
        method_type=MethodType.MOBILE_MONEY if operator else MethodType.CARD,
        operator=operator_named(operator, country).id if operator else None,
        currency=currency.upper(),
        amount=amount,
    )
    found = [(one.id, one.provider.name, objection) for one, objection in routing.explained(wanted)]
    return sorted(found, key=lambda each: each[2] is not None)


def operator_named(operator: str, country: str | None) -> Operator:
    """The operator of an id, or of a brand's name in a country. Raises ValidationFailed."""
    found = operators.find(operator, country)
    if found is None:
        choices = ", ".join(one.id for one in operators.in_country(country or "")) or "none, in that country"
        raise ValidationFailed({"operator": [f"must be one of {choices}"]})
    return found


def listed() -> Sequence[JsonObject]:
    """Every account, the preferred ones first, without its secrets."""
    known, paid_at = accounts.known(), _last_successes()
    return [_described(known, one, paid_at.get(one.id)) for one in known.channels.values()]


def reached(one: Channel) -> list[str]:
    """The operators whose payers an account can charge."""
    return [name for name in one.capabilities.operators if one.reach_now(name)]


def _described(known: Accounts, one: Channel, paid_at: datetime | None) -> JsonObject:
    account = one.account
    return {
        "id": account.id,
        "provider": account.provider,
        "merchant": one.merchant_id,
        "country": account.country,
        "mode": "live" if account.livemode else "test",
        "state": ProviderState.CLOSED if account.id in known.closed else ProviderState.OPEN,
        "breakers": known.health.of_account(account.id),
        "rests_until": _rests_until(known, account.id),
        "operators": reached(one),
        "cards": one.capabilities.cards is not None,
        "last_success": clock.iso(paid_at) if paid_at else None,
        "callback_url": account.callback_url,
        "settings": settings.masked(one.settings, account.settings),
    }


def _rests_until(known: Accounts, account_id: str) -> str | None:
    until, now = known.health.resting.get(account_id), clock.now()
    return clock.iso(until) if until and until > now else None


def _last_successes() -> Mapping[str, datetime]:
    """When each account's last payment succeeded, of those that have had one."""
    paid = PaymentAttempt.select(PaymentAttempt.provider, fn.MAX(PaymentAttempt.settled_at))
    rows: Any = paid.where(PaymentAttempt.status == AttemptStatus.SUCCEEDED).group_by(PaymentAttempt.provider).tuples()
    return dict(rows)


def _addable(name: str) -> Provider:
    """The provider of that name, if accounts can be added. Raises ValidationFailed."""
    found = registry.named(name)
    if found is None or found.account is not None:
        choices = [one for one in registry.names() if not getattr(registry.named(one), "account", None)]
        raise ValidationFailed({"provider": [f"must be one of {', '.join(choices)}"]})
    return found


def _misfits(provider: Provider, livemode: bool, country: str | None) -> Details:
    """Why the provider has no such account."""
    problems: Details = {}
    can = provider.capabilities
    if livemode not in can.modes:
        problems["mode"] = [f"{provider.name} has no {'live' if livemode else 'test'} accounts"]
    served = sorted({OPERATORS[name].country for name in can.operators})
    if country is None:
        if provider.is_per_country:
            problems["country"] = [f"is required: one of {', '.join(served)}"]
    elif served and country not in served:
        problems["country"] = [f"must be one of {', '.join(served)}"]
    elif not countries.is_country(country):
        problems["country"] = ["must be an ISO 3166 alpha-2 code"]
    return problems


def _setting_problems(known: Sequence[Setting], given: object, config: Config) -> Details:
    problems = {name: [problem] for name, problem in settings.problems(known, given).items()}
    base_url = given.get("base_url") if isinstance(given, Mapping) else None
    if isinstance(base_url, str) and not problems.get("base_url") and (problem := _url_problem(base_url, config)):
        problems["base_url"] = [problem]
    return problems


def _url_problem(url: str, config: Config) -> str | None:
    if not texts.is_web_url(url):
        return "must be an absolute http(s) URL"
    parts = urlsplit(url)
    if not config.is_local and (parts.scheme != "https" or addresses.is_loopback(parts.hostname or "")):
        return "must be https, and not an address of this machine: others reach this server"
    return None


def _address_problems(provider: Provider, callback_url: str) -> Details:
    longest, length = provider.longest_callback_url, len(callback_url) + 1 + TAG_LENGTH
    if longest is None or length <= longest:
        return {}
    problem = f"is too long: {provider.name} takes callback addresses of {longest} characters, this one has {length}"
    return {"IKAWAARI_API_URL": [problem]}


def _order_problem(account_id: str, merchant_id: str | None, operator: Operator) -> str | None:
    one = accounts.channel(account_id)
    if one is None or one.merchant_id not in (None, merchant_id):
        return f"{account_id} is no account of {'the house' if merchant_id is None else 'the merchant or the house'}"
    return None if operator.id in reached(one) else f"{account_id} does not take {operator.id}"
