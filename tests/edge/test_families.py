"""Parts of the documented API that this server does not offer say so."""

from typing import Any

import pytest
from flask import Flask

from tests.merchant_api.calls import Shop, error

OFFERED = "This server does not offer {}."


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/payouts", "payouts"),
        ("/api/v1/payouts/", "payouts"),
        ("/api/v1/payouts/po_1/cancel", "payouts"),
        ("/api/v2/payouts", "payouts"),
        ("/api/test/payouts/callback", "payouts"),
        ("/api/v1/balance", "balances"),
        ("/api/v1/balance-transactions", "balance transactions"),
        ("/api/v1/merchant", "the merchant dashboard"),
        ("/api/v1/merchant/customers/cus_1/wallet/top-up", "the merchant dashboard"),
    ],
)
def test_a_family_that_is_not_offered_is_named(client: Any, method: str, path: str, name: str) -> None:
    for headers in ({}, {"Authorization": "Bearer ik_test_unknown"}):
        answer = getattr(client, method)(path, headers=headers)
        assert error(answer, 404, "IKW-RES-006")["message"] == OFFERED.format(name)


def test_a_credential_changes_nothing(app: Flask) -> None:
    assert error(Shop(app).get("/api/v1/payouts"), 404, "IKW-RES-006")


@pytest.mark.parametrize(
    "path", ["/api/v1/payoutss", "/api/v1/merchants", "/api/payouts", "/api/v1/x/payouts", "/api/v1"]
)
def test_other_unknown_paths_are_simply_not_found(client: Any, path: str) -> None:
    error(client.get(path), 404, "IKW-RES-001")
