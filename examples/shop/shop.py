"""A small shop that is paid through Ikawaari Checkout. Copy what you need; README.md says how to run it."""

import hashlib
import hmac
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from flask import Flask, abort, json, redirect, render_template, request
from werkzeug.wrappers import Response

API_URL = os.environ.get("IKAWAARI_API_URL", "http://127.0.0.1:8000")
API_KEY = os.environ["IKAWAARI_API_KEY"]
WEBHOOK_SECRET = os.environ["IKAWAARI_WEBHOOK_SECRET"]
SHOP_URL = os.environ.get("SHOP_URL", "http://127.0.0.1:5000")  # not the Host header, which anybody may choose
DATABASE = os.environ.get("SHOP_DATABASE", "shop.sqlite3")
ARTICLE, AMOUNT, CURRENCY = "Wax hollandais, 6 yards", 5000, "XOF"  # in the smallest unit: these are 5,000 francs
TOLERANCE_SECONDS = 300
# An order only moves down this list, so news that comes twice, late or out of order does no harm.
STATES = ("pending", "expired", "paid_late", "paid", "partially_refunded", "refunded")
app = Flask(__name__)
app.logger.setLevel("INFO")
app.config["MAX_CONTENT_LENGTH"] = 1_000_000  # the webhook's address is public: nobody fills our memory


@contextmanager
def store() -> Iterator[sqlite3.Connection]:
    """The shop's database, in one transaction: all of the block happens, or nothing of it."""
    database = sqlite3.connect(DATABASE, timeout=5)
    database.row_factory = sqlite3.Row
    try:
        with database:
            yield database
    finally:
        database.close()


with store() as created:
    created.execute("""CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, state TEXT NOT NULL DEFAULT 'pending',
        amount INTEGER NOT NULL, currency TEXT NOT NULL, session TEXT UNIQUE, url TEXT)""")
    created.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY)")


@app.get("/")
def article() -> str:
    """The article and its button."""
    return render_template("article.html", article=ARTICLE, amount=AMOUNT)


@app.post("/orders")
def buy() -> Response:
    """Store the order before anybody can pay for it. Its id is a secret of the customer: it opens the order's page."""
    order_id = secrets.token_hex(16)
    with store() as database:  # the price is ours: never take it from the form
        database.execute("INSERT INTO orders (id, amount, currency) VALUES (?, ?, ?)", [order_id, AMOUNT, CURRENCY])
    return pay(order_id)


@app.post("/orders/<order_id>/pay")
def pay(order_id: str) -> Response:
    """Send the customer to the order's one checkout session; pressed again, to the same."""
    order = find("SELECT * FROM orders WHERE id = ?", order_id) or abort(404)
    if order["url"]:
        return redirect(order["url"], 303)
    wanted = {
        "amount": order["amount"],
        "currency": order["currency"],
        "description": ARTICLE,
        "clientReferenceId": order_id,
        "successUrl": f"{SHOP_URL}/return?session={{CHECKOUT_SESSION_ID}}&signature={{CHECKOUT_SIGNATURE}}",
        "cancelUrl": f"{SHOP_URL}/orders/{order_id}",
    }
    # Whatever is lost on the way: called again with the same key, it is the same session, not a second one to pay.
    session = call("POST", json=wanted, key=f"order-{order_id}")
    with store() as database:
        opened = [session["id"], session["url"], order_id]
        database.execute("UPDATE orders SET session = ?, url = ? WHERE id = ?", opened)
    return redirect(session["url"], 303)


@app.get("/orders/<order_id>")
def show(order_id: str) -> str:
    """The order's page."""
    order = find("SELECT * FROM orders WHERE id = ?", order_id) or abort(404)
    return render_template("order.html", order=order, state=order["state"], article=ARTICLE)


@app.get("/return")
def come_back() -> str:
    """The customer is back. Anybody can type this address, so the address alone proves nothing and stores nothing."""
    order = find("SELECT * FROM orders WHERE session = ?", request.args.get("session", "")) or abort(404)
    if order["state"] == "pending" and is_genuine_return(order["session"], request.args.get("signature", "")):
        return render_template("order.html", order=order, state="paid", article=ARTICLE)  # the webhook will store it
    if order["state"] in ("pending", "expired"):
        with suppress(requests.RequestException):  # in vain, the page shows what we know, until the webhook comes
            take_in(call("GET", f"/{order['session']}"))
    return show(order["id"])


@app.post("/webhooks")
def webhook() -> tuple[str, int]:
    """Where Ikawaari tells what happened: at least once, until we answer 2xx."""
    body = request.get_data()  # the raw bytes: JSON that was parsed and written again has another signature
    if not is_genuine_webhook(request.headers.get("Ikawaari-Signature", ""), body):
        abort(400)
    event = json.loads(body)
    session = session_of(event)  # may ask the API, so outside of any transaction; in vain, we are told again later
    if session:
        take_in(session, event["id"])
    return "", 204


@app.errorhandler(requests.RequestException)
def unreachable(error: requests.RequestException) -> tuple[str, int]:
    """Ikawaari did not answer, or said no. Nothing was paid, and trying again is safe."""
    app.logger.error("Ikawaari: %s", error)
    return render_template("unreachable.html"), 503


def session_of(event: dict[str, Any]) -> dict[str, Any] | None:
    """The checkout session that an event tells of, or None."""
    if event["type"].startswith("checkout.session."):
        return dict(event["data"])
    if event["type"] == "refund.succeeded":  # perhaps a part, perhaps what was paid twice: the session knows the whole
        found = call("GET", params={"payment_intent": event["data"]["payment_intent"]})["data"]
        return found[0] if found else None
    return None


def take_in(session: dict[str, Any], event_id: str | None = None) -> None:
    """Move the session's order to where its money is: the only place that does. An event seen before moves nothing."""
    with store() as database:
        known = "INSERT OR IGNORE INTO events (id) VALUES (?)"
        if event_id and not database.execute(known, [event_id]).rowcount:
            return
        state = state_of(session)
        fixed = [session["client_reference_id"], session["amount"], session["currency"].upper()]  # lower case in events
        # Of two that tell the same at once, one finds the earlier state and wins.
        moved = database.executemany(
            "UPDATE orders SET state = ? WHERE id = ? AND amount = ? AND currency = ? AND state = ?",
            [[state, *fixed, earlier] for earlier in STATES[: STATES.index(state)]],
        ).rowcount
        if moved > 0:  # once per order and state: here goes the row that says «send the parcel», in this transaction
            app.logger.info("order %s is %s", session["client_reference_id"], state)


def state_of(session: dict[str, Any]) -> str:
    """The order's state that follows from a session. Only `paid` is a reason to deliver without a thought."""
    if session["payment_status"] == "paid":  # late: we may have sold the article to somebody else
        return "paid_late" if session["late"] else "paid"
    if session["payment_status"] in STATES:
        return str(session["payment_status"])
    return "expired" if session["status"] == "expired" else "pending"


def is_genuine_webhook(header: str, body: bytes) -> bool:
    """Whether `Ikawaari-Signature` is t=<unix>,v1=<HMAC-SHA256 of "<unix>.<raw body>">, and fresh."""
    match = re.fullmatch(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", header)
    return match is not None and is_signed(WEBHOOK_SECRET, match[1], body, match[2])


def is_genuine_return(session_id: str, signature: str) -> bool:
    """Whether `{CHECKOUT_SIGNATURE}` says that this very session is paid, and fresh. No call is needed."""
    match = re.fullmatch(r"([0-9]{1,12})\.([0-9a-f]{64})", signature)
    key = hmac.new(API_KEY.encode(), b"ikawaari return", hashlib.sha256).hexdigest()
    return match is not None and is_signed(key, match[1], f"{session_id}.paid".encode(), match[2])


def is_signed(key: str, stamp: str, message: bytes, given: str) -> bool:
    """Compare in constant time; an old signature is a replay."""
    expected = hmac.new(key.encode(), stamp.encode() + b"." + message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, given) and abs(time.time() - int(stamp)) <= TOLERANCE_SECONDS


def find(query: str, value: str) -> sqlite3.Row | None:
    """An order, or None."""
    with store() as database:
        row: sqlite3.Row | None = database.execute(query, [value]).fetchone()
    return row


def call(method: str, path: str = "", key: str | None = None, **more: Any) -> dict[str, Any]:
    """Ask the API, in less time than a webhook may take. Raises requests.RequestException."""
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key}
    answer = requests.request(method, f"{API_URL}/api/v1/checkout/sessions{path}", headers=headers, timeout=5, **more)
    answer.raise_for_status()
    return dict(answer.json())
