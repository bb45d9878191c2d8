"""Results of the simple services: those of TAP in all of its formats, under the name of their own protocol."""

from collections.abc import Callable
from dataclasses import replace

from tap.formats.format import Format, Header, Writer

ChangeHeader = Callable[[Header], Header]


def of_protocol(format_: Format, protocol: str, change: ChangeHeader = lambda header: header) -> Format:
    """Return a format whose results say that they are of a protocol, with a header as `change` returns it."""

    def writer(header: Header) -> Writer:
        service = header.service | {"service_protocol": protocol}
        return format_.writer(change(replace(header, service=service)))

    return replace(format_, writer=writer)
