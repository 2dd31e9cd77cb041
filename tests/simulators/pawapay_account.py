"""A merchant's server that calls the simulator of pawaPay."""

import uuid
from typing import Any

import requests

from tests.simulators.talking import Talk

NUMBERS = {
    "ORANGE_SEN": "221773456789",
    "FREE_SEN": "221763456789",
    "WAVE_SEN": "221773456789",
    "MTN_MOMO_CIV": "2250503456789",
    "ORANGE_CIV": "2250734567890",
    "WAVE_CIV": "2250734567890",
    "MOOV_BFA": "22602345678",
    "ORANGE_BFA": "22607345678",
    "MTN_MOMO_BEN": "22951345789",
    "MOOV_BEN": "22995345789",
    "MTN_MOMO_CMR": "237653456789",
    "ORANGE_CMR": "237693456789",
    "VODACOM_MPESA_COD": "243813456789",
    "AIRTEL_COD": "243973456789",
    "ORANGE_COD": "243893456789",
}
CURRENCIES = {"CMR": "XAF", "COD": "CDF"}
URLS = {"successfulUrl": "https://pay.example.com/r/ok", "failedUrl": "https://pay.example.com/r/ko"}


def deposit(wallet: str = "ORANGE_SEN", number: str | None = None, **changes: Any) -> dict[str, Any]:
    """A request to create a deposit that is taken; a change to None leaves a field out."""
    given = {
        "depositId": str(uuid.uuid4()),
        "amount": "1000",
        "currency": CURRENCIES.get(wallet[-3:], "XOF"),
        "payer": {
            "type": "MMO",
            "accountDetails": {"phoneNumber": number or NUMBERS.get(wallet, "221773456789"), "provider": wallet},
        },
        **(URLS if wallet.startswith("WAVE") else {}),
        **({"preAuthorisationCode": "123456"} if wallet == "ORANGE_BFA" else {}),
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


class Caller:
    """Calls with the account's token."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.headers = {"Authorization": f"Bearer {talk.settings()['token']}"}

    def post(self, path: str, given: object = None, timeout: float = 5) -> requests.Response:
        """POST JSON."""
        return requests.post(f"{self.talk.base_url}{path}", json=given, headers=self.headers, timeout=timeout)

    def get(self, path: str) -> requests.Response:
        """GET."""
        return requests.get(f"{self.talk.base_url}{path}", headers=self.headers, timeout=5)

    def create(self, given: dict[str, Any]) -> str:
        """Create a deposit that must be accepted; its id."""
        answer = self.post("/v2/deposits", given)
        assert (answer.status_code, answer.json()["status"]) == (200, "ACCEPTED"), answer.text
        return str(given["depositId"])

    def pay(self, *arguments: Any, **changes: Any) -> str:
        """Create a deposit and let it settle; its id."""
        deposit_id = self.create(deposit(*arguments, **changes))
        self.talk.advance(10)
        return deposit_id

    def refused(self, given: object, path: str = "/v2/deposits") -> tuple[int, str]:
        """The status and the failure code of a create that must be refused."""
        answer = self.post(path, given)
        assert answer.json()["status"] == "REJECTED", answer.text
        return answer.status_code, answer.json()["failureReason"]["failureCode"]

    def data(self, operation_id: str, noun: str = "deposits") -> dict[str, Any]:
        """What a look-up says of an operation that exists."""
        found = self.get(f"/v2/{noun}/{operation_id}").json()
        assert found["status"] == "FOUND", found
        data: dict[str, Any] = found["data"]
        return data

    def refund(self, deposit_id: str, **changes: Any) -> str:
        """Create a refund that must be accepted; its id."""
        given = {"refundId": str(uuid.uuid4()), "depositId": deposit_id, **changes}
        answer = self.post("/v2/refunds", given)
        assert (answer.status_code, answer.json()["status"]) == (200, "ACCEPTED"), answer.text
        return str(given["refundId"])
