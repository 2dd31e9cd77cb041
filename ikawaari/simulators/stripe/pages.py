"""What browsers open: the bank's page of 3-D Secure, and the script with its frames."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from ikawaari.simulators.pages import back_to, choice
from ikawaari.simulators.stripe import confirming
from ikawaari.simulators.stripe.books import Books, Challenge
from ikawaari.simulators.web import Answer, Request, Route

_STATIC = Path(__file__).parent / "static"
_HTML, _SCRIPT = "text/html; charset=utf-8", "text/javascript; charset=utf-8"
_FILES = {
    "/v3": "v3.js",
    "/v3/": "v3.js",
    "/frames/fields": "fields.html",
    "/frames/fields.js": "fields.js",
}
_CHOICES = {"complete": "Complete authentication", "fail": "Fail authentication"}
# The browser script shows the bank's page in a frame, and waits for this.
_DONE = b'<!DOCTYPE html><title>Done</title><script>parent.postMessage({ name: "authenticated" }, "*")</script>'


def routes(all_books: Callable[[], Collection[Books]]) -> list[Route]:
    """The routes, on the account's books."""

    def with_challenge(act: Callable[[Books, Challenge, Request], Answer]) -> Callable[[Request], Answer]:
        def handle(request: Request) -> Answer:
            for books in all_books():
                if challenge := books.challenges.get(request.params["secret"]):
                    return act(books, challenge, request)
            return Answer(404)

        return handle

    return [
        Route("GET", "/3d_secure/{secret}", with_challenge(_ask), "page"),
        Route("POST", "/3d_secure/{secret}", with_challenge(_decide), "page"),
        *(Route("GET", path, partial(_file, name), "page") for path, name in _FILES.items()),
    ]


def _ask(_books: Books, challenge: Challenge, _request: Request) -> Answer:
    """The page with its two buttons; whoever comes back to it later is sent on."""
    if not challenge.is_open:
        return _go_on(challenge)
    intent = challenge.intent
    money = f"a payment of {intent['amount']} {intent['currency'].upper()}" if "amount" in intent else "a saved card"
    return choice("3-D Secure", f"Your bank asks whether it is you: {money}.", _CHOICES)


def _decide(books: Books, challenge: Challenge, request: Request) -> Answer:
    decision = request.form.get("decision")
    if decision not in _CHOICES:
        return Answer(400)
    confirming.answer_challenge(books, challenge, is_authenticated=decision == "complete")
    return _go_on(challenge)


def _go_on(challenge: Challenge) -> Answer:
    if challenge.return_url is None:
        return Answer(200, _DONE, _HTML)
    return back_to(confirming.way_back(challenge.intent, challenge.return_url))


def _file(name: str, _request: Request) -> Answer:
    kind = _SCRIPT if name.endswith(".js") else _HTML
    return Answer(200, (_STATIC / name).read_bytes(), kind, {"Cache-Control": "no-store"})
