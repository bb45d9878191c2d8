"""What is taken away asks the same query again: whatever is in it, Python and shells read it back as it was."""

import ast
import json
import re
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap.config import Config
from tap.pages.take_away import kit
from tests.tap.pages.jobs import ID, job_of

URL = "https://example.org/tap"
CONFIG = Config().changed(base_url=URL)
HOSTILE = [
    "SELECT ra\nFROM demo.stars\nWHERE name = 'M 45'",
    'SELECT "size"\nFROM "my table"',
    '"begins and\nends with quotes"',
    "three \"\"\" of them\nand ''' of these",
    "a backslash \\ and a \\n\nat its end \\",
    "$(touch /tmp/x) `id` ${HOME} $1 ! # ; | & > < * ? ~ \n{a,b}",
    "carriage\r\nreturns\ralone",
    "tab\there, form\ffeed, \x1b escape, \u2028 line",
    "é ☉ 𝄞\n",
    "%s {} {0} %(x)s\n{{ x }}",
    "@file",
    "-o --option",
]
# A job's query is stored as JSON in PostgreSQL, which has neither NUL nor halves of characters; a blank one is none.
SIGNS = st.lists(st.sampled_from(['"', '""', "'", "\\", "\n", "\r", "x", " ", "#", "{", "$"]), max_size=12).map("".join)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
QUERIES = (st.sampled_from(HOSTILE) | SIGNS | TEXTS).filter(str.strip)
MAXRECS = st.none() | st.integers(0, 10**9)
UPLOADS = st.lists(st.sampled_from(["mine", "t1", "A_2"]), unique=True, max_size=3)


def values_of(script: str) -> tuple[str, str, dict[str, Any]]:
    """The query, the service's URL and the arguments of a script, as Python reads them."""
    tree = ast.parse(script)
    (query,) = (node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "QUERY")  # type: ignore[attr-defined]
    calls = {
        node.func.attr: node for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "attr")
    }
    run = calls["run_async"]
    assert [ast.unparse(argument) for argument in run.args] == ["QUERY"]
    arguments = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in run.keywords}
    return ast.literal_eval(query), ast.literal_eval(calls["TAPService"].args[0]), arguments


@given(query=QUERIES, maxrec=MAXRECS, uploads=UPLOADS)
def test_python_reads_the_query_back(query: str, maxrec: int | None, uploads: list[str]) -> None:
    script = kit(job_of(query, *uploads, maxrec=maxrec), CONFIG)["query.py"]
    expected: dict[str, Any] = {} if maxrec is None else {"maxrec": maxrec}
    if uploads:
        expected["uploads"] = {name: f"{name}.vot" for name in uploads}
    assert values_of(script) == (query, URL, expected)


def test_a_query_of_several_lines_stays_legible_in_python() -> None:
    query = "SELECT ra\nFROM demo.stars\nWHERE vmag < 5"
    assert query in kit(job_of(query), CONFIG)["query.py"]


@given(query=QUERIES, maxrec=MAXRECS, uploads=UPLOADS)
def test_curl_gets_the_query_as_one_word(query: str, maxrec: int | None, uploads: list[str]) -> None:
    words = shlex.split(kit(job_of(query, *uploads, maxrec=maxrec), CONFIG)["query.sh"])
    assert words[:5] == ["curl", "--fail-with-body", "-o", "result.vot", f"{URL}/sync"]
    options = list(zip(words[5::2], words[6::2], strict=True))
    fields = dict(word.split("=", 1) for option, word in options if option == "--form-string")
    expected = {"LANG": "ADQL", "QUERY": query} | ({} if maxrec is None else {"MAXREC": str(maxrec)})
    if uploads:
        expected["UPLOAD"] = ";".join(f"{name},param:{name}" for name in uploads)
    assert fields == expected
    assert [word for option, word in options if option == "-F"] == [f"{name}=@{name}.vot" for name in uploads]


@given(query=QUERIES, maxrec=MAXRECS, uploads=UPLOADS)
def test_stilts_gets_the_query_as_one_word(query: str, maxrec: int | None, uploads: list[str]) -> None:
    words = shlex.split(kit(job_of(query, *uploads, maxrec=maxrec), CONFIG)["query.stilts.sh"])
    assert words[:2] == ["stilts", "tapquery"]
    values = dict(word.split("=", 1) for word in words[2:])
    expected = {"tapurl": URL, "sync": "false", "adql": query, "out": "result.vot"}
    expected |= {} if maxrec is None else {"maxrec": str(maxrec)}
    expected |= {"nupload": str(len(uploads))} if uploads else {}
    for number, name in enumerate(uploads, 1):
        expected |= {f"upload{number}": f"{name}.vot", f"upname{number}": name}
    assert values == expected


@settings(max_examples=15, deadline=None)
@given(query=QUERIES)
@pytest.mark.parametrize("file", ["query.sh", "query.stilts.sh"])
def test_a_real_shell_reads_the_same_words(file: str, query: str) -> None:
    line = kit(job_of(query, "mine"), CONFIG)[file]
    shell = f"curl() {{ printf '%s\\0' curl \"$@\"; }}; stilts() {{ printf '%s\\0' stilts \"$@\"; }}\n{line}"
    done = subprocess.run(["sh"], input=shell.encode(), capture_output=True, check=True, env={})
    assert done.stdout.decode().split("\0")[:-1] == shlex.split(line)


@given(query=QUERIES)
def test_the_notebook_runs_the_script(query: str) -> None:
    """As nbformat 4.5 has it."""
    files = kit(job_of(query), CONFIG)
    notebook = json.loads(files["query.ipynb"])
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    about, code = notebook["cells"]
    assert (about["cell_type"], code["cell_type"], code["source"]) == ("markdown", "code", files["query.py"])
    assert (code["execution_count"], code["outputs"]) == (None, [])
    assert ID in about["source"]
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == 2
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", each) for each in ids)


@given(query=QUERIES)
def test_adql_is_the_query_itself(query: str) -> None:
    assert kit(job_of(query), CONFIG)["query.adql"] == query
