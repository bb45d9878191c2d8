"""Scripts that somebody takes away from a job of somebody else: they ask what the job asked, and do nothing else."""

import ast
import json
import re
import shlex

import pytest

from tests.contract.own_tables import Asker
from tests.contract.pages import files, job_of, page
from tests.hostile import ALL

_QUERIES = (
    ALL,
    "SELECT 1'; touch stolen; '",
    "$(touch stolen) `touch stolen` ${IFS} \\$(x) !! ~ * ?",
    '"""\nimport os\n"""',
    'a\n"',
    '"a\nb',
    "a\\\nb",
    "a\r\nb'''",
    "-o /tmp/stolen @/etc/passwd <x |x",
    "\u2028\x0c\x1b[201~\x7f",
    "%00 %s {0} {{x}}",
)
_NAMES = (
    "<touch stolen; cat list.csv #",
    "x=@/etc/passwd;type=text/plain;filename=y",
    "list=@-",
    "../list",
    "http://elsewhere.example/",
)


def kit(asker: Asker, job: str, name: str) -> str:
    reply = page(asker.service, f"/-/kit/{job}/{name}")
    assert reply.status == 200
    return reply.body.decode()


@pytest.mark.parametrize("query", _QUERIES, ids=range(len(_QUERIES)))
def test_scripts_have_a_query_as_a_value_and_as_nothing_else(stranger: Asker, query: str) -> None:
    job = job_of(stranger, query)
    tree = ast.parse(kit(stranger, job, "query.py"))
    assert [type(node).__name__ for node in tree.body] == ["Import", "Assign", "Assign", "Assign", "Expr"]
    assert ast.literal_eval(tree.body[1].value) == query  # type: ignore[attr-defined]
    cells = json.loads(kit(stranger, job, "query.ipynb"))["cells"]
    assert [cell["source"] for cell in cells if cell["cell_type"] == "code"] == [kit(stranger, job, "query.py")]
    curl = shlex.split(kit(stranger, job, "query.sh"))
    assert curl[curl.index(f"QUERY={query}") - 1] == "--form-string"
    assert f"adql={query}" in shlex.split(kit(stranger, job, "query.stilts.sh"))
    assert kit(stranger, job, "query.adql") == query


@pytest.mark.parametrize("name", _NAMES)
def test_scripts_of_a_job_with_files_read_no_other_file_and_start_no_program(stranger: Asker, name: str) -> None:
    """STILTS runs a location that begins with <, curl sends the file behind an @."""
    reply = files(
        stranger.service, "/tap/async", [(name, "list.csv", b"a\n1\n")], {"LANG": "ADQL", "QUERY": "SELECT 1"}
    )
    assert reply.status in {303, 400}
    if reply.status == 400:
        return  # such a file is not taken
    job = str(reply.headers["Location"]).rpartition("/")[2]
    curl = shlex.split(kit(stranger, job, "query.sh"))
    sent = [curl[place + 1] for place, word in enumerate(curl) if word == "-F"]
    assert [value for value in sent if not re.fullmatch(r"\w+=@\w+\.vot", value)] == []
    stilts = [word for word in shlex.split(kit(stranger, job, "query.stilts.sh")) if word.startswith("upload")]
    assert [word for word in stilts if not re.fullmatch(r"upload1=\w+\.vot", word)] == []
