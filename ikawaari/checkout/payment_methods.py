"""What a payer wants to pay with: parsed, checked, and normalized."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ikawaari import cards, countries, errors, operators, phones, store
from ikawaari.checkout import accounts, routing
from ikawaari.checkout.routing import Wanted
from ikawaari.errors import CodeNeeded, Details, Unavailable, ValidationFailed
from ikawaari.money import Money
from ikawaari.providers.base import Flow
from ikawaari.shapes import CardFields, JsonObject, MethodType, Typed
from ikawaari.store.models import CheckoutSession, PaymentAttempt, PaymentIntent, PaymentLink

Once = Callable[[str], None]
"""Called with the id of what a request stores, in the transaction that stores it.

Raises Conflict if the same request was stored before.
"""


_TOKEN = re.compile(r"[a-z]+_[A-Za-z0-9_]{1,200}")  # its beginning says whose it is: see `Capabilities.card_tokens`


def unnamed(_stored: str) -> None:
    """For a request without an idempotency key."""


@dataclass(frozen=True, kw_only=True, repr=False)  # it names a person, and a trace may have it
class PayRequest:
    """What the payer sent, not yet checked. `type` is `mobile_money` or `card`."""

    type: str
    country: str | None = None
    operator: str | None = None
    phone_number: str | None = None
    preferred_flow: str | None = None
    otp: str | None = None
    card_token: str | None = None
    amount: int | None = None
    quantities: Sequence[int] | None = None  # one for each line item
    agreed_total: int | None = None  # what the page showed; any other total is refused
    asked: str | None = None  # what the page has asked its payer about, "" for nothing; None: it is not the page
    customer: Mapping[str, Typed] = field(default_factory=dict)  # name, email, phone; address: a text or an object
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    return_url: str | None = None
    once: Once = unnamed


@dataclass(frozen=True, kw_only=True, repr=False)  # it names a person, and a trace may have it
class PaymentMethod:
    """A payment method that can be charged: one canonical operator id and an E.164 number, or a card token."""

    type: str
    provider: str = ""  # the id of the account that takes it; empty until it is routed
    operator: str | None = None
    country: str | None = None
    phone: str | None = None
    flow: Flow | None = None
    card_token: str | None = None
    card_fingerprint: str | None = None  # the same for each token of one card, at one account
    saved: JsonObject | None = None  # what the provider keeps of it, and charges in its place


@dataclass(frozen=True, kw_only=True, repr=False)  # it names a person, and a trace may have it
class Terms:
    """The terms of a payment: whose it is, the mode, the currency, the types of methods, what is known of the payer."""

    merchant_id: str | None  # None: any that has only what the house has
    livemode: bool
    currency: str
    method_types: Sequence[str]
    country: str | None
    phone: str | None  # E.164; used if the payer types none

    @classmethod
    def of_session(cls, session: CheckoutSession) -> "Terms":
        """The terms of a checkout session."""
        return cls(
            merchant_id=session.merchant_id,
            livemode=session.livemode,
            currency=session.currency,
            method_types=session.payment_method_types,
            country=session.country,
            phone=session.customer_phone,
        )

    @classmethod
    def of_link(cls, link: PaymentLink) -> "Terms":
        """The terms of the sessions that a payment link opens."""
        return cls(
            merchant_id=link.merchant_id,
            livemode=link.livemode,
            currency=link.currency,
            method_types=link.payment_method_types,
            country=link.country,
            phone=None,
        )

    @classmethod
    def of_intent(cls, intent: PaymentIntent) -> "Terms":
        """The terms of a payment intent without a session."""
        return cls(
            merchant_id=intent.merchant_id,
            livemode=intent.livemode,
            currency=intent.currency,
            method_types=tuple(MethodType),
            country=intent.country,
            phone=intent.customer_phone,
        )

    def wanting(self, method_type: str, operator: str | None, money: Money | None = None) -> Wanted:
        """A payment under these terms, as it is routed."""
        return Wanted(
            merchant_id=self.merchant_id,
            livemode=self.livemode,
            method_type=method_type,
            operator=operator,
            currency=self.currency,
            amount=money.amount if money else None,
        )


def read(request: PayRequest, terms: Terms) -> PaymentMethod:
    """The payment method of `request`, under `terms`, before it is routed. Raises ValidationFailed naming every wrong
    field.
    """
    _refuse_card_numbers(request)
    if request.type not in terms.method_types:
        raise _wrong({"type": [f"must be one of {', '.join(terms.method_types)}"]})
    return _mobile_money(request, terms) if request.type == MethodType.MOBILE_MONEY else _card(request, terms)


def code_for(request: PayRequest, method: PaymentMethod, money: Money) -> str | None:
    """The code that must be sent with the charge itself; None where the operator asks for none, or asks later.

    Raises CodeNeeded if it is missing: nothing is started, nothing is held.
    """
    channel = accounts.channel(method.provider)
    reach = channel.reach(method.operator) if channel else None
    if reach is None or not reach.asks_code_first(method.flow):
        return None
    if request.otp:
        return request.otp
    said = channel.condition(method.operator, money.currency) if channel else None
    dial = (said and said.dial_code) or str(reach.code_from)
    raise CodeNeeded(dial.replace("{amount}", str(int(money.major))))


def is_same(one: PaymentMethod, other: PaymentMethod) -> bool:
    """Whether both take the money from the same wallet or card."""
    return (one.type, one.operator, one.phone, one.card_token) == (
        other.type,
        other.operator,
        other.phone,
        other.card_token,
    )


def of(attempt: PaymentAttempt) -> PaymentMethod:
    """The payment method of an attempt."""
    return PaymentMethod(
        type=attempt.type,
        provider=attempt.provider,
        operator=attempt.operator,
        country=attempt.country,
        phone=attempt.phone,
        flow=Flow(attempt.flow) if attempt.flow else None,
        card_token=attempt.card_token,
        saved=attempt.saved_method,
    )


def saved(values: Mapping[str, Any]) -> PaymentMethod:
    """A subscription's payment method for a new charge, with the provider's default flow."""
    return PaymentMethod(**{**values, "flow": None})


def operators_of(terms: Terms, country: str) -> list[operators.Operator]:
    """The operators of `country` whose wallets hold the currency, and whose payers can pay now."""
    return [operator for operator in _holding(terms, country) if flows_of(terms, operator.id)]


def _holding(terms: Terms, country: str) -> list[operators.Operator]:
    """The operators of `country` whose wallets hold the currency."""
    return [one for one in operators.in_country(country) if terms.currency in one.currencies]


def flows_of(terms: Terms, operator: str) -> list[Flow]:
    """How the operator's payers can be asked, the provider's default first; empty if not at all."""
    return list(routing.flows(terms.merchant_id, livemode=terms.livemode, operator=operator, currency=terms.currency))


def countries_of(terms: Terms) -> list[str]:
    """The countries whose wallets hold the currency and that a provider reaches; the terms' own first."""
    served = [code for code in countries.COUNTRIES if operators_of(terms, code)]
    return sorted(served, key=lambda code: code != terms.country)


def takes_cards(terms: Terms) -> bool:
    """Whether a provider takes cards under these terms."""
    return bool(routing.candidates(terms.wanting(MethodType.CARD, None)))


def unserved(terms: Terms, *, chosen: bool) -> list[str]:
    """What no account takes now under these terms, in words for the merchant.

    Not `chosen`, but allowed because nothing else was said: then one method that somebody takes is enough.
    """
    missing = []
    for each in terms.method_types:
        words = _unserved(terms, each)
        if words is not None:
            missing.append(words)
        elif not chosen:
            return []
    return missing


def _unserved(terms: Terms, method_type: str) -> str | None:
    if method_type == MethodType.CARD:
        return None if takes_cards(terms) else f"No provider account takes cards in {terms.currency}."
    own = _holding(terms, terms.country or "")
    country = terms.country if own else None
    if any(flows_of(terms, one.id) for one in own) if own else countries_of(terms):
        return None
    where = f"{country} ({terms.currency})" if country else terms.currency
    return f"No provider account takes mobile money in {where}."


def card_fields(terms: Terms) -> CardFields | None:
    """What a page needs to take a card for the account that would be charged; None if there is none for a page."""
    return next((one.card_fields for one in routing.candidates(terms.wanting(MethodType.CARD, None))), None)


def routed(method: PaymentMethod, terms: Terms, money: Money, *, amount_is_chosen: bool = False) -> PaymentMethod:
    """The payment method at the account that takes `money` from it. Nothing is stored yet.

    Raises Unavailable if no account takes the method now, ValidationFailed if none takes so much or so little: it names
    the amount if the request chose it, else the method.
    """
    wanted = terms.wanting(method.type, method.operator, money)
    for channel in routing.candidates(wanted):
        if method.type != MethodType.CARD or str(method.card_token).startswith(channel.capabilities.card_tokens):
            return replace(method, provider=channel.id)
    if bounds := routing.bounds(wanted):
        raise _wrong({"amount" if amount_is_chosen else "operator" if method.operator else "type": [bounds]})
    raise Unavailable(errors.NO_PROVIDER, details={"payment_method": [routing.missing(wanted)]})


def identified(method: PaymentMethod, now: datetime) -> PaymentMethod:
    """With what its account knows a live card by, whatever its token: the provider is asked."""
    channel = accounts.channel(method.provider)
    if not method.card_token or method.saved or channel is None:
        return method
    if not channel.account.livemode or not channel.identifies:
        return method
    store.leave()
    return replace(method, card_fingerprint=channel.identify(method.card_token, now))


def _mobile_money(request: PayRequest, terms: Terms) -> PaymentMethod:
    problems: Details = {}
    phone = _phone(request, terms, problems)
    operator = _operator(request, phone, terms, problems)
    if operator and phone and phone.country != operator.country:
        problems["phone_number"] = [f"is not a number of {operator.country}, where {operator.id} is"]
    if operator and terms.currency not in operator.currencies:
        problems["operator"] = [f"{operator.id} cannot pay in {terms.currency} here"]
    if problems or operator is None or phone is None:  # a missing field already has its problem
        raise _wrong(problems)
    return PaymentMethod(
        type=MethodType.MOBILE_MONEY,
        operator=operator.id,
        country=operator.country,
        phone=phone.e164,
        flow=_flow(request),
    )


def _phone(request: PayRequest, terms: Terms, problems: Details) -> phones.Phone | None:
    text = request.phone_number or terms.phone
    if not text:
        problems["phone_number"] = ["is required"]
        return None
    try:
        return phones.parse(text, _country(request, terms))
    except phones.FormerPhone as former:  # nobody can confirm the new one here: the page asks its payer
        problems["phone_number"] = [former.advice]
        return None
    except phones.InvalidPhone:
        problems["phone_number"] = ["is not a phone number of this country"]
        return None


def _country(request: PayRequest, terms: Terms) -> str | None:
    """The payer's country: the given one, or the operator's, or the terms' if its wallets hold the currency."""
    if request.country:
        return request.country.upper()
    named = operators.find(request.operator, None) if request.operator else None
    return named.country if named else next(iter(countries_of(terms)), terms.country)


def _operator(
    request: PayRequest, phone: phones.Phone | None, terms: Terms, problems: Details
) -> operators.Operator | None:
    country = _country(request, terms)
    if request.country and countries.find(request.country) is None:
        problems["country"] = [f"must be one of {', '.join(countries_of(terms))}"]
        return None
    name = request.operator or (phones.guess_operator(phone) if phone else None)
    found = operators.find(name, phone.country if phone and not request.operator else country) if name else None
    if found is None and (request.operator or phone):
        choices = [operator.id for operator in operators_of(terms, country)] if country else []
        problems["operator"] = [f"must be one of {', '.join(choices)}"]
    return found


def _flow(request: PayRequest) -> Flow | None:
    """The flow that the payer prefers. It is only a preference: unknown values are ignored."""
    return Flow(request.preferred_flow) if request.preferred_flow in set(Flow) else None


def _card(request: PayRequest, terms: Terms) -> PaymentMethod:
    token = request.card_token or ""
    known = [one.capabilities.card_tokens for one in routing.candidates(terms.wanting(MethodType.CARD, None))]
    if not _TOKEN.fullmatch(token) or (known and not token.startswith(tuple(known))):
        raise _wrong({"card_token": [f"must be a card token ({known[0] if known else 'tok_'}…)"]})
    return PaymentMethod(type=MethodType.CARD, card_token=token)


def _refuse_card_numbers(request: PayRequest) -> None:
    """Refuse card numbers, whichever route they came through. Phone numbers are not searched."""
    names = ("card_token", "country", "operator", "preferred_flow", "return_url")
    cards_in = [name for name in names if cards.holds_number(getattr(request, name) or "")]
    if cards_in:
        raise ValidationFailed({name: [cards.REFUSAL] for name in cards_in}, errors.CARD_NUMBER_SENT)


def _wrong(problems: Details) -> ValidationFailed:
    return ValidationFailed(problems, errors.PAYMENT_INVALID)
