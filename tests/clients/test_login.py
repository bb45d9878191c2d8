"""Clients log in, each in its own way, and find their own jobs."""

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pyvo
import requests
from astroquery.utils.tap.core import TapPlus
from pyvo.auth import AuthSession
from pyvo.utils.http import create_session
from requests.exceptions import HTTPError

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from schema.readers import announce
from schema.tap_schema import count_change
from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.config import Config
from tests.clients.test_stilts import stilts
from tests.conftest import alone, serving
from tests.people import WRONG, MakePerson, Person

QUERY = "SELECT TOP 3 name, ra FROM demo.ngc ORDER BY name"

Login = Callable[[str, Person, AccountStore], requests.Session]


def by_basic(service: str, person: Person, accounts: AccountStore) -> requests.Session:
    session = AuthSession()
    session.credentials.set_password(person.name, person.password)
    return session


def by_cookie(service: str, person: Person, accounts: AccountStore) -> requests.Session:
    form = {"username": person.name, "password": person.password}
    session = AuthSession()
    session.credentials.set_cookie_jar(requests.post(f"{service}/login", data=form, timeout=60).cookies)
    return session


def by_token(service: str, person: Person, accounts: AccountStore) -> requests.Session:
    bearer = create_session()
    token = accounts.add_token(person.account, "pyvo", [TokenScope.READ, TokenScope.JOBS], 60)
    bearer.headers["Authorization"] = f"Bearer {token}"
    session = AuthSession()
    session.credentials.set("ivo://ivoa.net/sso#OAuth", bearer)
    return session


@pytest.mark.parametrize("login", [by_basic, by_cookie, by_token])
def test_pyvo_logs_in_and_runs_jobs_of_its_own(
    service: str,
    person: MakePerson,
    accounts: AccountStore,
    login: Login,
) -> None:
    ada = person()
    tap = pyvo.dal.TAPService(service, session=login(service, ada, accounts))
    assert len(tap.search(QUERY)) == 3
    job = tap.submit_job(QUERY)
    job.run().wait(timeout=60)
    assert job.owner == ada.name
    assert len(job.fetch_result()) == 3
    assert [listed.jobid for listed in tap.get_job_list()] == [job.job_id]
    with pytest.raises(Exception, match=r"403|[Ff]orbidden"):
        pyvo.dal.AsyncTAPJob(job.url)
    assert tap.tables["demo.ngc"].columns
    job.delete()


def test_pyvo_without_an_account_is_served_as_before(service: str) -> None:
    assert len(pyvo.dal.TAPService(service, session=AuthSession()).search(QUERY)) == 3


def test_pyvo_with_a_wrong_password_is_told(service: str, person: MakePerson) -> None:
    session = AuthSession()
    session.credentials.set_password(person().name, "wrong password")
    with pytest.raises(pyvo.dal.DALQueryError, match="There is no such account, or its password is another"):
        pyvo.dal.TAPService(service, session=session).search(QUERY)


@pytest.fixture(scope="module")
def closed(sample: Config) -> Iterator[str]:
    """The URL of a service that is for accounts only."""
    with serving(alone(sample, anonymous=False)) as url:
        yield url


@pytest.mark.long
def test_stilts_logs_in_where_it_must(closed: str, person: MakePerson) -> None:
    ada = person()
    options = [f"-Dstar.basicauth.user={ada.name}", f"-Dstar.basicauth.password={ada.password}"]
    for sync in ("true", "false"):
        query = ["tapquery", f"tapurl={closed}", f"adql={QUERY}", f"sync={sync}", "ofmt=csv"]
        done = stilts(*options, *query)
        assert done.stdout.splitlines()[:1] == ["name,ra"], done.stderr
        assert stilts(*query).returncode != 0


def test_stilts_logs_in_for_a_table_that_is_announced(
    service: str, person: MakePerson, owner: psycopg.Connection, tmp_path: Path
) -> None:
    ada, table = person(), f"announced_{secrets.token_hex(3)}.t"
    pq.write_table(pa.table({"ra": [1.0], "dec": [2.0], "treasure": [42]}), tmp_path / "t.parquet")
    readers = parse_description({"table": {"readers": [f"user:{ada.name}"]}})
    load_table(owner, open_file(tmp_path / "t.parquet"), table, readers)
    with owner.transaction():
        announce(owner, table, announced=True)
        count_change(owner)
    options = [f"-Dstar.basicauth.user={ada.name}", f"-Dstar.basicauth.password={ada.password}"]
    query = ["tapquery", f"tapurl={service}", f"adql=SELECT treasure FROM {table}", "sync=true", "ofmt=csv"]
    done = stilts(*options, *query)
    assert done.stdout.split() == ["treasure", "42"], done.stderr
    assert stilts(*query).returncode != 0
    unpublish_table(owner, table, drop=True)
    owner.execute(f"DROP SCHEMA {table.partition('.')[0]} CASCADE".encode())


# ---- TapPlus, which logs in by TLS only


def test_tap_plus_logs_in_and_out(tls: int, person: MakePerson) -> None:
    ada, tap = person(), TapPlus(url=f"https://localhost:{tls}/tap")
    tap.login(user=ada.name, password=ada.password)
    job = tap.launch_job_async(QUERY)
    assert len(job.get_results()) == 3
    assert [listed.jobid for listed in tap.list_async_jobs()] == [job.jobid]
    tap.remove_jobs(job.jobid)
    tap.logout()
    # It goes on sending the cookie that has ended.
    assert len(tap.launch_job(QUERY).get_results()) == 3
    assert tap.list_async_jobs() == []


def test_tap_plus_with_a_wrong_password_is_told(tls: int, person: MakePerson) -> None:
    with pytest.raises(HTTPError, match="There is no such account, or its password is another"):
        TapPlus(url=f"https://localhost:{tls}/tap").login(user=person().name, password=WRONG)


def test_a_login_by_tls_gives_a_cookie_that_is_sent_by_tls_only(tls: int, person: MakePerson) -> None:
    ada = person()
    form = {"username": ada.name, "password": ada.password}
    answer = requests.post(
        f"https://localhost:{tls}/tap/login", data=form, verify=os.environ["SSL_CERT_FILE"], timeout=60
    )
    assert answer.status_code == 200
    assert "; Secure" in answer.headers["Set-Cookie"]
    assert "; HttpOnly" in answer.headers["Set-Cookie"]
