"""A merchant's account at the simulated CinetPay, spoken to over HTTP."""

import requests

from ikawaari.simulators.cinetpay.simulator import credentials
from tests.simulators.talking import Talk

ID = "r46b2ic3dzghvhkvbjhw66zmce"  # vector of card 2.3
TAG = "fd11f8b9882f91ba14eb3e188968d2b0"  # of vector C1
ABSENT = object()
# Left out of a body: the hosted page decides.
PAGE = {"direct_pay": ABSENT, "payment_method": ABSENT, "client_phone_number": ABSENT, "channel": ABSENT}


class Account:
    """The account of one country, spoken to over HTTP."""

    def __init__(self, sim: Talk, country: str = "SN", notify_url: str = "https://pay.example.com/callbacks/a") -> None:
        self.sim, self.country, self.notify_url = sim, country, notify_url
        self.timeout = 5.0
        self.token = str(self.login().json()["access_token"])

    def login(self, **changes: object) -> requests.Response:
        body = {**credentials(self.country), **changes}
        return requests.post(f"{self.sim.base_url}/v1/oauth/login", json=body, timeout=5)

    def create(self, **changes: object) -> requests.Response:
        """A push of 1000 XOF to Free in Senegal, with changes."""
        body: dict[str, object] = {
            "currency": "XOF",
            "merchant_transaction_id": ID,
            "amount": 1000,
            "lang": "fr",
            "designation": "Boutique Awa",
            "client_email": "client@pay.example.com",
            "client_first_name": "Client",
            "client_last_name": "Awa",
            "success_url": "https://pay.example.com/r/AbC",
            "failed_url": "https://pay.example.com/r/AbC?failed",
            "notify_url": self.notify_url,
            "channel": "PUSH",
            "payment_method": "FREE_SN",
            "client_phone_number": "+221763456789",
            "direct_pay": True,
        } | changes
        sent = {name: value for name, value in body.items() if value is not ABSENT}
        return requests.post(f"{self.sim.base_url}/v1/payment", json=sent, headers=self.headers, timeout=self.timeout)

    def status(self, identifier: str = ID) -> requests.Response:
        return requests.get(f"{self.sim.base_url}/v1/payment/{identifier}", headers=self.headers, timeout=5)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def said(answer: requests.Response) -> tuple[int, int, str]:
    """HTTP status, code and word."""
    body = answer.json()
    return answer.status_code, body["code"], body["status"]


PAID = (200, 100, "SUCCESS")
UNPAID = (200, 2002, "PENDING")
INVALID = (422, 1004, "INVALID_PARAMS")
NOT_FOUND = (404, 404, "NOT_FOUND")
