"""The example shop in a process of its own, its customer, and the hands of Ikawaari and of its forgers."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from ikawaari.events import signature
from tests.chaos.shop import wait_until
from tests.serving import ROOT, Served, free_port

FOLDER = ROOT / "examples" / "shop"
EVENTS = ["checkout.session.completed", "checkout.session.late_payment", "checkout.session.expired", "refund.succeeded"]
_TIMEOUT_SECONDS = 10


class Shop:
    """The shop: may be started, stopped and started again on the same port and database."""

    def __init__(self, served: Served, key: str, folder: Path) -> None:
        self.served, self.key, self.folder = served, key, folder
        self.database = folder / "shop.sqlite3"
        self.url = f"http://127.0.0.1:{free_port()}"
        hook = {"url": f"{self.url}/webhooks", "enabled_events": EVENTS}
        self.secret = str(self.api("POST", "webhook-endpoints", json=hook)["secret"])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        chosen = {
            "IKAWAARI_API_URL": self.served.url,
            "IKAWAARI_API_KEY": self.key,
            "IKAWAARI_WEBHOOK_SECRET": self.secret,
            "SHOP_URL": self.url,
            "SHOP_DATABASE": str(self.database),
        }
        command = [sys.executable, "-m", "flask", "--app", "shop", "run", "--port", self.url.rpartition(":")[2]]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=FOLDER, env=os.environ | chosen, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, "the shop answers")

    def stop(self) -> None:
        """End it as a crash would."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def log_text(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text()

    def times_told(self, order_id: str, state: str) -> int:
        """How often the order came into that state."""
        return self.log_text().count(f"order {order_id} is {state}\n")

    def buy(self) -> tuple[str, str]:
        """Press the shop's button: the order's id and its session's."""
        answer = requests.post(f"{self.url}/orders", allow_redirects=False, timeout=_TIMEOUT_SECONDS)
        assert answer.status_code == 303, answer.text
        session = self.session(answer.headers["Location"].rpartition("/")[2])
        assert session["url"] == answer.headers["Location"]
        return session["client_reference_id"], session["id"]

    def press_again(self, order_id: str) -> requests.Response:
        """Press the button of the order's page."""
        return requests.post(f"{self.url}/orders/{order_id}/pay", allow_redirects=False, timeout=_TIMEOUT_SECONDS)

    def forget_session(self, order_id: str) -> None:
        """As if it had died between the API's answer and its own database."""
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute("UPDATE orders SET session = NULL, url = NULL WHERE id = ?", [order_id])

    def session(self, session_id: str) -> dict[str, Any]:
        """The session as the API tells it."""
        found: dict[str, Any] = self.api("GET", f"checkout/sessions/{session_id}")
        return found

    def state(self, order_id: str) -> str:
        """What the order's page says."""
        return self.page(f"/orders/{order_id}")

    def page(self, address: str) -> str:
        """The state that a page of the shop shows."""
        url = address if address.startswith("http") else self.url + address
        answer = requests.get(url, timeout=_TIMEOUT_SECONDS)
        assert answer.status_code == 200, answer.text
        shown = re.search('data-state="([a-z_]+)"', answer.text)
        assert shown is not None
        return shown[1]

    def becomes(self, order_id: str, state: str) -> None:
        """Wait until the order is in that state."""
        wait_until(lambda: self.state(order_id) == state, f"{order_id} is {state}", 10)

    def told(self, body: bytes, header: str | None = None, at: float | None = None) -> int:
        """What it answers to a webhook: signed with its secret, now or at `at`, unless `header` is given."""
        stamp = int(time.time() if at is None else at)
        headers = {signature.HEADER: header or signature.of_webhook(self.secret, stamp, body)}
        answer = requests.post(f"{self.url}/webhooks", body, headers=headers, timeout=_TIMEOUT_SECONDS)
        return answer.status_code

    def api(self, method: str, path: str, **more: Any) -> Any:
        """Call the merchant API with the shop's key."""
        answer = requests.request(
            method,
            f"{self.served.url}/api/v1/{path}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=_TIMEOUT_SECONDS,
            **more,
        )
        assert answer.ok, answer.text
        return answer.json()

    def _answers(self) -> bool:
        with suppress(requests.ConnectionError):
            return requests.get(self.url, timeout=_TIMEOUT_SECONDS).ok
        return False


@contextmanager
def stopped(shop: Shop) -> Iterator[None]:
    """The shop is down for as long as the block lasts."""
    shop.stop()
    try:
        yield
    finally:
        shop.start()
