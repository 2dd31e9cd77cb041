"""What pawaPay says about an account: its wallets' limits, health, names and instructions, and how it is set up."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from ikawaari.money import EXPONENTS, from_decimal_string
from ikawaari.providers.capabilities import Condition, Health, Limits
from ikawaari.providers.http import Answer, NoAnswer, read, read_text
from ikawaari.providers.outcomes import cleaned
from ikawaari.providers.pawapay import operations
from ikawaari.providers.pawapay.wallets import WALLETS
from ikawaari.providers.provider import Checkup
from ikawaari.providers.values import Account

_HEALTH = {"OPERATIONAL": Health.OPEN, "DELAYED": Health.DELAYED, "CLOSED": Health.CLOSED}
_WORST_FIRST = (Health.CLOSED, Health.DELAYED, Health.OPEN)
_LANGUAGES = ("fr", "en")
_DIALED = re.compile(r"[*#](?:[0-9*#]|\{amount\}){1,62}")
_LONGEST_NAME = 64


# ---------------------------------------------------------------- limits and health


def conditions(account: Account, answer: Answer, available: object) -> Sequence[Condition]:
    """The conditions of every wallet and currency that we know; empty if the configuration cannot be read.

    `available` is what pawaPay says about this moment, None if it did not. A wallet that the account does not have is
    absent.
    """
    configured = {read_text(one, "provider"): one for one in _providers(answer.read("countries"))}
    if answer.status != 200 or not any(wallet.name in configured for wallet in WALLETS.values()):
        return ()
    now = {read_text(one, "provider"): read(one, "operationTypes") for one in _providers(available)}
    return [
        _condition(account, operator, currency, configured.get(wallet.name), now.get(wallet.name))
        for operator, wallet in WALLETS.items()
        for currency in sorted(wallet.reach.currencies)
    ]


def _condition(account: Account, operator: str, currency: str, configured: object, available: object) -> Condition:
    held = [one for one in _list(configured, "currencies") if read(one, "currency") == currency]
    deposit = _operation(read(held, 0, "operationTypes"))
    if not isinstance(deposit, Mapping):
        return Condition(operator=operator, currency=currency, health=Health.ABSENT)
    instructions, dial_code = _instructions(deposit)
    states = [_health(account, read_text(deposit, "status")), _health(account, _state(_operation(available)))]
    return Condition(
        operator=operator,
        currency=currency,
        limits=_limits(deposit, currency),
        health=min(states, key=_WORST_FIRST.index),
        payee_name=cleaned(read_text(configured, "nameDisplayedToCustomer"), _LONGEST_NAME),
        instructions=instructions,
        dial_code=dial_code,
    )


def _providers(countries: object) -> Iterator[object]:
    for country in countries if isinstance(countries, list) else []:
        yield from _list(country, "providers")


def _list(value: object, *path: str) -> Sequence[object]:
    found = read(value, *path)
    return found if isinstance(found, list) else []


def _operation(types: object, kind: str = "DEPOSIT") -> object:
    """What is said of a kind of operations: by name in an object, or in a list of objects with `operationType`."""
    if isinstance(types, list):
        return next((one for one in types if read(one, "operationType") == kind), None)
    return read(types, kind)


def _state(deposit: object) -> str | None:
    return deposit if isinstance(deposit, str) else read_text(deposit, "status")


def _health(account: Account, word: str | None) -> Health:
    """Deposits are refused in DELAYED as well. A word that we do not know closes nothing: pawaPay would refuse."""
    if word is not None and word not in _HEALTH:
        operations.alarm(account, "provider_word_unknown", word)
    return _HEALTH.get(word or "", Health.OPEN)


def _limits(deposit: object, currency: str) -> Limits | None:
    step = 10 ** EXPONENTS[currency] if read(deposit, "decimalsInAmount") == "NONE" else 1
    try:
        least, most = (
            from_decimal_string(str(read(deposit, name)), currency).amount for name in ("minAmount", "maxAmount")
        )
    except ValueError:
        return None
    return Limits(minimum=max(least, 1), maximum=most, step=step) if max(least, 1) <= most else None


def _instructions(deposit: object) -> tuple[Mapping[str, str], str | None]:
    """What to do for a code, or for a prompt that did not come, by language, and what to dial for it."""
    is_useful = read(deposit, "pinPromptRevivable") is True or read(deposit, "pinPrompt") == "MANUAL"
    prompt = _list(deposit, "pinPromptInstructions", "channels") if is_useful else ()
    channels = [*_list(deposit, "authTokenInstructions", "channels"), *prompt]
    channel = next((one for one in channels if read(one, "type") == "USSD"), None)
    steps = {language: _sentences(_list(channel, "instructions", language)) for language in _LANGUAGES}
    return {language: text for language, text in steps.items() if text}, _dial_code(channel)


def _sentences(steps: Sequence[object]) -> str | None:
    texts = [text.strip().rstrip(".") for step in steps if (text := read_text(step, "text"))]
    return cleaned(" ".join(f"{text}." for text in texts))


def _dial_code(channel: object) -> str | None:
    quick = unquote(read_text(channel, "quickLink") or "").removeprefix("tel:")
    found = [quick, read_text(channel, "variables", "shortCode") or ""]
    return next((code for code in found if _DIALED.fullmatch(code)), None)


# ---------------------------------------------------------------- is the account usable?


def checkup(account: Account, answer: Answer | NoAnswer, address: str) -> Checkup:
    """What the configuration, or the lack of an answer from `address`, says of the account's settings."""
    if isinstance(answer, NoAnswer):
        return Checkup(is_usable=False, words=f"pawaPay did not answer at {address} ({answer.word}).")
    if answer.status in (401, 403):
        mode = "live" if account.livemode else "sandbox"
        return Checkup(is_usable=False, words=f"pawaPay refuses the token: it is wrong, or not one of its {mode}.")
    ours = _ours(answer)
    if answer.status != 200 or answer.read("countries") is None:
        return Checkup(is_usable=False, words=f"pawaPay's answer cannot be used ({answer.word}).")
    if (trouble := _trouble(account, answer, ours)) is not None:
        return Checkup(is_usable=False, words=trouble)
    words = f"pawaPay takes payments from {', '.join(sorted(ours))}{_misled(account, ours)}."
    return Checkup(is_usable=True, words=words)


def _ours(answer: Answer) -> Mapping[str, object]:
    """The account's wallets that we know and that may take deposits, by pawaPay's names."""
    known = {wallet.name for wallet in WALLETS.values()}
    found = {read_text(one, "provider"): one for one in _providers(answer.read("countries"))}
    return {name: one for name, one in found.items() if name in known and _operations(one, "DEPOSIT")}


def _operations(wallet: object, *kinds: str) -> Sequence[object]:
    """What a wallet says of these kinds of operations, in each of its currencies."""
    types = [read(currency, "operationTypes") for currency in _list(wallet, "currencies")]
    return [found for one in types for kind in kinds if (found := _operation(one, kind))]


def _trouble(account: Account, answer: Answer, ours: Mapping[str, object]) -> str | None:
    """Why payments, or their callbacks, would be refused."""
    if not ours:
        return "The token is good, but this account has no wallet that takes deposits."
    if answer.read("signatureConfiguration", "signedRequestsOnly") is True:
        return "pawaPay takes signed requests only from this account: switch that off in its dashboard."
    signs = answer.read("signatureConfiguration", "signedCallbacks")
    if account.is_set("sign_callbacks") and signs is not True:
        return "pawaPay does not sign callbacks, so we would refuse them: switch that on in its dashboard."
    return None


def _misled(account: Account, ours: Mapping[str, object]) -> str:
    """What to enter at pawaPay, if callbacks do not come to our address: payments are then only found by asking."""
    possible = [one for wallet in ours.values() for one in _operations(wallet, "DEPOSIT", "REFUND")]
    if {read_text(one, "callbackUrl") for one in possible} <= {account.callback_url}:
        return ""
    return f"; let its callbacks of deposits and refunds come to {account.callback_url}"
