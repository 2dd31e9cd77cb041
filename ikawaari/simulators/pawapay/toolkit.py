"""What pawaPay tells about itself: configuration, availability, and whose number a number is."""

import re
from collections.abc import Callable
from typing import Any

from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.pawapay import fields
from ikawaari.simulators.pawapay.failures import Rejected, json_object
from ikawaari.simulators.pawapay.wallets import COUNTRY_NAMES, WALLETS, Wallet, predicted
from ikawaari.simulators.shapes import JsonObject
from ikawaari.simulators.web import Answer, Request, in_json

OPERATIONS = ("DEPOSIT", "REFUND")
OTHER_OPERATIONS = ("PAYOUT", "PUSH_DEPOSIT", "NAME_LOOKUP")  # they exist, and this account has none


class Toolkit:
    """The read-only endpoints."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def configuration(self, request: Request) -> Answer:
        """GET /v2/active-conf."""
        signed = {"signedRequestsOnly": False, "signedCallbacks": self._simulator.knobs["sign_callbacks"]}
        countries = self._countries(request, self._configured)
        return in_json({"companyName": "Boutique Awa", "signatureConfiguration": signed, "countries": countries})

    def availability(self, request: Request) -> Answer:
        """GET /v2/availability."""
        return in_json(self._countries(request, self._available))

    def predict(self, request: Request) -> Answer:
        """POST /v2/predict-provider."""
        number = re.sub(r"[^0-9]", "", fields.text(json_object(request), "phoneNumber"))
        wallet = predicted(number)
        if wallet is None:
            raise Rejected("INVALID_PHONE_NUMBER", "No provider is known for this number.")
        return in_json({"country": wallet.country, "provider": wallet.name, "phoneNumber": number})

    def _countries(self, request: Request, render: Callable[[Wallet, tuple[str, ...]], Any]) -> list[JsonObject]:
        """The countries that a query asks for, with what `render` makes of each wallet."""
        country, operation = request.query.get("country"), request.query.get("operationType")
        if country is not None and country not in COUNTRY_NAMES:
            raise fields.invalid("country", "is not one of this account")
        if operation is not None and operation not in OPERATIONS + OTHER_OPERATIONS:
            raise fields.invalid("operationType", "is unknown")
        asked = tuple(one for one in OPERATIONS if operation in {None, one})
        return [
            {
                "country": name,
                "displayName": labels,
                "prefix": next(one.prefix for one in WALLETS.values() if one.country == name),
                "providers": [render(one, asked) for one in WALLETS.values() if one.country == name],
            }
            for name, labels in COUNTRY_NAMES.items()
            if country in {None, name}
        ]

    def _state(self, wallet: Wallet) -> str:
        return str(self._simulator.knobs["availability"].get(wallet.name, "OPERATIONAL"))

    def _available(self, wallet: Wallet, asked: tuple[str, ...]) -> JsonObject:
        state = self._state(wallet)
        if self._simulator.knobs["availability_as_list"]:
            listed = [{"operationType": one, "status": state} for one in asked]
            return {"provider": wallet.name, "operationTypes": listed}
        return {"provider": wallet.name, "operationTypes": dict.fromkeys(asked, state)}

    def _configured(self, wallet: Wallet, asked: tuple[str, ...]) -> JsonObject:
        currencies: list[JsonObject] = [
            {
                "currency": currency,
                "displayName": currency,
                "operationTypes": {one: self._operation(wallet, currency, one) for one in asked},
            }
            for currency in wallet.currencies
        ]
        return {
            "provider": wallet.name,
            "displayName": wallet.label,
            "nameDisplayedToCustomer": "BOUTIQUE AWA",
            "currencies": currencies,
        }

    def _operation(self, wallet: Wallet, currency: str, operation: str) -> JsonObject:
        least, most = wallet.limits(currency)
        common = {
            "minAmount": least,
            "maxAmount": most,
            "decimalsInAmount": "TWO_PLACES" if wallet.currencies[currency] else "NONE",
            "status": self._state(wallet),
            "callbackUrl": self._simulator.knobs["callback_url"],
        }
        return common if operation == "REFUND" else {"authType": wallet.flow, **common, **_instructions(wallet)}


def _instructions(wallet: Wallet) -> JsonObject:
    """How a customer gets the prompt again, or a code. The codes to dial are made up, except Orange's in BF."""
    if wallet.flow == "REDIRECT_AUTH":
        return {}
    if wallet.flow == "PREAUTH":
        return {"authTokenInstructions": {"channels": [_channel("*144*4*6*{amount}#", "*144*4*6*{amount}#")]}}
    return {
        "pinPrompt": "AUTOMATIC",
        "pinPromptRevivable": True,
        "pinPromptInstructions": {"channels": [_channel("*123#", "*123#")]},
    }


def _channel(code: str, template: str) -> JsonObject:
    variables = {"amount": "amount"} if "{amount}" in template else {}
    english: JsonObject = {"text": f"Dial {code}", "template": f"Dial {template}", "variables": variables}
    french: JsonObject = {"text": f"Composez {code}", "template": f"Composez {template}", "variables": variables}
    return {
        "type": "USSD",
        "displayName": {"en": "USSD", "fr": "USSD"},
        "quickLink": "tel:" + code.replace("#", "%23"),
        "variables": variables,
        "instructions": {"en": [english], "fr": [french]},
    }
