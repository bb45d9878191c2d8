"""What the jobs of a siege ask, and whether what came of each is exactly its own.

Each query tells its number in every row, so that no result can be taken for that of another job. Rows come in any order: a
result is known by how many there are and by the sum of their checksums.
"""

import random
import re
import zlib
from dataclasses import dataclass, field
from enum import StrEnum

from bench.patient import Patient, Reply

SIZES = {"ten": (10, 1), "one": (1000, 1), "all": (14_033, 1), "pairs": (14_033, 14), "many": (14_033, 40)}
"""How many of the first names meet how many others."""
LONG = "count"
"""A size of one row that takes seconds."""
TABLES = 6
FINAL = {"COMPLETED", "ERROR", "ABORTED"}
_WRONG = {
    "SELECT {0} / (ra - ra) AS x FROM demo.ngc": "division by zero",
    "SELECT vmagg, {0} AS job FROM demo.ngc": "There is no column vmagg",
}


class Kind(StrEnum):
    """What shall come of a job."""

    RESULT = "result"
    ERROR = "error of its own"
    ROWS = "rows in a table"


@dataclass
class Order:
    """A job that was asked for; `job` is its path once it was acknowledged."""

    number: int
    kind: Kind
    size: str = ""
    wrong: str = ""
    job: str = ""
    phase: str = ""

    @property
    def table(self) -> str:
        return f"ledger{self.number % TABLES}"


@dataclass
class Verdict:
    """Jobs by what went wrong with them; `honest` ended in ERROR after three crashes and say so."""

    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    honest: list[str] = field(default_factory=list)
    not_final: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


class Orders:
    """The jobs of one client, which has an account for those whose rows go into tables."""

    def __init__(self, client: Patient, seed: int, *, account: str = "") -> None:
        self._client = client
        self._random = random.Random(seed)
        self._account = account
        self._names: list[str] = []
        self._expected: dict[str, tuple[int, int]] = {}
        self.all: list[Order] = []

    def learn(self) -> None:
        """Ask /sync, in peace, what each size has."""
        names = self._client.ask("SELECT name FROM demo.ngc").body.decode().split()[1:]
        self._names = sorted(name for name in names)
        for size in [*SIZES, LONG]:
            self._expected[size] = _known_by(self._client.ask(self._query(size, 0)).body)

    def _query(self, size: str, number: int) -> str:
        if size == LONG:
            few = self._names[5_000]
            return f"SELECT {number} AS job, COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b WHERE a.ra < b.dec AND b.name <= '{few}'"
        some, others = (self._names[count - 1] for count in SIZES[size])
        return (
            f"SELECT {number} AS job, a.name AS one, b.name AS other, a.ra, a.dec FROM demo.ngc AS a, demo.ngc AS b"
            f" WHERE a.name <= '{some}' AND b.name <= '{others}'"
        )

    def place(self) -> None:
        """Ask for one more job, of any kind. Raises: RuntimeError where it is not acknowledged."""
        kinds = [Kind.RESULT] * 7 + [Kind.ERROR] + ([Kind.ROWS] * 2 if self._account else [])
        order = Order(len(self.all) + 1, self._random.choice(kinds))
        order.size = self._random.choice([*SIZES, LONG] if order.kind is Kind.RESULT else [*SIZES][:-1])
        query = self._query(order.size, order.number)
        form = {"LANG": "ADQL", "RESPONSEFORMAT": "csv", "MAXREC": "1000000"}
        if order.kind is Kind.ERROR:
            order.wrong = self._random.choice(list(_WRONG))
            query = order.wrong.format(order.number)
        if order.kind is Kind.ROWS:
            form |= {"DEST": order.table, "DEST_MODE": "append"}
        # Made first and run then, so that an answer that was lost on its way doubles nothing.
        order.job = self._client.place(form | {"QUERY": query})
        self._client.run(order.job)
        self.all.append(order)

    def follow(self) -> bool:
        """Look what became of those that have not ended; return whether all have."""
        for order in self.all:
            if order.phase not in FINAL | {"LOST"}:
                reply = self._client.get(order.job)
                order.phase = _phase(reply) if reply.status == 200 else "LOST"
        return all(order.phase in FINAL | {"LOST"} for order in self.all)

    def judge(self) -> Verdict:
        verdict = Verdict()
        for order in self.all:
            self._judge(order, verdict)
        if self._account:
            self._judge_tables(verdict)
        return verdict

    def _judge(self, order: Order, verdict: Verdict) -> None:
        told = f"{order.number} {order.kind} {order.size} {order.job}: {order.phase}"
        if order.phase not in FINAL:
            (verdict.lost if order.phase == "LOST" else verdict.not_final).append(told)
        elif order.phase == "COMPLETED":
            if order.kind is Kind.ERROR or (order.kind is Kind.RESULT and not self._is_right(order)):
                verdict.wrong.append(told)
        else:
            message = self._client.get(order.job).body.decode()
            if "times in a row" in message:
                verdict.honest.append(told)
            elif order.kind is not Kind.ERROR or _WRONG[order.wrong] not in message:
                verdict.wrong.append(f"{told} {_message(message)}")

    def _is_right(self, order: Order) -> bool:
        reply = self._client.get(f"{order.job}/results/result")
        return reply.status == 200 and _known_by(reply.body, order.number) == self._expected[order.size]

    def _judge_tables(self, verdict: Verdict) -> None:
        """Compare what lies in the tables with the jobs that are said to be done."""
        orders = [order for order in self.all if order.kind is Kind.ROWS]
        for table in sorted({order.table for order in orders}):
            counts = self._rows_of(table)
            for order in orders:
                if order.table == table:
                    self._judge_rows(order, counts.pop(order.number, 0), verdict)
            verdict.doubled += [f"rows of no job in {table}: {number}" for number in counts]

    def _judge_rows(self, order: Order, rows: int, verdict: Verdict) -> None:
        expected = self._expected[order.size][0]
        told = f"{order.number} {order.size} {order.job}: {order.phase}, {rows} rows of {expected} in {order.table}"
        if rows > expected:
            verdict.doubled.append(told)
        elif rows != (expected if order.phase == "COMPLETED" else 0) and not (
            order.phase == "ERROR" and rows == expected
        ):
            verdict.wrong.append(told)

    def _rows_of(self, table: str) -> dict[int, int]:
        query = f'SELECT job, COUNT(*) AS n FROM "{self._account}".{table} GROUP BY job'
        lines = self._client.ask(query).body.decode().split()[1:]
        return {int(float(job)): int(count) for job, count in (line.split(",") for line in lines)}


def _known_by(csv: bytes, number: int = 0) -> tuple[int, int]:
    """Return how many rows there are and what they sum up to; (-1, 0) where one belongs to another job."""
    rows, own, total = csv.split(b"\n")[1:-1], b"%d," % number, 0
    for row in rows:
        if not row.startswith(own):
            return -1, 0
        total += zlib.crc32(row[len(own) :])
    return len(rows), total


def _phase(reply: Reply) -> str:
    return re.findall(rb"<uws:phase>(\w+)", reply.body)[0].decode()


def _message(document: str) -> str:
    return " ".join(re.findall("<uws:message>(.*?)</uws:message>", document, re.DOTALL))[:200]
