"""What load balancers and operators ask: is it there, and what time is it there?"""

from flask.testing import FlaskClient


def test_readyz_tells_how_far_this_machines_clock_is_ahead(client: FlaskClient) -> None:
    told = client.get("/readyz").json or {}
    assert told["status"] == "ok"
    assert abs(told["clock_skew_seconds"]) < 1
