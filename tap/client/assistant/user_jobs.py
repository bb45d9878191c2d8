"""Queries as jobs of the user's: made, a few at once, looked at, and their results shown or saved."""

import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from tap.client.assistant.asked_service import AskedService, TakesLonger, TooMuch, whole
from tap.client.assistant.save_folder import MEDIA_TYPE, SUFFIXES, NotSaved, SaveFolder
from tap.client.assistant.votable_rows import VotableRows, read_votable
from tap.client.http import Refused
from tap.client.job import FINAL, JobFailed, Progress, RemoteJob, State, create

JOBS_AT_ONCE = 4
MOST_SAVED = 4 << 30
"""Bytes of a file."""
SAVE_SECONDS = 45.0
"""After which a download waits to be called again: clients give a call up after a minute."""
_JOB_ID = re.compile(r"[\w-][\w.-]{0,199}", re.ASCII)
_NO_CONVERSION = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
_SAVE_PATIENCE = 30.0


class NoSuchJobHere(Exception):
    """What was given is no job's id."""


@dataclass
class UserJobs:
    """The jobs at a service. Safe to use from several threads."""

    service: AskedService
    folder: SaveFolder
    _unfinished: set[str] = field(default_factory=set)
    _starting: threading.Lock = field(default_factory=threading.Lock)
    _saving: threading.Lock = field(default_factory=threading.Lock)

    def start(self, adql: str, maxrec: int | None = None) -> str:
        """Make a job, which keeps so many rows, and let it run; return its id. Raises: TooMuch, Refused, Unreachable."""
        with self._starting:
            self._forget_finished()
            if len(self._unfinished) >= JOBS_AT_ONCE:
                raise TooMuch(
                    f"{JOBS_AT_ONCE} jobs of this session still run: {', '.join(sorted(self._unfinished))}. Wait for one of them to end."
                )
            form = {"LANG": "ADQL", "QUERY": adql, "RESPONSEFORMAT": "votable", "PHASE": "RUN"}
            if maxrec is not None:
                form["MAXREC"] = str(maxrec)
            job_id = create(self.service.url, form, self.service.http()).url.rstrip("/").rpartition("/")[2]
            self._unfinished.add(job_id)
        return job_id

    def _forget_finished(self) -> None:
        for job_id in list(self._unfinished):
            with suppress(Refused):
                if self._job(job_id).state().phase not in FINAL:
                    continue
            self._unfinished.discard(job_id)

    def _job(self, job_id: str) -> RemoteJob:
        """Return a job by its id, which cannot lead anywhere else. Raises: NoSuchJobHere."""
        if not _JOB_ID.fullmatch(job_id):
            raise NoSuchJobHere(f"{job_id[:100]!r} is no id of a job; run_query gives one")
        return RemoteJob(f"{self.service.url}/async/{job_id}", self.service.http())

    def status(self, job_id: str, seconds: float) -> State:
        """Return a job's state, waiting up to so many seconds for its end. Raises: NoSuchJobHere, Refused, Unreachable."""
        job, end = self._job(job_id), time.monotonic() + seconds
        state = job.state()
        while state.phase not in FINAL and (left := end - time.monotonic()) > 0:
            began = time.monotonic()
            state = job.state(state.phase)
            if time.monotonic() - began < 1:
                # A service without WAIT answers at once.
                time.sleep(min(1.0, left))
        return state

    def rows(self, job_id: str, count: int) -> VotableRows:
        """Return the first rows of a job's result. Raises: NoSuchJobHere, JobFailed, Refused, Unreachable, TooMuch."""
        job = self._finished(job_id)[0]
        most = {"RESPONSEFORMAT": "votable", "MAXREC": str(count)}
        try:
            return read_votable(self._get(self._converted(job_id, most)))
        except Refused as error:
            if error.status not in _NO_CONVERSION:
                raise
        table = read_votable(self._get(f"{job.url}/results/result"))
        return replace(table, rows=table.rows[:count], is_cut=table.is_cut or len(table.rows) > count)

    def _get(self, url: str) -> bytes:
        with self.service.http().send("GET", url) as answer:
            return whole(answer)

    def _finished(self, job_id: str) -> tuple[RemoteJob, State]:
        job = self._job(job_id)
        state = job.state()
        if state.phase not in FINAL:
            raise JobFailed(f"The job is {state.phase}: there is no result yet; job_status tells when")
        if state.phase != "COMPLETED":
            raise JobFailed(state.message or f"The job is {state.phase}, and has no result")
        return job, state

    def _converted(self, job_id: str, form: dict[str, str]) -> str:
        """Return the URL of a result in another format, at services of our kind."""
        return f"{self.service.url.removesuffix('/tap')}/-/results/{job_id}?{urlencode(form)}"

    def save(self, job_id: str, name: str) -> tuple[Path, bool]:
        """Save a job's result as a file, in the format that its suffix says; return whether MAXREC cut it, too.

        Raises: NotSaved, NoSuchJobHere, JobFailed, TakesLonger, TooMuch, Refused, Unreachable, OSError.
        """
        suffix = self.folder.destination(name).suffix.lower()
        job, state = self._finished(job_id)
        format_, media_word = SUFFIXES[suffix]
        is_kept_so = media_word in self._media_type(job)
        url = None if is_kept_so else self._converted(job_id, {"RESPONSEFORMAT": format_})
        patient = replace(self.service.http(), patience=_SAVE_PATIENCE)
        job = replace(job, http=patient, progress=_bounded(time.monotonic() + SAVE_SECONDS))
        with self._saving:
            try:
                path = self.folder.save(name, job_id, lambda path: job.fetch(path, state, url))
            except Refused as error:
                if is_kept_so or error.status not in _NO_CONVERSION:
                    raise
                raise NotSaved(f"This service keeps the result in another format than {format_}; try .vot") from error
        return path, "overflow" in state.info

    def _media_type(self, job: RemoteJob) -> str:
        try:
            with self.service.http().send("HEAD", f"{job.url}/results/result") as answer:
                return (answer.headers.get("content-type") or "").lower()
        except Refused:
            # What cannot be asked is what `start` asked for.
            return MEDIA_TYPE


def _bounded(end: float) -> Progress:
    """Return what ends a download that has too many bytes, or takes longer than a call may."""

    def tell(_action: str, done: int, total: int) -> None:
        if max(done, total) > MOST_SAVED:
            raise TooMuch(f"The result has more than {MOST_SAVED >> 30} GB; let the user download it")
        if time.monotonic() > end:
            raise TakesLonger(f"{done:,} bytes of {total or 'more'} are here; call fetch_result again to go on")

    return tell
