"""A file that libraries write into and that gives its bytes away at once."""

import io
from typing import Any


class ByteSink(io.RawIOBase):
    """Writes only, from first to last; `taken` gives what was written since it was asked before."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write bytes, or a buffer of Arrow."""
        piece = bytes(memoryview(data))
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        data, self._pieces = b"".join(self._pieces), []
        return data
