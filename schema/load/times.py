"""Times of files → timestamps in microseconds, which is what PostgreSQL keeps."""

import pyarrow as pa
import pyarrow.compute as pc

XTYPES = {"timestamp", "adql:TIMESTAMP"}
"""What VOTable calls a text that is a time."""


_LEAP = r":60(\.\d*)?$"


def moments(texts: pa.Array) -> pa.Array:
    """Return ISO 8601 texts, in UTC, as timestamps; empty ones are NULL. Raises: ArrowInvalid."""
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), pattern="Z$", replacement="")
    plain = pc.replace_substring_regex(plain, pattern=r"(\.\d{6})\d+$", replacement=r"\1")
    plain = pc.if_else(pc.equal(plain, ""), pa.scalar(None, pa.string()), plain)
    return _with_leap_seconds(plain)


def _with_leap_seconds(texts: pa.Array) -> pa.Array:
    """Return timestamps.

    The second 60 of a minute is the first of the next, as PostgreSQL has it, whose times know no leap seconds.
    """
    leap = pc.fill_null(pc.match_substring_regex(texts, _LEAP), False)
    if not pc.any(leap).as_py():
        return texts.cast(pa.timestamp("us"))
    second_before = pc.replace_substring_regex(texts, pattern=_LEAP, replacement=r":59\1").cast(pa.timestamp("us"))
    return pc.if_else(leap, pc.add(second_before, pa.scalar(1_000_000, pa.duration("us"))), second_before)


def in_microseconds(times: pa.Array) -> pa.Array:
    """Return timestamps of any unit and zone in microseconds of UTC, nanoseconds rounded. Raises: ArrowInvalid."""
    if pa.types.is_timestamp(times.type) and times.type.unit == "ns":
        numbers = times.cast(pa.int64()).fill_null(0).to_numpy()
        # Halves go up; // rounds down on both sides of 1970.
        rounded = numbers // 1000 + (numbers % 1000 >= 500)
        missing = times.is_null().to_numpy(zero_copy_only=False)
        return pa.array(rounded, pa.int64(), mask=missing).cast(pa.timestamp("us"))
    return times.cast(pa.timestamp("us"))
