"""Callbacks, the second door: what providers send us. They are verified, stored once, and applied."""

from datetime import datetime

import structlog

from ikawaari import store, texts
from ikawaari.checkout import settlement
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.providers import registry
from ikawaari.providers.base import CallbackRefused, CallbackRequest, Report
from ikawaari.store.models import Callback, PaymentAttempt

log = structlog.get_logger()
_LONGEST_BODY = 131_072

Message = CallbackRequest
"""A callback as it arrived: headers, body, method, path."""


def receive(provider_name: str, request: CallbackRequest, now: datetime) -> None:
    """Receive a provider's callback. Raises NotFound for an unknown provider, ValidationFailed if it is invalid."""
    provider = registry.named(provider_name)
    if provider is None:
        raise NotFound("provider")
    try:
        reports = provider.parse_callback(request, now)
    except CallbackRefused as refused:
        raise ValidationFailed({"callback": [str(refused)]}) from None
    troubles = [trouble for report in reports if (trouble := _try(provider_name, report, request.body, now))]
    if troubles:
        raise troubles[0]  # not acknowledged: the provider sends it again, and the applied reports are recognized then


def _try(provider_name: str, report: Report, body: bytes, now: datetime) -> Exception | None:
    """Apply one report; an error in it does not affect the other reports."""
    try:
        _take_in(provider_name, report, body, now)
    except Exception as trouble:
        log.exception("callback_report_failed", provider=provider_name, attempt=report.charge_id)
        return trouble
    return None


def _take_in(provider_name: str, report: Report, body: bytes, now: datetime) -> None:
    """Store and apply in one transaction: a crash between the two would lose the report, or apply it twice."""
    known = PaymentAttempt.get_or_none(PaymentAttempt.id == report.charge_id, PaymentAttempt.provider == provider_name)
    with store.atomic():
        fresh = Callback.insert_once(
            provider=provider_name,
            event_id=report.event_id,
            attempt_id=known.id if known else None,
            body=texts.cleaned(body.decode("utf-8", "replace"), _LONGEST_BODY),
            received_at=now,
        )
        if fresh and known:
            settlement.apply(known.id, report.outcome, now, settlement.Source.CALLBACK)
