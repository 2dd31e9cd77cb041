"""What load balancers and operators ask: is it there, and what time is it there?"""

from flask.testing import FlaskClient

from ikawaari.checkout import breakers


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
