"""Schemas that answers of both edges share. The domain renders the objects; here they are described for readers."""

from marshmallow import fields

from ikawaari.edge.answers import As, Kind, Money, OneOf, Output, Parts, Words
from ikawaari.providers.base import ActionKind, FailureCode, Flow

MODES = ("payment", "subscription")
INTERVALS = ("day", "week", "month", "year")
FEE_MODES = ("merchant_pays", "customer_pays")
LOCALES = ("fr", "en", "auto")
FIELD_TYPES = ("text", "number", "dropdown", "date")
FAILURE_CODES = tuple(code.value for code in FailureCode)
FLOWS = tuple(flow.value for flow in Flow)


class Option(Output):
    """One choice of a dropdown."""

    label = Words("What the customer reads.", minLength=1, maxLength=200)
    value = Words("The value that you get back.", minLength=1, maxLength=200)


class CustomField(Output):
    """A question that the page asks for the merchant."""

    key = Words()
    label = Words()
    type = OneOf(FIELD_TYPES)
    options = Parts(Option, allow_none=True, metadata={"description": "Only of a dropdown; otherwise null."})
    required = fields.Boolean(required=True)


class AdjustableQuantity(Output):
    """The bounds of a quantity that the customer chooses."""

    minimum = fields.Integer(required=True)
    maximum = fields.Integer(required=True)


class LineItem(Output):
    """One item of the order."""

    name = Words()
    amount = Money("Price of one.")
    quantity = fields.Integer(required=True)
    adjustable_quantity = As(
        AdjustableQuantity,
        required=False,
        allow_none=True,
        metadata={"description": "Present only when the customer chooses the quantity."},
    )


class Recurring(Output):
    """How often a subscription is charged."""

    interval = OneOf(INTERVALS)
    interval_count = fields.Integer(required=True)
    trial_period_days = fields.Integer(required=True, allow_none=True)


class Failure(Output):
    """Why the latest attempt failed: a code of a closed set, and a message for a developer."""

    code = OneOf(FAILURE_CODES)
    message = Words()


class UssdWords(Output):
    """What to tell the payer."""

    message = Words()
    dial_code = Words("A code to dial if the prompt does not appear.", nullable=True)


class RedirectAddress(Output):
    """Where to send the payer."""

    url = Words(format="uri")
    return_url = Words("Where the payer returns to.")


class QrData(Output):
    """The content of the QR code."""

    data = Words()


class NextActionUssd(Output):
    """The payer approves on the phone."""

    type = Kind(ActionKind.USSD.value)
    mobile_money_ussd = As(UssdWords)


class NextActionOtp(Output):
    """The payer enters a code, which a second call of `pay` sends."""

    type = Kind(ActionKind.OTP.value)
    mobile_money_otp = As(UssdWords)


class NextActionRedirect(Output):
    """The payer goes to another page: a wallet's, or a bank's."""

    type = Kind(ActionKind.REDIRECT.value)
    redirect_to_url = As(RedirectAddress)


class NextActionQrCode(Output):
    """The payer scans a QR code with the wallet's app."""

    type = Kind(ActionKind.QR.value)
    display_qr_code = As(QrData)


NEXT_ACTIONS = {
    ActionKind.USSD.value: NextActionUssd,
    ActionKind.OTP.value: NextActionOtp,
    ActionKind.REDIRECT.value: NextActionRedirect,
    ActionKind.QR.value: NextActionQrCode,
}
