"""Traces: a collector of OpenTelemetry's protocol gets a span for each request, with its stages, and for each run of a job."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import get
from tests.contract.own_tables import Asker

QUERY = {"LANG": "ADQL", "QUERY": "SELECT TOP 7 name, ra FROM demo.ngc", "FORMAT": "csv"}
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass
class Collector:
    """What came to a collector."""

    spans: list[Any] = field(default_factory=list)

    def span(self, is_it: Callable[[Any], bool]) -> Any:
        """The first span of that kind; it may take a while to come."""
        end = time.monotonic() + 20
        while True:
            for span in list(self.spans):
                if is_it(span):
                    return span
            assert time.monotonic() < end, [span.name for span in self.spans]
            time.sleep(0.1)

    def children(self, parent: Any) -> list[Any]:
        return [span for span in self.spans if span.parent_span_id == parent.span_id]


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, int]]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request.ParseFromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    collector.spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield collector, server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def traced(sample: Config, collector: tuple[Collector, int]) -> Iterator[str]:
    endpoint = f"http://127.0.0.1:{collector[1]}"
    with serving(
        alone(sample, traces=True, processes=1),
        OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
        OTEL_EXPORTER_OTLP_COMPRESSION="none",
        OTEL_BSP_SCHEDULE_DELAY="200",
    ) as service:
        yield service


def test_a_request_is_a_span_of_its_caller_and_its_stages_are_in_it(
    traced: str, collector: tuple[Collector, int]
) -> None:
    get(f"{traced}/sync", QUERY, traceparent=f"00-{TRACE}-{CALLER}-01")
    span = collector[0].span(lambda span: span.trace_id.hex() == TRACE and span.name == "GET /tap/sync")
    assert span.parent_span_id.hex() == CALLER
    collector[0].span(lambda stage: stage.parent_span_id == span.span_id and stage.name == "send")
    stages = sorted(collector[0].children(span), key=lambda stage: int(stage.start_time_unix_nano))
    assert [stage.name for stage in stages][:5] == ["queue", "open", "translate", "plan", "first row"]
    assert {stage.name for stage in stages} >= {"rows", "encode", "send"}
    assert span.start_time_unix_nano <= stages[0].start_time_unix_nano
    assert stages[-1].end_time_unix_nano <= span.end_time_unix_nano + 1_000
    values = {attribute.key: attribute.value for attribute in span.attributes}
    assert values["armillary.rows"].int_value == 7
    assert not any(b"ngc" in span.SerializeToString() for span in collector[0].spans)


def test_a_job_is_a_trace_that_workers_and_requests_share(traced: str, collector: tuple[Collector, int]) -> None:
    job = Asker(traced).run(QUERY["QUERY"]).rpartition("/")[2]
    run = collector[0].span(lambda span: span.trace_id.hex() == job and span.name.startswith("run"))
    assert run.name == "run of job, COMPLETED"
    stages = [stage.name for stage in collector[0].children(run)]
    assert stages[:5] == ["queue", "open", "translate", "plan", "first row"]

    def asked(name: str) -> Any:
        return collector[0].span(
            lambda span: span.name == name and any(link.trace_id.hex() == job for link in span.links)
        )

    assert asked("POST /tap/async")
    assert asked("GET /tap/async/{job}")


def test_a_failure_of_the_users_is_no_error_of_the_service(traced: str, collector: tuple[Collector, int]) -> None:
    get(f"{traced}/sync", QUERY | {"QUERY": "SELECT nothing FROM demo.ngc"}, X_Request_ID="wrong")
    span = collector[0].span(lambda span: any(attribute.value.string_value == "wrong" for attribute in span.attributes))
    assert span.status.code == 0
    assert any(attribute.key == "error.type" for attribute in span.attributes)
