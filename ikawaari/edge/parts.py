"""Schemas that answers of both edges share. The domain renders the objects; here they are described for readers."""

from marshmallow import fields

from ikawaari.edge.answers import Embedded, EmbeddedList, Money, ObjectName, OneOf, Output, TextField
from ikawaari.providers.base import ActionKind, FailureCode, Flow
from ikawaari.shapes import FieldType, Interval

FAILURE_CODES = tuple(code.value for code in FailureCode)
FLOWS = tuple(flow.value for flow in Flow)


class Option(Output):
    """One choice of a dropdown."""

    label = TextField("What the customer reads.", minLength=1, maxLength=200)
    value = TextField("The value that you get back.", minLength=1, maxLength=200)


class CustomField(Output):
    """A question that the page asks for the merchant."""

    key = TextField()
    label = TextField()
    type = OneOf(FieldType)
    options = EmbeddedList(Option, allow_none=True, metadata={"description": "Only of a dropdown; otherwise null."})
    required = fields.Boolean(required=True)


class AdjustableQuantity(Output):
    """The bounds of a quantity that the customer chooses."""

    minimum = fields.Integer(required=True)
    maximum = fields.Integer(required=True)


class LineItem(Output):
    """One item of the order."""

    name = TextField()
    amount = Money("Price of one.")
    quantity = fields.Integer(required=True)
    adjustable_quantity = Embedded(
        AdjustableQuantity,
        required=False,
        allow_none=True,
        metadata={"description": "Present only when the customer chooses the quantity."},
    )


class Recurring(Output):
    """How often a subscription is charged."""

    interval = OneOf(Interval)
    interval_count = fields.Integer(required=True)
    trial_period_days = fields.Integer(required=True, allow_none=True)


class Failure(Output):
    """Why the latest attempt failed: a code of a closed set, and a message for a developer."""

    code = OneOf(FAILURE_CODES)
    message = TextField()


class UssdWords(Output):
    """What to tell the payer."""

    message = TextField()
    dial_code = TextField("A code to dial if the prompt does not appear.", nullable=True)
    instructions = fields.String(
        metadata={"description": "What the provider says to do if the prompt does not appear; present only if it does."}
    )
    payee_name = fields.String(
        metadata={"description": "Whom the prompt names as being paid; present only if the provider says it."}
    )


class RedirectAddress(Output):
    """Where to send the payer."""

    url = TextField(format="uri")
    return_url = TextField("Where the payer returns to.")


class QrData(Output):
    """The content of the QR code."""

    data = TextField()


class NextActionUssd(Output):
    """The payer approves on the phone."""

    type = ObjectName(ActionKind.USSD.value)
    mobile_money_ussd = Embedded(UssdWords)


class NextActionOtp(Output):
    """The payer enters a code, which a second call of `pay` sends."""

    type = ObjectName(ActionKind.OTP.value)
    mobile_money_otp = Embedded(UssdWords)


class NextActionRedirect(Output):
    """The payer goes to another page: a wallet's, or a bank's."""

    type = ObjectName(ActionKind.REDIRECT.value)
    redirect_to_url = Embedded(RedirectAddress)


class NextActionQrCode(Output):
    """The payer scans a QR code with the wallet's app."""

    type = ObjectName(ActionKind.QR.value)
    display_qr_code = Embedded(QrData)


NEXT_ACTIONS = {
    ActionKind.USSD.value: NextActionUssd,
    ActionKind.OTP.value: NextActionOtp,
    ActionKind.REDIRECT.value: NextActionRedirect,
    ActionKind.QR.value: NextActionQrCode,
}
