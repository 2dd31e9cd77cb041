"""OpenTelemetry: it sends spans by OTLP to where its standard environment variables say."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from ikawaari import logs, tracing
from ikawaari.tracing import Kind, Value

_KINDS = {
    Kind.SERVER: trace.SpanKind.SERVER,
    Kind.CLIENT: trace.SpanKind.CLIENT,
    Kind.CONSUMER: trace.SpanKind.CONSUMER,
}
_providers: list[TracerProvider] = []  # of this process: one, or none
_named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "ikawaari"}


def start() -> Any:
    """Send spans of this process, after it was forked, from now on. Returns what sends them."""
    provider = TracerProvider(resource=Resource.create(_named), shutdown_on_exit=False)
    _providers.append(provider)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("ikawaari")

    @contextmanager
    def opened(name: str, kind: Kind, attributes: Mapping[str, Value]) -> Iterator[None]:
        # What an exception says may name a payer: its kind is enough.
        kept: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
        with tracer.start_as_current_span(name, kind=_KINDS[kind], attributes=_dotted(attributes), **kept) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise
            finally:
                span.set_attributes({f"ikawaari.{name}": value for name, value in logs.context().items()})

    tracing.attach(opened, _note)
    return provider


def finish() -> None:
    """The process ends: send what was not sent yet, and no more."""
    tracing.attach(None, None)
    while _providers:
        _providers.pop().shutdown()


def _note(name: str | None, attributes: Mapping[str, Value]) -> None:
    span = trace.get_current_span()
    span.set_attributes(_dotted(attributes))
    if name:
        span.update_name(name)


def _dotted(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}
