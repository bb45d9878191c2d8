"""A job run again, and its result compared with that of before; all by resources of the service."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tap.client.http import Http, parsed
from tap.client.job import RemoteJob, silent

_OF_THIS_RUN = {"PHASE", "RUNID", "REUSE", "DEST", "DEST_MODE", "NOTIFY"}


class CannotRunAgain(Exception):
    """The service does not have all that the job needs."""


@dataclass(frozen=True)
class Rerun:
    """Runs a job again, as one of its own."""

    job_url: str
    http: Http

    def run(self) -> str:
        """Return the URL of the new job, which has ended well.

        Raises: CannotRunAgain, JobFailed, Refused, Unreachable.
        """
        job_list = self.job_url.rpartition("/")[0]
        body = urlencode([*self._parameters(), ("REUSE", "refuse"), ("PHASE", "RUN")]).encode()
        with self.http.send("POST", job_list, body) as answer:
            url = answer.geturl()
        RemoteJob(url, self.http, silent).wait()
        return url

    def _parameters(self) -> list[tuple[str, str]]:
        with self.http.send("GET", f"{self.job_url}/parameters") as answer:
            elements = list(parsed(answer.read()).iter("{*}parameter"))
        if any(element.get("byReference") == "true" for element in elements):
            raise CannotRunAgain("The job has files of its own: send them again in a new job, and compare with that")
        pairs = [(str(element.get("id")), element.text or "") for element in elements]
        return [(name, value) for name, value in pairs if name.upper() not in _OF_THIS_RUN]

    def compare(self, other_url: str, key: str | None) -> dict[str, Any]:
        """Return what the service says of the two results. Raises: Refused, Unreachable."""
        parameters = {"WITH": other_url, **({"KEY": key} if key else {})}
        with self.http.send("GET", f"{self.job_url}/compare?{urlencode(parameters)}") as answer:
            compared: dict[str, Any] = json.load(answer)
        return compared
