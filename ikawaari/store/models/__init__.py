"""The tables. A comment beside each guard names the race that it stops, and a test runs each race in threads."""

from collections.abc import Mapping
from typing import Any

from ikawaari.store.models.health import Breaker, ProviderConditions
from ikawaari.store.models.incidents import Incident
from ikawaari.store.models.links import PaymentLink
from ikawaari.store.models.merchants import AppInstallation, Credential, Merchant
from ikawaari.store.models.payments import AttemptReport, Callback, PaymentAttempt, PaymentIntent, Refund
from ikawaari.store.models.providers import ProviderAccount, ProviderOrder, ProviderSwitch, ProviderVersion
from ikawaari.store.models.reconciliation import ReconciliationCase, Statement
from ikawaari.store.models.requests import IdempotencyKey, RateWindow
from ikawaari.store.models.sessions import CheckoutSession, Customer, DeviceCode, PageDraft, PayKey
from ikawaari.store.models.subscriptions import CardSetup, Invoice, Subscription
from ikawaari.store.models.webhooks import DeliveryTry, Event, WebhookDelivery, WebhookEndpoint
from ikawaari.store.models.work import DueWork, PruningPlace, Seal

__all__ = [
    "TABLES",
    "AppInstallation",
    "AttemptReport",
    "Breaker",
    "Callback",
    "CardSetup",
    "CheckoutSession",
    "Credential",
    "Customer",
    "DeliveryTry",
    "DeviceCode",
    "DueWork",
    "Event",
    "IdempotencyKey",
    "Incident",
    "Invoice",
    "Merchant",
    "PageDraft",
    "PayKey",
    "PaymentAttempt",
    "PaymentIntent",
    "PaymentLink",
    "ProviderAccount",
    "ProviderConditions",
    "ProviderOrder",
    "ProviderSwitch",
    "ProviderVersion",
    "PruningPlace",
    "RateWindow",
    "ReconciliationCase",
    "Refund",
    "Seal",
    "Statement",
    "Subscription",
    "WebhookDelivery",
    "WebhookEndpoint",
]

# The lists of the API, newest first: see `commit_order`.
_BY_OWNER: Mapping[str, Any] = {
    "payment_links_list": PaymentLink,
    "customers_list": Customer,
    "checkout_sessions_list": CheckoutSession,
    "payment_intents_list": PaymentIntent,
    "subscriptions_list": Subscription,
}
for _name, _model in _BY_OWNER.items():
    _columns = (_model.merchant, _model.livemode, _model.commit_order, _model.created_at, _model.id)
    _model.add_index(_model.index(*_columns, name=_name))
Event.add_index(Event.index(Event.merchant, Event.livemode, Event.commit_order, Event.sequence, name="events_list"))
WebhookDelivery.add_index(
    WebhookDelivery.index(
        WebhookDelivery.endpoint,
        WebhookDelivery.commit_order,
        WebhookDelivery.event,
        name="webhook_deliveries_list",
    )
)

TABLES = (
    Merchant,
    PaymentLink,
    Customer,
    AppInstallation,
    Credential,
    CheckoutSession,
    PaymentIntent,
    PaymentAttempt,
    AttemptReport,
    Refund,
    Incident,
    Statement,
    ReconciliationCase,
    Subscription,
    Invoice,
    CardSetup,
    Event,
    WebhookEndpoint,
    WebhookDelivery,
    DeliveryTry,
    Callback,
    DueWork,
    Breaker,
    ProviderConditions,
    ProviderAccount,
    ProviderOrder,
    ProviderSwitch,
    ProviderVersion,
    IdempotencyKey,
    PageDraft,
    PayKey,
    DeviceCode,
    RateWindow,
    Seal,
    PruningPlace,
)
