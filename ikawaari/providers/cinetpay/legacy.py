"""CinetPay's legacy API (v2): a hosted page for each payment, a check of its status, and notifications.

For accounts with nothing but its credentials. Source: docs.cinetpay.com as it was, and CinetPay's `api-checkout-doc`.
An answer does not name the payment; what we send as `metadata` comes back in newer forms of a check, and is compared.
A payer whom nobody led to the page cannot pay: its address is in the answer to the create alone.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl

from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint
from ikawaari.providers.capabilities import Limits, Reach, Renewals
from ikawaari.providers.cinetpay import legacy_codes as codes
from ikawaari.providers.cinetpay import reading, sending
from ikawaari.providers.cinetpay.codes import NOT_FOUND, Code, Said
from ikawaari.providers.http import Answer, Call, NoAnswer
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, failed, refused, unknown
from ikawaari.providers.provider import Checkup
from ikawaari.providers.settings import BASE_URL, Setting
from ikawaari.providers.values import Account, Charge, Flow, long_id, short_id
from ikawaari.shapes import JsonObject

LIVE_URL = "https://api-checkout.cinetpay.com"
CREDENTIALS = (
    Setting(name="apikey", is_secret=True),
    Setting(name="site_id"),
    Setting(name="secret_key", is_secret=True),
)
SETTINGS = (*CREDENTIALS, BASE_URL)
_FRANCS = 5  # amounts are multiples of it
_SIGNED = (
    *("cpm_site_id", "cpm_trans_id", "cpm_trans_date", "cpm_amount", "cpm_currency", "signature", "payment_method"),
    *("cel_phone_num", "cpm_phone_prefixe", "cpm_language", "cpm_version", "cpm_payment_config", "cpm_page_action"),
    *("cpm_custom", "cpm_designation", "cpm_error_message"),
)
_MOST_FIELDS = 100


def reach_of(reach: Reach) -> Reach:
    """Of what v1 can do for an operator's payers: its page asks them, and nobody opens that for a renewal."""
    limits = {code: Limits(minimum=one.step, step=one.step * _FRANCS) for code, one in reach.limits.items()}
    return replace(reach, flows=(Flow.REDIRECT,), code_from=None, limits=limits, renewals=Renewals.NONE)


def misfit(account: Account) -> str | None:
    """What is wrong with an account, in one sentence; None if nothing that can be seen from here."""
    if not account.livemode and not account.text("base_url"):
        return "CinetPay's legacy API has no test mode: an account of it is live."
    return sending.long_address(account)


def create(call: Call, account: Account, charge: Charge, reach: Reach | None, now: datetime) -> Outcome:
    """`POST /v2/payment`. An id that exists is an error there: it is looked up, and never refused."""
    if (problem := sending.problem(charge, reach, misfit(account))) is not None:
        return problem
    answer = call.send("POST", "/v2/payment", what="create", body=_body(account, charge))
    if isinstance(answer, NoAnswer):
        return answer.of_create()
    said = codes.read(answer)
    if said.code == codes.CREATED:
        url = said.text("payment_url")
        return reading.asks(said, url, now) if url else reading.processing(said)
    if said.code == codes.USED_TWICE or (said.code == codes.FIELDS and said.blames("transaction_id")):
        found = lookup(call, account, charge, now)
        return unknown(found.raw_code) if found.result is Result.NOT_FOUND else found
    if said.code == codes.FIELDS:
        return refused(reading.wrong_field(said), said.word)
    return refused(codes.REFUSALS[said.code], said.word) if said.code in codes.REFUSALS else unknown(said.word)


def lookup(call: Call, account: Account, charge: Charge, now: datetime) -> Outcome:
    """`POST /v2/payment/check`."""
    answer = _check(call, account, short_id(charge.id), "lookup")
    if isinstance(answer, NoAnswer):
        return answer.unknown()
    said = codes.read(answer)
    if "url" not in charge.provider_data and _knows_none(said):  # with one it is there, whatever a check says
        return Outcome(result=Result.NOT_FOUND, raw_code=said.word)
    return _status(charge, said, now)


def check(call: Call, account: Account) -> Checkup:
    """Ask for a payment that there cannot be. Nothing but a notification shows whether the secret key is right."""
    if words := misfit(account):
        return Checkup(is_usable=False, words=words)
    answer = _check(call, account, sending.NOBODY, "check")
    said = codes.read(answer) if isinstance(answer, Answer) else answer
    if isinstance(said, NoAnswer) or said.code in codes.NO_USE:
        return Checkup(is_usable=False, words=f"CinetPay gave no usable answer ({said.word}).")
    if said.code in codes.WRONG_KEYS:
        return Checkup(is_usable=False, words=f"CinetPay refuses the apikey or the site_id ({said.word}).")
    return Checkup(
        is_usable=True,
        words="CinetPay accepts the apikey and the site_id; only a callback shows whether the secret_key is right.",
    )


def read_notification(account: Account, request: CallbackRequest) -> Hint:
    """A form that names a payment of ours, with its `x-token`, which is over its fields without anything in between.

    So it proves that CinetPay sent these characters, but not where one field ends and the next one begins: what it says
    of amount and status only makes us ask. A field that is empty may be left out. Raises CallbackRefused.
    """
    form = _form(request.body)
    charge_id = long_id(form.get("cpm_trans_id"))
    is_ours = charge_id is not None and form.get("cpm_site_id") == account.text("site_id")
    expected = token(form, account.text("secret_key"))
    is_signed = hmac.compare_digest(expected.encode(), (request.header("x-token") or "").encode())
    has_tag = request.tag is None or account.has_tag(request.tag, form.get("cpm_trans_id", ""))
    if charge_id is None or not (is_ours and is_signed and has_tag):
        raise CallbackRefused("not a signed notification about a payment of this account")
    return Hint(charge_id=charge_id)


def token(form: Mapping[str, str], secret_key: str) -> str:
    """The `x-token` of a notification."""
    signed = "".join(form.get(name, "") for name in _SIGNED)
    return hmac.new(secret_key.encode(), signed.encode(), hashlib.sha256).hexdigest()


def _body(account: Account, charge: Charge) -> JsonObject:
    sent_id = short_id(charge.id)
    first_name, last_name = sending.names(charge.customer_name)
    return {
        **_keys(account),
        "transaction_id": sent_id,
        "amount": int(charge.money.major),  # whole: the limits have a step
        "currency": charge.money.currency,
        "description": sending.designation(charge),
        "notify_url": account.tagged_url(sent_id, names_it=False),
        "return_url": charge.page_url,
        "channels": "ALL",  # without cards, which want the payer's address as well
        "lang": "en" if charge.language == "en" else "fr",
        "metadata": sent_id,
        "customer_name": last_name,
        "customer_surname": first_name,
    }


def _keys(account: Account) -> Mapping[str, str]:
    return {name: account.text(name) for name in ("apikey", "site_id")}


def _check(call: Call, account: Account, sent_id: str, what: str) -> Answer | NoAnswer:
    return call.send("POST", "/v2/payment/check", what=what, body={**_keys(account), "transaction_id": sent_id})


def _status(charge: Charge, said: Said, now: datetime) -> Outcome:
    """The outcome of a check. A success or a failure is one where the number and the word agree, if there is a word."""
    status = said.fields.get("status")
    if said.code is None or said.fields.get("metadata") not in (None, "", short_id(charge.id)):
        return unknown(said.word)
    if said.code in codes.OPEN and status not in ("ACCEPTED", "REFUSED"):
        acts = said.code in codes.ON_PAGE and "url" in charge.provider_data
        return reading.waits(charge, said, now, acts=acts)
    if said.fields["is_about_one"] and said.code == codes.SUCCES and status in (None, "ACCEPTED"):
        return reading.succeeds(charge, said)
    if said.fields["is_about_one"] and _has_failed(said.code, status):
        or_else = FailureCode.INSUFFICIENT_FUNDS if said.code == codes.ORANGE else None
        failure = codes.ENDS.get(said.code, FailureCode.UNKNOWN)
        return failed(failure, said.word, reference=said.reference, or_else=or_else)
    is_known = any(said.code in known for known in (codes.WORDS, codes.REFUSALS, codes.NO_USE))
    return unknown(said.word) if is_known else reading.strange(charge, said)


def _knows_none(said: Said) -> bool:
    """Whether an answer is about no payment. How it says that is not documented: by some code, and without data.

    Should the payment be there all the same, nobody can pay it whom nobody led to its page.
    """
    says_more = {codes.SUCCES, *codes.OPEN, *codes.WRONG_KEYS, *codes.NO_USE}
    return said.code == NOT_FOUND or (said.code not in says_more and not said.fields["is_about_one"])


def _has_failed(code: Code, status: object) -> bool:
    if status == "REFUSED":
        return code != codes.SUCCES and code not in codes.OPEN
    return status is None and code in codes.ENDS


def _form(body: bytes) -> Mapping[str, str]:
    """The fields of a form. Raises CallbackRefused: one that comes twice may mean either."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise CallbackRefused("not a form") from None
    if [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]:
        raise CallbackRefused("a form with a field that comes twice")
    return dict(pairs)
