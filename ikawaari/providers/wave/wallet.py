"""The requests to Wave about one account's wallet."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote

from ikawaari.providers.http import Answer, Call, NoAnswer, read_text
from ikawaari.providers.values import Account
from ikawaari.providers.wave import sessions, signatures

SESSIONS = "/v1/checkout/sessions"


class Wallet:
    """The requests of one verb, with the key of the account, and signed if it has the secret for that."""

    def __init__(self, new_call: Callable[[], Call], account: Account, now: datetime) -> None:
        self._call, self._account, self._stamp = new_call(), account, str(int(now.timestamp()))
        self._new_call, self._now = new_call, now

    def again(self) -> "Wallet":
        """The same with the time of another call: for a list that may have many pages."""
        return Wallet(self._new_call, self._account, self._now)

    def send(self, method: str, path: str, *, what: str, fields: Mapping[str, str] | None = None) -> Answer | NoAnswer:
        """One request, with `fields` as its JSON."""
        body = b"" if fields is None else json.dumps(fields, separators=(",", ":")).encode()
        headers = {"Authorization": f"Bearer {self._account.text('api_key')}"}
        if secret := self._account.text("signing_secret"):
            signature = signatures.hexdigest(secret, self._stamp, body)
            headers[signatures.HEADER] = f"t={self._stamp},v1={signature}"
        if body:
            headers["Content-Type"] = "application/json"
        return self._call.send(method, path, what=what, headers=headers, raw=body or None)

    def get(self, session_id: str) -> Answer | NoAnswer:
        """One session."""
        return self.send("GET", path_of(session_id), what="get")

    def search(self, charge_id: str) -> Answer | NoAnswer:
        """All sessions of a charge."""
        return self.send("GET", f"{SESSIONS}/search?client_reference={quote(charge_id, safe='')}", what="search")

    def find(self, charge_id: str) -> str | Answer | NoAnswer:
        """The id of a charge's session, or the answer that does not have it."""
        answer = self.search(charge_id)
        if isinstance(answer, NoAnswer):
            return answer
        mine = [one for one in sessions.listed(answer) if read_text(one, "client_reference") == charge_id]
        return read_text(sessions.chosen(mine), "id") or answer


def path_of(session_id: str) -> str:
    """Where a session is."""
    return f"{SESSIONS}/{quote(session_id, safe='')}"
