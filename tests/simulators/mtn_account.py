"""A merchant's server that calls the simulator of MTN."""

import base64
import uuid
from typing import Any

import requests

from tests.simulators.talking import Talk

PAY, REFUND = "/collection/v1_0/requesttopay", "/disbursement/v1_0/refund"
CURRENCIES = {"mtncameroon": "XAF", "mtnivorycoast": "XOF", "mtnbenin": "XOF", "sandbox": "EUR"}
LEFT_OUT = object()


def payment(**changes: Any) -> dict[str, Any]:
    """A request to pay that is taken in Cameroon."""
    return {
        "amount": "1000",
        "currency": "XAF",
        "externalId": str(uuid.uuid4()),
        "payer": {"partyIdType": "MSISDN", "partyId": "237670123456"},
        "payerMessage": "Boutique Awa",
        "payeeNote": "Boutique Awa",
        **changes,
    }


class Caller:
    """Calls with the credentials of a product, and a token of its own."""

    def __init__(self, talk: Talk, product: str = "collection", callback_url: str | None = None) -> None:
        self.talk, self.product, self.callback_url = talk, product, callback_url
        self.settings: dict[str, Any] = talk.settings()
        credentials = self.settings if product == "collection" else self.settings["disbursement"]
        self.key: str = credentials["subscription_key"]
        written = f"{credentials['api_user']}:{credentials['api_key']}".encode()
        self.basic = "Basic " + base64.b64encode(written).decode()
        self.token: str = self.login().json()["access_token"]

    def login(self, body: Any = b"", **headers: Any) -> requests.Response:
        """Ask for a token."""
        sent = {"Authorization": self.basic, "Ocp-Apim-Subscription-Key": self.key, "User-Agent": "shop/1.0"} | headers
        return requests.post(
            f"{self.talk.base_url}/{self.product}/token/", data=body, headers=_headers(sent), timeout=5
        )

    def headers(self, **changes: Any) -> dict[str, str]:
        """The headers of a call; a change to LEFT_OUT takes one out."""
        given = {
            "Authorization": f"Bearer {self.token}",
            "Ocp-Apim-Subscription-Key": self.key,
            "X-Target-Environment": self.settings["target_environment"],
            "User-Agent": "shop/1.0",
            **changes,
        }
        return _headers(given)

    def post(self, given: object, path: str = PAY, reference: str | None = None, **headers: Any) -> requests.Response:
        """Create a payment or a refund."""
        named = {"X-Reference-Id": reference or str(uuid.uuid4())}
        if self.callback_url is not None:
            named["X-Callback-Url"] = self.callback_url
        sent = self.headers(**(named | headers))
        return requests.post(f"{self.talk.base_url}{path}", json=given, headers=sent, timeout=30)

    def create(self, given: object = None, path: str = PAY) -> str:
        """Create what must be accepted; its X-Reference-Id."""
        reference = str(uuid.uuid4())
        answer = self.post(payment() if given is None else given, path, reference)
        assert answer.status_code == 202, answer.text
        return reference

    def get(self, reference: str, path: str = PAY, **headers: Any) -> requests.Response:
        """Look a payment or a refund up."""
        return requests.get(f"{self.talk.base_url}{path}/{reference}", headers=self.headers(**headers), timeout=5)

    def data(self, reference: str, path: str = PAY) -> dict[str, Any]:
        """What a look-up says of what exists."""
        answer = self.get(reference, path)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()
        return data


def _headers(given: dict[str, Any]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items() if value is not LEFT_OUT}


def refused(answer: requests.Response) -> tuple[int, str]:
    """The status and the code of an error."""
    return answer.status_code, answer.json()["code"]
