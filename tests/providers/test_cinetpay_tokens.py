"""Logins and tokens of CinetPay: card 2.2."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from ikawaari.providers.outcomes import FailureCode, Result
from ikawaari.simulators.web import Answer, in_json
from tests.providers.cinetpay_said import (
    HTML,
    NOW,
    Scripted,
    account_of,
    charge_of,
    ended,
    of,
    started,
)

TOKEN_REFUSED = [
    of(1002, "INVALID_TOKEN", 401),
    of(1003, "EXPIRED_TOKEN", 401),
    of(1003, "EXPIRED_TOKEN"),
    replace(HTML, status=401),
]


def test_one_login_serves_many_calls(said: Scripted) -> None:
    account = account_of(said)
    said.creates(started(), account=account)
    said.finds(of(2002), account=account)
    assert said.kinds() == ["login", "create", "lookup"]


@pytest.mark.parametrize(
    ("login", "seconds"),
    [
        ({"expires_in": 3600}, 3570),
        ({}, 270),
        ({"expires_in": None}, 270),
        ({"expires_in": "3600"}, 270),
        ({"expires_in": -5}, 270),
        ({"expires_in": 10**12}, 270),
        ({"expires_in": 20}, 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_nested", [False, True], ids=["plain", "nested"])
def test_a_token_lives_as_long_as_its_login_says(
    said: Scripted, login: dict[str, object], seconds: int, *, is_nested: bool
) -> None:
    told = {"access_token": "eyJ1", **login}
    said.answers["login"] = [in_json({"code": 200, "status": "OK"} | ({"data": told} if is_nested else told))]
    account = account_of(said)
    said.finds(of(2002), account=account)
    for elapsed in (seconds - 1, seconds):
        said.provider.lookup(account, charge_of(), NOW + timedelta(seconds=elapsed))
    assert said.kinds().count("login") == (2 if seconds else 3)


def test_a_token_ends_with_the_settings_that_got_it(said: Scripted) -> None:
    said.answers["login"] = [in_json({"access_token": f"eyJ{number}", "expires_in": 3600}) for number in (1, 2)]
    account = account_of(said)
    said.finds(of(2002), account=account)
    changed = replace(account, settings={**account.settings, "api_password": "another"})
    for _ in range(2):
        said.finds(of(2002), account=changed)
    assert said.kinds() == ["login", "lookup", "login", "lookup", "lookup"]
    assert said.asked[-1][1].header("Authorization") == "Bearer eyJ2"


@pytest.mark.parametrize("refusal", TOKEN_REFUSED, ids=["1002", "1003", "1003 with 200", "401 in HTML"])
def test_a_token_that_is_refused_is_replaced_once(said: Scripted, refusal: Answer) -> None:
    said.answers["login"] = [in_json({"access_token": f"eyJ{number}"}) for number in (1, 2)]
    assert said.creates(refusal, started()).result is Result.REQUIRES_ACTION
    assert said.kinds() == ["login", "create", "login", "create"]
    assert said.asked[-1][1].header("Authorization") == "Bearer eyJ2"


@pytest.mark.parametrize("refusal", TOKEN_REFUSED, ids=["1002", "1003", "1003 with 200", "401 in HTML"])
def test_if_no_token_is_taken_nothing_was_started(said: Scripted, refusal: Answer) -> None:
    assert ended(said.creates(refusal)) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
    assert said.finds(refusal).result is Result.UNKNOWN
    assert said.kinds() == ["login", "create"] * 2 + ["login", "lookup"] * 2


def test_a_repeated_create_that_gets_no_answer_is_unknown(said: Scripted) -> None:
    assert said.creates(of(1003, "EXPIRED_TOKEN", 401), HTML).result is Result.UNKNOWN


@pytest.mark.parametrize(
    ("login", "failure"),
    [
        (of(1005, "INVALID_CREDENTIALS", 401), FailureCode.CONFIGURATION_ERROR),
        (of(1005, "INVALID_CREDENTIALS"), FailureCode.CONFIGURATION_ERROR),
        (of(1004, "INVALID_PARAMS", 422), FailureCode.CONFIGURATION_ERROR),
        (in_json({}, 401), FailureCode.CONFIGURATION_ERROR),
        (of(-1, "OPERATION_ERROR", 400), FailureCode.PROVIDER_UNAVAILABLE),
        (in_json({"code": 200, "access_token": ""}), FailureCode.PROVIDER_UNAVAILABLE),
        (in_json({"code": 200, "access_token": "eyJ1"}, 500), FailureCode.PROVIDER_UNAVAILABLE),
        (in_json({"code": 1005, "access_token": "eyJ1"}), FailureCode.CONFIGURATION_ERROR),
        (HTML, FailureCode.PROVIDER_UNAVAILABLE),
        (Answer(429), FailureCode.PROVIDER_UNAVAILABLE),
    ],
    ids=str,
)
def test_without_a_login_nothing_is_started_and_nothing_known(
    said: Scripted, login: Answer, failure: FailureCode
) -> None:
    said.answers["login"] = [login]
    with capture_logs() as logged:
        assert ended(said.creates(started())) == (Result.REFUSED, failure)
        assert said.finds(of(100)).result is Result.UNKNOWN
    assert set(said.kinds()) == {"login"}
    is_alarm = failure is FailureCode.CONFIGURATION_ERROR
    assert ("error" in {entry["log_level"] for entry in logged}) is is_alarm
    found = said.provider.check(account_of(said), NOW)
    assert not found.is_usable
    assert ("refuses the API key" in found.words) is is_alarm


def test_credentials_that_are_refused_with_the_create_have_started_nothing(said: Scripted) -> None:
    assert ended(said.creates(of(1005, "INVALID_CREDENTIALS"))) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
