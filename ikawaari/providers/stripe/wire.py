"""Requests as Stripe reads them: forms, a secret key, a pinned version, an idempotency key on every POST.

Source: docs.stripe.com/api, of the version below.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from ikawaari.providers.http import Answer, Call, NoAnswer, read, read_text
from ikawaari.providers.outcomes import Outcome, unknown
from ikawaari.providers.values import Account

VERSION = "2026-10-28.endive"
OK, BAD, CONFLICT, TOO_MANY, BROKEN = 200, 400, 409, 429, 500
_MOST_PAGES, _PAGE = 20, 100

Form = Mapping[str, str | None]  # by the full name (`metadata[attempt]`); None leaves a parameter out


class Api:
    """The requests of one verb."""

    def __init__(self, call: Call, account: Account) -> None:
        self._call = call
        self._headers = {"Authorization": f"Bearer {account.text('secret_key')}", "Stripe-Version": VERSION}

    def post(self, path: str, form: Form, key: str, what: str) -> Answer | NoAnswer:
        """POST a form under an idempotency key (255 characters at most): Stripe keeps the first answer for a day."""
        headers = {**self._headers, "Idempotency-Key": key}
        return self._call.send("POST", path, what=what, headers=headers, form=_given(form))

    def get(self, path: str, query: Form, what: str) -> Answer | NoAnswer:
        """GET an object or a list."""
        asked = urlencode(_given(query))
        return self._call.send("GET", f"{path}?{asked}" if asked else path, what=what, headers=self._headers)

    def listed(self, path: str, query: Form) -> Iterator[object]:
        """The objects of a list, page after page. Raises Unanswered if one is missing, or if they do not end."""
        last: str | None = None
        for _ in range(_MOST_PAGES):
            answer = self.get(path, {**query, "limit": str(_PAGE), "starting_after": last}, "list")
            page = value_of(answer)
            data = read(page, "data")
            if not isinstance(data, list):
                raise Unanswered(answer.unknown())
            yield from data
            if read(page, "has_more") is False:
                return
            last = read_text(data, len(data) - 1, "id")
        raise Unanswered(unknown("endless list"))


class Unanswered(Exception):
    """A look-up got no usable answer."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.raw_code)
        self.outcome = outcome


def value_of(answer: Answer | NoAnswer) -> object:
    """The object that an answer of 200 holds; None for anything else."""
    return answer.value() if isinstance(answer, Answer) and answer.status == OK else None


def error_of(answer: Answer) -> object:
    """The `error` of an answer; None unless it has a type, as Stripe's own have: a proxy's page has none."""
    error = answer.read("error")
    return error if read_text(error, "type") else None


def is_final(answer: Answer) -> bool:
    """Whether an error says that Stripe did not do what it was asked for. A 409, 429 or 5xx leaves it open."""
    return BAD <= answer.status < BROKEN and answer.status not in (CONFLICT, TOO_MANY) and error_of(answer) is not None


def is_repeated(answer: Answer) -> bool:
    """Whether an earlier call had this key: the answer is that call's, or its parameters were others."""
    replayed = answer.headers.get("Idempotent-Replayed") == "true"
    return replayed or (answer.status == BAD and read_text(error_of(answer), "type") == "idempotency_error")


def _given(form: Form) -> dict[str, str]:
    return {name: value for name, value in form.items() if value}
