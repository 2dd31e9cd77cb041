"""A merchant's service at the simulated legacy API of CinetPay, spoken to over HTTP."""

import requests

from ikawaari.simulators.cinetpay.legacy import credentials
from tests.simulators.cinetpay_account import ABSENT, ID
from tests.simulators.talking import Talk

# Vector C2 of the card: the 16 fields of a notification in order, the secret key, and the token.
C2 = {
    "cpm_site_id": "123456",
    "cpm_trans_id": "pa_0001",
    "cpm_trans_date": "2026-09-21 14:13:20",
    "cpm_amount": "1000",
    "cpm_currency": "XOF",
    "signature": "abc123",
    "payment_method": "OM",
    "cel_phone_num": "0700000000",
    "cpm_phone_prefixe": "225",
    "cpm_language": "fr",
    "cpm_version": "V4",
    "cpm_payment_config": "SINGLE",
    "cpm_page_action": "PAYMENT",
    "cpm_custom": "",
    "cpm_designation": "Commande",
    "cpm_error_message": "SUCCES",
}
C2_SECRET = "made_up_secret"
C2_TOKEN = "1ad821b37b3cc52f8408db8ec70bf36f767ab9c636c9ed84c160c91fdbe7f16a"


class Service:
    """The service of one country."""

    def __init__(self, sim: Talk, country: str = "SN", notify_url: str = "https://pay.example.com/callbacks/a") -> None:
        self.sim, self.country, self.notify_url = sim, country, notify_url
        self.timeout = 5.0

    def create(self, **changes: object) -> requests.Response:
        """1,000 XOF, with changes."""
        return self._post(
            "/v2/payment",
            {
                **self.keys,
                "transaction_id": ID,
                "amount": 1000,
                "currency": "XOF",
                "description": "Boutique Awa",
                "notify_url": self.notify_url,
                "return_url": "https://pay.example.com/cs_AbC",
                "channels": "ALL",
                "lang": "fr",
                "metadata": ID,
            }
            | changes,
        )

    def check(self, transaction_id: object = ID, **changes: object) -> requests.Response:
        return self._post("/v2/payment/check", {**self.keys, "transaction_id": transaction_id} | changes)

    @property
    def keys(self) -> dict[str, object]:
        known = credentials(self.country)
        return {"apikey": known["apikey"], "site_id": known["site_id"]}

    def _post(self, path: str, body: dict[str, object]) -> requests.Response:
        sent = {name: value for name, value in body.items() if value is not ABSENT}
        return requests.post(f"{self.sim.base_url}{path}", json=sent, timeout=self.timeout)


def page_of(created: requests.Response) -> str:
    """The address of the page of a payment."""
    return str(created.json()["data"]["payment_url"])


def press(page: str, **form: str) -> str:
    """A button of the page is pressed: what the page says then."""
    answer = requests.post(page, data=form, timeout=5)
    assert answer.status_code == 200
    return answer.text


def said(answer: requests.Response) -> tuple[str, str]:
    """Code and word."""
    body = answer.json()
    return body["code"], body["message"]
