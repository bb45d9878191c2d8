"""Times of files → timestamps in microseconds, which is what PostgreSQL keeps."""

import pyarrow as pa
import pyarrow.compute as pc

XTYPES = {"timestamp", "adql:TIMESTAMP"}
"""What VOTable calls a text that is a time."""


def moments(texts: pa.Array) -> pa.Array:
    """Return ISO 8601 texts, in UTC, as timestamps; empty ones are NULL. Raises: ArrowInvalid."""
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), pattern="Z$", replacement="")
    plain = pc.replace_substring_regex(plain, pattern=r"(\.\d{6})\d+$", replacement=r"\1")
    plain = pc.if_else(pc.equal(plain, ""), pa.scalar(None, pa.string()), plain)
    return plain.cast(pa.timestamp("us"))


def in_microseconds(times: pa.Array) -> pa.Array:
    """Return timestamps of any unit and zone in microseconds of UTC, nanoseconds rounded. Raises: ArrowInvalid."""
    if pa.types.is_timestamp(times.type) and times.type.unit == "ns":
        numbers = times.cast(pa.int64()).fill_null(0).to_numpy()
        # Halves go up; // rounds down on both sides of 1970.
        rounded = numbers // 1000 + (numbers % 1000 >= 500)
        missing = times.is_null().to_numpy(zero_copy_only=False)
        return pa.array(rounded, pa.int64(), mask=missing).cast(pa.timestamp("us"))
    return times.cast(pa.timestamp("us"))
