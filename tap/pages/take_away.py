"""What makes a job anew elsewhere: scripts for pyvo, STILTS and curl, a notebook."""

import json
import re
import shlex

from tap.config import Config
from uws.job import Job
from uws.parameters import Parameters

_DIGITS = 18
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
FILES = {
    "query.py": "text/x-python",
    "query.sh": "text/x-sh",
    "query.stilts.sh": "text/x-sh",
    "query.ipynb": "application/x-ipynb+json",
    "query.adql": "text/plain",
}


def asked(job: Job, name: str) -> str:
    """Return a parameter of a job, the first where a client gave several; empty for none."""
    return Parameters(job.parameters).first(name)


def kit(job: Job, config: Config) -> dict[str, str]:
    """Return the files by their names; those of a job with uploads leave these to the user."""
    query, most = asked(job, "QUERY"), asked(job, "MAXREC")
    maxrec = int(most) if most.isascii() and most.isdigit() and len(most) < _DIGITS else None
    url, uploads = config.web.base_url, _uploads(job)
    python = _python(url, query, maxrec, uploads)
    return {
        "query.py": python,
        "query.sh": _curl(url, query, maxrec, uploads),
        "query.stilts.sh": _stilts(url, query, maxrec, uploads),
        "query.ipynb": _notebook(job, url, python),
        "query.adql": query,
    }


def _uploads(job: Job) -> list[str]:
    """Return the tables that came as files, by names that are harmless in a script: the user has the files."""
    values = Parameters(job.parameters).all("UPLOAD")
    pairs = [pair.strip().partition(",") for value in values for pair in value.split(";")]
    return [name for name, _, source in pairs if source.startswith("param:") and _PLAIN.fullmatch(name)]


def _python(url: str, query: str, maxrec: int | None, uploads: list[str]) -> str:
    arguments = ["QUERY", *([f"maxrec={maxrec}"] if maxrec is not None else [])]
    if uploads:
        files = ", ".join(f"{name!r}: {name + '.vot'!r}" for name in uploads)
        arguments.append(f"uploads={{{files}}}")
    return (
        "import pyvo\n\n"
        f"QUERY = {_literal(query)}\n\n"
        f"service = pyvo.dal.TAPService({url!r})\n"
        f"table = service.run_async({', '.join(arguments)}).to_table()\n"
        "print(table)\n"
    )


def _literal(text: str) -> str:
    """Return a Python literal, on several lines if the text has them."""
    if "\n" not in text or "\\" in text or '"""' in text or text.endswith('"') or "\r" in text:
        return repr(text)
    return f'"""{text}"""'


def _stilts(url: str, query: str, maxrec: int | None, uploads: list[str]) -> str:
    parts = ["stilts", "tapquery", f"tapurl={url}", "sync=false", f"adql={query}", "out=result.vot"]
    parts += [f"maxrec={maxrec}"] if maxrec is not None else []
    parts += [f"nupload={len(uploads)}"] if uploads else []
    for number, name in enumerate(uploads, 1):
        parts += [f"upload{number}={name}.vot", f"upname{number}={name}"]
    return " ".join(map(shlex.quote, parts)) + "\n"


def _curl(url: str, query: str, maxrec: int | None, uploads: list[str]) -> str:
    fields = [("LANG", "ADQL"), ("QUERY", query), *([("MAXREC", str(maxrec))] if maxrec is not None else [])]
    if uploads:
        fields.append(("UPLOAD", ";".join(f"{name},param:{name}" for name in uploads)))
    parts = ["curl", "--fail-with-body", "-o", "result.vot", f"{url}/sync"]
    for name, value in fields:
        parts += ["--form-string", f"{name}={value}"]
    for name in uploads:
        parts += ["-F", f"{name}=@{name}.vot"]
    return " ".join(map(shlex.quote, parts)) + "\n"


def _notebook(job: Job, url: str, python: str) -> str:
    about = f"# A query of {url}\n\nJob {job.job_id}, made {job.creation_time:%Y-%m-%d %H:%M} UTC."
    cells = [
        {"cell_type": "markdown", "id": "about", "metadata": {}, "source": about},
        {"cell_type": "code", "id": "query", "metadata": {}, "execution_count": None, "outputs": [], "source": python},
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}, indent=1
    )
