"""Callbacks, the second door: what providers send us. Verified, remembered once, applied."""

from datetime import datetime

from ikawaari import store, texts
from ikawaari.checkout import settlement
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.providers import registry
from ikawaari.providers.base import CallbackRefused, CallbackRequest, Report
from ikawaari.store.models import Callback, PaymentAttempt

_LONGEST_BODY = 131_072

Message = CallbackRequest
"""A callback as it came in: headers, body, method, path."""


def receive(provider_name: str, request: CallbackRequest, now: datetime) -> None:
    """Take in a provider's callback. Raises NotFound for a stranger, ValidationFailed for a forged or garbled one."""
    provider = registry.named(provider_name)
    if provider is None:
        raise NotFound("provider")
    try:
        reports = provider.parse_callback(request, now)
    except CallbackRefused as refused:
        raise ValidationFailed({"callback": [str(refused)]}) from None
    for report in reports:
        _take_in(provider_name, report, request.body, now)


def _take_in(provider_name: str, report: Report, body: bytes, now: datetime) -> None:
    """Remember and apply in one transaction: a crash between the two would lose the news, or apply it unremembered."""
    known = PaymentAttempt.get_or_none(PaymentAttempt.id == report.charge_id, PaymentAttempt.provider == provider_name)
    with store.atomic():
        fresh = (
            Callback.insert(
                provider=provider_name,
                event_id=report.event_id,
                attempt_id=known.id if known else None,
                body=texts.cleaned(body.decode("utf-8", "replace"), _LONGEST_BODY),
                received_at=now,
            )
            .on_conflict_ignore()
            .as_rowcount()
            .execute()
        )
        if fresh and known:
            settlement.apply(known.id, report.outcome, now, settlement.Source.CALLBACK)
