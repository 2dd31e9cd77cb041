"""Tools of test mode on the wire."""

from marshmallow import fields

from ikawaari.edge import examples, parts
from ikawaari.edge.answers import OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Choice, Text
from ikawaari.edge.parsing import Input
from ikawaari.states import IntentStatus


class CallbackInput(Input):
    """How the payment ends."""

    payment_intent_id = Text(64, required=True)
    status = Choice(("succeeded", "failed"), required=True)
    failure_reason = Text(
        100,
        load_default=None,
        metadata={"description": f"One of {', '.join(parts.FAILURE_CODES)}; anything else becomes `unknown`."},
    )


class CallbackResult(Output):
    """The intent's new state."""

    received = fields.Boolean(required=True)
    payment_intent_id = TextField()
    status = OneOf(IntentStatus)


CALLBACK: Example = {
    "payment_intent_id": examples.INTENT_ID,
    "status": "failed",
    "failure_reason": "insufficient_funds",
}
CALLBACK_RESULT: Example = {"received": True, "payment_intent_id": examples.INTENT_ID, "status": "failed"}
