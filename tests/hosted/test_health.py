"""What load balancers and operators ask: is it there, and what time is it there?"""

import pytest
from flask.testing import FlaskClient

from ikawaari import store
from ikawaari.checkout import breakers
from ikawaari.store.database import database
from tests.serving import free_port

LAST = "name = (SELECT max(name) FROM schema_migration)"
NEXT = "INSERT INTO schema_migration (name, applied) VALUES ('9999_of_the_next_version', '2026-11-26')"


def test_readyz_tells_how_far_this_machines_clock_is_ahead(client: FlaskClient) -> None:
    told = client.get("/readyz").json or {}
    assert told["status"] == "ok"
    assert abs(told["clock_skew_seconds"]) < 1


def test_readyz_names_the_operators_that_do_not_answer_and_is_no_less_ready(client: FlaskClient) -> None:
    assert (client.get("/readyz").json or {})["breakers"] == {}
    breakers.open_now(("acc_1", "orange_sn"), breakers.Reason.FAILURES)
    answer = client.get("/readyz")
    told = (answer.json or {})["breakers"]["acc_1"]["orange_sn"]
    assert (answer.status_code, told["reason"]) == (200, "failures")


@pytest.mark.on_both
def test_readyz_is_503_while_a_migration_of_this_version_is_missing_and_says_what_to_do(client: FlaskClient) -> None:
    assert client.get("/readyz").status_code == 200
    database.execute_sql(f"DELETE FROM schema_migration WHERE {LAST}")
    assert not store.is_ready()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "lacks 1 of this version's migrations: run `ikawaari migrate`" in answer.text


@pytest.mark.on_both
def test_a_newer_versions_migrations_make_no_server_less_ready_but_are_in_place_of_none(client: FlaskClient) -> None:
    database.execute_sql(NEXT)
    assert client.get("/readyz").status_code == 200
    database.execute_sql("DELETE FROM schema_migration WHERE name LIKE '0041%%'")
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize("away", ["sqlite:////nowhere/at/all.sqlite3", "postgresql://u:p@127.0.0.1:{port}/none"])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_readyz_is_503_while_the_database_is_away_also_if_it_was_there(client: FlaskClient, away: str) -> None:
    assert client.get("/readyz").status_code == 200
    store.connect(away.format(port=free_port()))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
