"""Traces by OpenTelemetry, where the environment asks for them.

`OTEL_EXPORTER_OTLP_ENDPOINT`, or that of traces alone, says where to; the SDK reads what else its
specification names, such as the sampler. A span says the route and never the path, the query, a body or a
parameter of a statement: links of invitations and of forgotten passwords are secrets.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.signals import connection_created
from structlog.typing import EventDict

from hub.version import VERSION

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span, Tracer

    from hub.api.exchange import Exchange

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
MISSING = "{} is set, but what traces need is not installed: pip install 'aisp-hub[tracing]'."

CALLERS = ("traceparent", "tracestate")  # W3C Trace Context §3

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


def is_wanted() -> bool:
    """Tell whether the environment asks for traces."""
    return any(map(os.environ.get, ENDPOINTS))


def traced(application: AsgiApp) -> AsgiApp:
    """Return an ASGI application that answers as the given one, and makes spans if they are wanted.

    The span of a stream is as long as the stream.

    Raises:
        ImproperlyConfigured: spans are wanted, and the packages for them are missing.
    """
    if not is_wanted():
        return application
    tracer = _tracer()
    from hub.api import observed  # needs the apps, which are there by now

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        headers = scope["exchange"].headers
        with _span_of_request({name: headers.get(name, "") for name in CALLERS}):
            await application(scope, receive, send)

    observed.at_end.append(_say_what_it_was)
    connection_created.connect(lambda connection, **_: _watch(connection, tracer), weak=False)
    return answer


def _span_of_request(caller: Mapping[str, str]) -> "AbstractContextManager[Span]":
    from opentelemetry import propagate
    from opentelemetry.trace import SpanKind

    return _tracer().start_as_current_span("request", propagate.extract(caller), kind=SpanKind.SERVER)


def trace_tasks() -> None:
    """Make spans of the tasks that this process runs, if they are wanted."""
    if is_wanted():
        tracer = _tracer()
        from opentelemetry.instrumentation.celery import CeleryInstrumentor

        CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
        connection_created.connect(lambda connection, **_: _watch(connection, tracer), weak=False)


@cache
def _tracer() -> "Tracer":
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ImproperlyConfigured(MISSING.format(next(filter(os.environ.get, ENDPOINTS)))) from None
    name = os.environ.get("OTEL_SERVICE_NAME", "aisp-hub")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name, SERVICE_VERSION: VERSION}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return trace.get_tracer("hub", VERSION)


def _say_what_it_was(request: "Exchange") -> None:
    from opentelemetry import trace

    span = trace.get_current_span()
    span.update_name(f"{request.method} {request.route}")
    span.set_attribute("http.request.method", request.method)
    span.set_attribute("http.route", request.route)
    span.set_attribute("http.response.status_code", request.status)
    span.set_attribute("aisp.request_id", request.request_id)
    if request.code is not None:
        span.set_attribute("error.type", request.code)


def _watch(connection: Any, tracer: "Tracer") -> None:
    from opentelemetry.trace import SpanKind

    def execute(run: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        with tracer.start_as_current_span(sql.split(maxsplit=1)[0], kind=SpanKind.CLIENT) as span:
            span.set_attribute("db.system.name", connection.vendor)
            span.set_attribute("db.query.text", sql)
            return run(sql, parameters, many, context)

    connection.execute_wrappers.append(execute)


def add_trace_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Say in a line of the log which trace it belongs to: a processor of structlog."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event
