"""What a query has done so far, for whoever wants to hear of it."""

from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[dict[str, int]], None]


@dataclass(slots=True)
class QueryProgress:
    """`tell` is called with what is known, by its name in a job's info, whenever it has changed.

    `warnings` are remarks on the query, known before its first row; `overflow` whether there were more rows than MAXREC
    let through, known after the last.
    """

    tell: Tell = lambda _: None
    rows: int = 0
    bytes: int = 0
    uploaded: int = 0
    matched: int = 0
    warnings: tuple[str, ...] = ()
    overflow: bool = False

    def add(self, *, rows: int = 0, size: int = 0, uploaded: int = 0, matched: int = 0) -> None:
        """More rows or bytes of the result; more rows read of the upload, or matched of these."""
        self.rows += rows
        self.bytes += size
        self.uploaded += uploaded
        self.matched += matched
        known = {"rows": self.rows, "bytes": self.bytes}
        if self.uploaded:
            known |= {"uploadedRows": self.uploaded, "uploadedRowsDone": self.matched}
        if self.overflow:
            known |= {"overflow": 1}
        self.tell(known)
