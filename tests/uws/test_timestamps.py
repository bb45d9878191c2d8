"""Times as UWS writes and takes them."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uws.parameters import ParameterError
from uws.timestamps import read_instant, write_instant

FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(INSTANTS)
def test_what_is_written_is_read_to_the_millisecond(instant: datetime) -> None:
    assert read_instant("X", write_instant(instant)) == instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@given(INSTANTS, ZONES)
def test_what_is_written_has_t_and_z_and_is_utc(instant: datetime, zone: timezone) -> None:
    """UWS 1.1 §2.2.1."""
    assert FORM.fullmatch(write_instant(instant))
    assert write_instant(instant.astimezone(zone)) == write_instant(instant)


@given(INSTANTS, INSTANTS)
def test_texts_compare_as_times_do(one: datetime, another: datetime) -> None:
    texts = sorted([write_instant(one), write_instant(another)])
    assert texts == [write_instant(each) for each in sorted([one, another])]


def test_no_time_is_no_text() -> None:
    assert write_instant(None) == ""


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2030-01-31T12:13:14.567Z", datetime(2030, 1, 31, 12, 13, 14, 567_000, UTC)),
        ("2030-01-31T12:13:14.567890Z", datetime(2030, 1, 31, 12, 13, 14, 567_890, UTC)),
        ("2030-01-31T12:13:14.5Z", datetime(2030, 1, 31, 12, 13, 14, 500_000, UTC)),
        ("2030-01-31T12:13:14.123456789", datetime(2030, 1, 31, 12, 13, 14, 123_456, UTC)),
        ("2030-01-31T12:13:14", datetime(2030, 1, 31, 12, 13, 14, 0, UTC)),
        ("2030-01-31T12:13Z", datetime(2030, 1, 31, 12, 13, 0, 0, UTC)),
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
        (" 2030-01-31T12:13:14+00:00 ", datetime(2030, 1, 31, 12, 13, 14, 0, UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 0, UTC)),
    ],
)
def test_times_are_taken_as_clients_write_them(text: str, instant: datetime) -> None:
    assert read_instant("X", text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "0",
        "1700000000",
        "2030-1-31",
        "2030-13-01",
        "2030-02-30",
        "0000-01-01",
        "2030-01-31T24:00:01Z",
        "2030-01-31T12:60:00Z",
        "2030-01-31T12:00:61Z",
        "2030-01-31T12:00:99Z",
        "2030-01-31T12:00:00+01:00",
        "2030-01-31T12:00:00.Z",
        "2030-01-31T12:00:00Z; DROP TABLE uws.jobs",
        "2030-0\u0661-31",
        "2030-01-31T12:00:00Z" + "0" * 10_000,
    ],
)
def test_what_is_no_time_is_refused_and_named(text: str) -> None:
    with pytest.raises(ParameterError, match="AFTER") as refusal:
        read_instant("AFTER", text)
    assert len(str(refusal.value)) < 200


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_is_refused(text: str) -> None:
    try:
        assert read_instant("X", text).tzinfo is UTC
    except ParameterError as refusal:
        assert "X" in str(refusal)  # noqa: PT017
