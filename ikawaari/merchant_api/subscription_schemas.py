"""The shape of subscriptions on the wire."""

from marshmallow import fields

from ikawaari.edge import parts
from ikawaari.edge.answers import Instant, Kind, Money, OneOf, Output, Words
from ikawaari.states import SubscriptionStatus


class Subscription(Output):
    """An agreement to pay again each period, made by a checkout session in subscription mode."""

    id = Words(pattern="^sub_[A-Za-z0-9]+$")
    object = Kind("subscription")
    checkout_session = Words("`cs_…`: the session that it began with.")
    status = OneOf(SubscriptionStatus)
    amount = Money("What each period costs, in the currency's smallest unit.")
    currency = Words("ISO 4217, lower case.", pattern="^[a-z]{3}$")
    interval = OneOf(parts.INTERVALS)
    interval_count = fields.Integer(required=True, metadata={"description": "So many intervals make a period."})
    current_period_start = Instant()
    current_period_end = Instant("The next payment is due then.")
    trial_end = Instant("Null without a trial.", nullable=True)
    livemode = fields.Boolean(required=True)
    created = Instant()
