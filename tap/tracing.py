"""Traces for OpenTelemetry, made of the events: a span for each request, with its stages, and for each run of a job.

Where traces go, and how many are kept, is said by OpenTelemetry's own variables, such as OTEL_EXPORTER_OTLP_ENDPOINT
and OTEL_TRACES_SAMPLER. A job is a trace of its own, whose id is the id of the job, in whatever process it runs.
"""

import os
import time
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from tap.observe import Event, JobMoved, RequestDone
from uws.phases import Phase

_SECOND = 1_000_000_000
_IN_TURNS = {"rows", "encode", "send"}
"""Stages that come again and again until the last row: their spans are sums."""


class Traces:
    """Sends spans of what happens in this process."""

    def __init__(self) -> None:
        resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "armillary")})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("armillary")

    def __call__(self, event: Event) -> None:
        if isinstance(event, RequestDone):
            self._request(event)
        elif isinstance(event, JobMoved) and event.seconds:
            self._job(event)

    def _request(self, done: RequestDone) -> None:
        end = time.time_ns()
        begin = end - int(done.seconds * _SECOND)
        parent = TraceContextTextMapPropagator().extract({"traceparent": done.trace_parent})
        attributes: dict[str, AttributeValue] = {
            "http.request.method": done.method,
            "url.path": done.path,
            "http.response.status_code": done.status,
            "armillary.request_id": done.request_id,
            "armillary.rows": done.rows or 0,
            "armillary.bytes": done.bytes,
        }
        links = [Link(_of_job(done.job))] if done.job else []
        kind, name = SpanKind.SERVER, f"{done.method} {done.path.replace(done.job, '{job}') if done.job else done.path}"
        span = self._tracer.start_span(name, parent, kind, attributes, links, begin)
        if done.cause:
            span.set_status(Status(StatusCode.ERROR if done.status >= 500 else StatusCode.UNSET, done.cause))
            span.set_attribute("error.type", done.cause.partition(":")[0])
        self._stages(done.stages, trace.set_span_in_context(span), end)
        span.end(end)

    def _stages(self, stages: Mapping[str, float], parent: Context, end: int) -> None:
        """Lay the stages one behind the other up to the end, as they came but for those that come in turns."""
        at = end - int(sum(stages.values()) * _SECOND)
        for stage, seconds in stages.items():
            attributes = {"armillary.in_turns": stage in _IN_TURNS}
            span = self._tracer.start_span(stage, parent, attributes=attributes, start_time=at)
            at += int(seconds * _SECOND)
            span.end(at)

    def _job(self, moved: JobMoved) -> None:
        end = time.time_ns()
        parent = trace.set_span_in_context(NonRecordingSpan(_of_job(moved.job_id)))
        attributes: dict[str, AttributeValue] = {
            "armillary.phase": moved.phase,
            "armillary.lane": moved.lane,
            "armillary.rows": moved.rows,
        }
        begin = end - int(moved.seconds * _SECOND)
        span = self._tracer.start_span(f"run of job, {moved.phase}", parent, SpanKind.CONSUMER, attributes, (), begin)
        if moved.phase == Phase.ERROR:
            span.set_status(Status(StatusCode.ERROR, moved.cause))
        self._stages(moved.stages, trace.set_span_in_context(span), end)
        span.end(end)


def _of_job(job_id: str) -> SpanContext:
    """Return the place in the trace of a job that all processes know, since it is made of its id."""
    return SpanContext(
        int(job_id, 16), int(job_id[:16], 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
