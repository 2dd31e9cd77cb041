"""Answers are dumped without marshmallow: what goes out is what it would have made of them."""

import json
from typing import Any

import pytest
from marshmallow import Schema

from ikawaari.edge.answers import Output
from ikawaari.hosted.schemas import checkouts
from ikawaari.merchant_api.schemas import intents, refunds, sessions

ANSWERS: list[tuple[Output, dict[str, Any]]] = [
    (sessions.CheckoutSession(), sessions.SESSION),
    (sessions.CheckoutSessionList(), sessions.SESSIONS),
    (intents.PaymentIntent(), intents.INTENT),
    (refunds.Refund(), refunds.REFUND),
    (checkouts.PublicCheckout(), checkouts.CHECKOUT),
]


@pytest.mark.parametrize(("schema", "example"), ANSWERS, ids=lambda one: type(one).__name__)
def test_an_answer_has_the_fields_of_its_schema_in_their_order_after_its_id(
    schema: Output, example: dict[str, Any]
) -> None:
    rendered = {"no_field_of_ours": 1, **dict(reversed(example.items()))}
    dumped = Schema.dump(schema, rendered)
    identity = {name: dumped[name] for name in ("id", "object") if name in dumped}
    assert json.dumps(schema.dump(rendered)) == json.dumps(identity | dumped)


def test_a_list_is_a_list_of_answers() -> None:
    several = sessions.CheckoutSession(many=True)
    assert several.dump([sessions.SESSION]) == [sessions.CheckoutSession().dump(sessions.SESSION)]
