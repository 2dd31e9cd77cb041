"""Our short way to a JSON answer says what Flask's own says, byte for byte."""

from typing import Any

import pytest
from flask import Flask, jsonify

from ikawaari.edge.requests import Application
from ikawaari.shapes import Repeated

VALUES: list[Any] = [
    {"b": 1, "a": [None, True, -1.5, "é\U0001f600</script>\u2028"], "amount": 9_223_372_036_854_775_807},
    [],
    "text",
    {},
    {"before": "é", "repeated": Repeated([{"name": "é", "flows": ["a"]}, 2]), "again": Repeated([]), "after": ["x"]},
]


def answer(app: Flask, method: str, value: Any) -> tuple[int, dict[str, str], bytes]:
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.add_url_rule("/", view_func=lambda: jsonify(value), endpoint="it")
    response = app.test_client().open("/", method=method)
    return response.status_code, dict(response.headers), response.data


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_it_is_what_flask_says(method: str, value: Any) -> None:
    assert answer(Application("ours"), method, value) == answer(Flask("flasks"), method, value)


def test_an_answer_without_a_body_has_none() -> None:
    app = Application("ours")
    app.add_url_rule("/", view_func=lambda: (jsonify({}), 204))
    response = app.test_client().get("/")
    assert (response.status_code, response.data, "Content-Length" in response.headers) == (204, b"", False)
