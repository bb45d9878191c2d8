"""Who may read what: enforced by the database itself, and told by nothing to those who may not."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.description import Description, parse_description
from schema.load import open_file
from schema.load.reader import LoadError
from schema.publish import load_table, publish_table, unpublish_table
from schema.readers import (
    accesses,
    add_readers,
    announce,
    forget_grantee,
    grantee,
    make_public,
    open_views_over,
    remove_readers,
)
from schema.tap_schema import count_change
from tap.auth.accounts import AccountStore
from tap.auth.rights import SESSION_ROLE, Rights
from tap.config import Config
from tap.engine.database import cluster_of, member_conninfo, owner_conninfo, reader_conninfo
from tap.engine.engine import Access, Engine
from tap.engine.private import ADMIN
from tests.contract.client import Reply, get, request
from tests.contract.test_uws_1_1 import call
from tests.people import MakePerson, Person, basic

NO_RIGHT = psycopg.errors.InsufficientPrivilege


@dataclass(frozen=True)
class Closed:
    """A table that only one group may read, and who is in it."""

    table: str
    group: str
    member: Person

    @property
    def schema(self) -> str:
        return self.table.partition(".")[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.parquet"
    pq.write_table(pa.table({"ra": [10.0, 20.0], "dec": [1.0, 2.0], "treasure": [17, 42]}), path)
    return path


def change(owner: psycopg.Connection, what: Callable[..., None], *arguments: object) -> None:
    with owner.transaction():
        what(owner, *arguments)
        count_change(owner)


@pytest.fixture
def closed(
    sample: Config, owner: psycopg.Connection, file: Path, accounts: AccountStore, person: MakePerson
) -> Iterator[Closed]:
    mark = secrets.token_hex(4)
    table, group = f"hidden_{mark}.stars", f"survey-{mark}"
    accounts.add_group(group)
    readers = parse_description({"table": {"readers": [f"group:{group}"], "title": "Unheard of"}})
    load_table(owner, open_file(file), table, readers)
    yield Closed(table, group, person(groups=(group,)))
    unpublish_table(owner, table, drop=True)
    owner.execute(f"DROP SCHEMA {table.partition('.')[0]} CASCADE".encode())


@pytest.fixture
def engine(sample: Config) -> Iterator[Engine]:
    engine = Engine(reader_conninfo(sample), 2, member_conninfo=member_conninfo(sample))
    engine.open()
    yield engine
    engine.close()


@pytest.fixture
def rights(sample: Config, accounts: AccountStore) -> Iterator[Rights]:
    rights = Rights(owner_conninfo(sample), accounts)
    rights.open()
    yield rights
    rights.close()


def raw(engine: Engine, role: str | None, sql: str) -> bytes:
    """Send SQL as it is, in the place of what a query was translated to, and return what comes back."""
    with engine.session(10, role=role) as session:
        return b"".join(block.data for block in session.unchanged(sql))


# ---- the fence


def test_the_database_itself_lets_readers_read_and_nobody_else(
    closed: Closed, engine: Engine, rights: Rights, person: MakePerson
) -> None:
    select = f"SELECT treasure FROM {closed.table}"
    assert (42).to_bytes(8) in raw(engine, rights.role(closed.member.account), select)
    for other in (None, person().account):
        with pytest.raises(NO_RIGHT):
            raw(engine, rights.role(other), select)


def test_a_role_of_one_group_does_not_read_what_is_anothers(
    closed: Closed, engine: Engine, rights: Rights, owner: psycopg.Connection, *, file: Path, person: MakePerson
) -> None:
    bo, other = person(), f"{closed.schema}.others"
    load_table(owner, open_file(file), other, parse_description({"table": {"readers": [f"user:{bo.name}"]}}))
    role = rights.role(bo.account)
    assert (42).to_bytes(8) in raw(engine, role, f"SELECT treasure FROM {other}")
    with pytest.raises(NO_RIGHT):
        raw(engine, role, f"SELECT treasure FROM {closed.table}")
    with pytest.raises(NO_RIGHT):
        raw(engine, rights.role(closed.member.account), f"SELECT treasure FROM {other}")
    unpublish_table(owner, other, drop=True)


@pytest.mark.parametrize("as_member", [True, False])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT set_config('role', '{role}', true)",
        "SELECT set_config('role', 'none', false)",
        "SELECT armillary.session_role(ARRAY['group:{group}'])",
        "SELECT armillary.grantee_role('group:{group}')",
        "SELECT * FROM armillary.access",
        "SELECT * FROM armillary.readers",
        "SELECT * FROM armillary.loaded",
        "SELECT * FROM accounts.accounts",
        "SELECT * FROM uws.jobs",
        "SELECT 1) TO STDOUT; SET ROLE {role}; COPY (SELECT treasure FROM {table}",
        "SELECT 1) TO STDOUT; RESET ROLE; SELECT (1",
        "WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT * FROM gone",
    ],
)
def test_no_sql_gets_out_of_a_role(
    closed: Closed, engine: Engine, rights: Rights, person: MakePerson, sql: str, *, as_member: bool
) -> None:
    theirs = rights.role(closed.member.account)
    text = sql.format(role=theirs, group=closed.group, table=closed.table)
    with pytest.raises(psycopg.Error) as caught:
        raw(engine, theirs if as_member else rights.role(person().account), text)
    assert caught.value.sqlstate in {"42501", "42601", "25006"}


def test_a_plan_is_asked_for_in_one_statement_too(closed: Closed, engine: Engine, rights: Rights) -> None:
    with engine.session(10, role=rights.role(closed.member.account)) as session:
        assert session.explain(f"SELECT treasure FROM {closed.table}")
    with pytest.raises(psycopg.errors.SyntaxError), engine.session(10) as session:
        session.explain("SELECT 1; RESET ROLE")


def test_the_owner_of_the_catalogues_makes_no_role_that_is_more_than_a_reader(
    closed: Closed, owner: psycopg.Connection, sample: Config
) -> None:
    """Whatever it writes into its own tables."""
    owner.execute("UPDATE armillary.readers SET role = %s WHERE name = %s", (ADMIN, closed.table))
    row = owner.execute(SESSION_ROLE, ([f"group:{closed.group}", "user:new"],)).fetchone()
    assert row
    with psycopg.connect(member_conninfo(sample), autocommit=True) as connection:
        connection.execute(f'SET ROLE "{row[0]}"'.encode())
        with pytest.raises(NO_RIGHT):
            connection.execute(f'SET ROLE "{ADMIN}"; SELECT 1'.encode())
    owner.execute(
        "UPDATE armillary.readers SET role = armillary.grantee_role(grantee) WHERE name = %s", (closed.table,)
    )


def test_first_queries_that_come_at_once_all_find_their_role(
    closed: Closed, rights: Rights, owner: psycopg.Connection, person: MakePerson
) -> None:
    people = [person() for _ in range(4)]
    change(owner, add_readers, closed.table, [grantee("user", each.name) for each in people])
    with ThreadPoolExecutor(16) as threads:
        roles = list(threads.map(rights.role, [each.account for each in people * 6]))
    assert len(set(roles)) == 4
    assert None not in roles


def test_many_sets_of_rights_leave_no_more_roles_than_may_be(
    closed: Closed, rights: Rights, engine: Engine, owner: psycopg.Connection, *, sample: Config, person: MakePerson
) -> None:
    with psycopg.connect(cluster_of(sample.database).conninfo(ADMIN), autocommit=True) as admin:
        role = rights.role(closed.member.account)
        prefix = str(role)[: len("armillary_as_") + 9]
        for number in range(500):
            admin.execute(f'CREATE ROLE "{prefix}{number}" NOLOGIN'.encode())
        owner.execute("UPDATE armillary.session_roles SET used = now() - interval '2 hours'")
        with engine.session(60, access=Access.READ_WRITE, role=role) as session:
            session.run_in_write_transaction(lambda connection: connection.execute("CREATE TEMP TABLE mine (a int)"))
            bo = person()
            change(owner, add_readers, closed.table, [grantee("user", bo.name)])
            assert (42).to_bytes(8) in raw(engine, rights.role(bo.account), f"SELECT treasure FROM {closed.table}")
        row = admin.execute("SELECT count(*) FROM pg_roles WHERE starts_with(rolname, %s)", (prefix,)).fetchone()
    assert row
    assert row[0] < 20


def test_a_stranger_cannot_take_a_role(closed: Closed, rights: Rights, sample: Config) -> None:
    role = rights.role(closed.member.account)
    with psycopg.connect(reader_conninfo(sample), autocommit=True) as connection, pytest.raises(NO_RIGHT):
        connection.execute(f'SET ROLE "{role}"'.encode())


def test_who_takes_no_role_reads_nothing(closed: Closed, sample: Config) -> None:
    with psycopg.connect(member_conninfo(sample), autocommit=True) as connection:
        for table in (closed.table, "demo.stars", "tap_schema.tables"):
            with pytest.raises(NO_RIGHT):
                connection.execute(f"SELECT * FROM {table} LIMIT 1".encode())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT table_name FROM tap_schema.tables",
        "SELECT schema_name FROM tap_schema.schemas",
        "SELECT table_name FROM tap_schema.columns",
        "SELECT table_name FROM armillary.tables",
        "SELECT table_name FROM armillary.bounds",
        "SELECT schemaname FROM pg_stats",
    ],
)
def test_what_is_kept_of_a_table_is_shown_to_its_readers_only(
    closed: Closed, engine: Engine, rights: Rights, sql: str
) -> None:
    name = closed.schema.encode()
    assert name not in raw(engine, None, sql)
    if "bounds" not in sql:
        assert name in raw(engine, rights.role(closed.member.account), sql)


# ---- over HTTP


def ask(service: str, query: str, person: Person | None = None, **more: str) -> Reply:
    headers = basic(person.name, person.password) if person else {}
    return get(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv"} | more, **headers)


def test_readers_see_a_table_everywhere_and_others_nowhere(service: str, closed: Closed, person: MakePerson) -> None:
    pages = [
        "/tables",
        "/tables?detail=min",
        "/examples",
        "",
        f"/sync?LANG=ADQL&FORMAT=csv&QUERY=SELECT+table_name+FROM+tap_schema.tables+WHERE+schema_name='{closed.schema}'",
        f"/sync?LANG=ADQL&FORMAT=csv&QUERY=SELECT+table_name+FROM+tap_schema.columns+WHERE+table_name='{closed.table}'",
        "/sync?LANG=ADQL&FORMAT=csv&QUERY=SELECT+schema_name+FROM+tap_schema.schemas",
    ]
    bo = person()
    for page in pages:
        if page != "/examples":
            assert (
                closed.schema
                in request("GET", service + page, headers=basic(closed.member.name, closed.member.password)).text
            ), page
        for headers in ({}, basic(bo.name, bo.password)):
            text = request("GET", service + page, headers=headers).text
            assert closed.schema not in text.replace("QUERY", ""), page
            assert "Unheard of" not in text
    assert (
        request(
            "GET", f"{service}/tables/{closed.table}", headers=basic(closed.member.name, closed.member.password)
        ).status
        == 200
    )
    assert get(f"{service}/tables/{closed.table}").status == 404


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM {table}",
        "SELECT treasure FROM {table} AS t",
        "SELECT COUNT(*) AS n FROM {table} AS a JOIN demo.ngc AS b ON 1 = CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 1))",
        "SELECT n FROM (SELECT COUNT(*) AS n FROM {table}) AS q",
        "WITH q AS (SELECT * FROM {table}) SELECT * FROM q",
        "SELECT name FROM demo.ngc WHERE ra IN (SELECT ra FROM {table})",
        "SELECT name FROM demo.ngc UNION SELECT CAST(treasure AS VARCHAR) FROM {table}",
    ],
)
def test_a_closed_table_is_answered_exactly_as_one_that_is_not_there(
    service: str, closed: Closed, person: MakePerson, query: str
) -> None:
    assert ask(service, query.format(table=closed.table), closed.member).status == 200
    missing = closed.table.replace("hidden_", "absent_")
    for asker in (None, person()):
        refused, absent = (ask(service, query.format(table=name), asker) for name in (closed.table, missing))
        assert refused.status == absent.status == 400
        assert refused.text.replace(closed.table, missing) == absent.text


@pytest.mark.parametrize("wrong", ["{table}x", "{schema}.star", "stars_{schema}", "treasure"])
def test_no_hint_names_what_one_may_not_see(service: str, closed: Closed, wrong: str) -> None:
    name = wrong.format(table=closed.table, schema=closed.schema)
    said = ask(service, f"SELECT treasur FROM {name}").text.replace(name, "")
    assert closed.schema not in said
    assert "treasure" not in said


def test_a_result_is_never_kept_for_others(service: str, closed: Closed, person: MakePerson) -> None:
    """The translation of a query is kept, but for those who see the same tables."""
    query = f"SELECT treasure FROM {closed.table} ORDER BY treasure"
    for _ in range(6):  # two processes each have their own
        assert ask(service, query, closed.member).lines == ["treasure", "17", "42"]
        assert ask(service, query, person()).status == 400
        assert ask(service, query).status == 400


def test_a_closed_table_meets_an_upload_of_its_reader(service: str, closed: Closed) -> None:
    votable = (
        '<VOTABLE><RESOURCE><TABLE><FIELD name="t" datatype="int"/><DATA><TABLEDATA><TR><TD>42</TD></TR></TABLEDATA>'
        "</DATA></TABLE></RESOURCE></VOTABLE>"
    )
    boundary = "x" * 20
    parts = {"LANG": "ADQL", "FORMAT": "csv", "UPLOAD": "mine,param:file"}
    parts["QUERY"] = f"SELECT ra FROM TAP_UPLOAD.mine AS m JOIN {closed.table} AS s ON m.t = s.treasure"
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parts.items()
    )
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n{votable}\r\n--{boundary}--\r\n'
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    headers = kind | basic(closed.member.name, closed.member.password)
    assert request("POST", f"{service}/sync", body.encode(), headers).lines == ["ra", "20"]
    assert request("POST", f"{service}/sync", body.encode(), kind).status == 400


def test_a_table_that_is_announced_asks_to_log_in_and_shows_nothing_else(
    service: str, closed: Closed, owner: psycopg.Connection, person: MakePerson
) -> None:
    with owner.transaction():
        announce(owner, closed.table, announced=True)
        count_change(owner)
    query = f"SELECT treasure FROM {closed.table}"
    for asker in (None, person()):
        reply = ask(service, query, asker)
        assert reply.status == (401 if asker is None else 403)
        assert f"Only some accounts may read {closed.table}" in reply.text
        assert bool(reply.headers.get_all("WWW-Authenticate")) == (asker is None)
    assert get(f"{service}/tables/{closed.table}").status == 401
    assert closed.schema not in get(f"{service}/tables").text
    assert ask(service, query.replace("treasure", "treasur")).text.count("treasure") == 0
    assert ask(service, query, closed.member).status == 200
    with owner.transaction():
        announce(owner, closed.table, announced=False)
        count_change(owner)
    assert ask(service, query).status == 400


def test_only_what_is_closed_can_be_announced(owner: psycopg.Connection, sample: Config) -> None:
    with pytest.raises(LoadError, match="is not closed"):
        announce(owner, "demo.stars", announced=True)


def test_views_over_a_table_are_named_when_it_is_closed(closed: Closed, owner: psycopg.Connection) -> None:
    owner.execute(f"CREATE VIEW {closed.schema}.v AS SELECT treasure FROM {closed.table}".encode())
    owner.execute(f"CREATE VIEW {closed.schema}.w AS SELECT treasure FROM {closed.schema}.v".encode())
    publish_table(owner, f"{closed.schema}.w", Description())
    assert open_views_over(owner, closed.table) == [f"{closed.schema}.w"]
    unpublish_table(owner, f"{closed.schema}.w")
    assert open_views_over(owner, closed.table) == []


def test_tap_schema_is_for_everybody(owner: psycopg.Connection, sample: Config) -> None:
    for name in ("tap_schema", "tap_schema.tables"):
        with pytest.raises(LoadError, match="for everybody"):
            add_readers(owner, name, [])


def test_a_table_that_was_closed_and_dropped_is_closed_when_it_is_loaded_again(
    closed: Closed, owner: psycopg.Connection, file: Path, service: str
) -> None:
    unpublish_table(owner, closed.table, drop=True)
    make_public(owner, closed.table)  # a rule is lifted even where nothing is published
    change(owner, remove_rule, closed.table)
    load_table(owner, open_file(file), closed.table, parse_description({"table": {"readers": []}}))
    unpublish_table(owner, closed.table, drop=True)
    load_table(owner, open_file(file), closed.table, Description())
    assert ask(service, f"SELECT treasure FROM {closed.table}").status == 400
    change(owner, make_public, closed.table)
    assert ask(service, f"SELECT treasure FROM {closed.table}").status == 200


def remove_rule(owner: psycopg.Connection, name: str) -> None:
    owner.execute("DELETE FROM armillary.access WHERE name = %s", (name,))


# ---- what is taken away


def test_a_right_that_is_taken_is_gone_with_the_next_request(
    service: str, closed: Closed, owner: psycopg.Connection, accounts: AccountStore
) -> None:
    query, ada = f"SELECT treasure FROM {closed.table}", closed.member
    for take, give in (
        (
            lambda: change(owner, remove_readers, closed.table, [grantee("group", closed.group)]),
            lambda: change(owner, add_readers, closed.table, [grantee("group", closed.group)]),
        ),
        (
            lambda: accounts.remove_member(closed.group, ada.name),
            lambda: accounts.add_member(closed.group, ada.name, is_owner=False),
        ),
        (
            lambda: change(owner, forget_grantee, grantee("group", closed.group)),
            lambda: change(owner, make_public, closed.table),
        ),
    ):
        assert ask(service, query, ada).status == 200
        take()
        assert ask(service, query, ada).status == 400
        give()
    assert ask(service, query).status == 200


def test_a_job_runs_with_the_rights_that_its_owner_has_when_it_runs(
    service: str, closed: Closed, owner: psycopg.Connection
) -> None:
    headers = basic(closed.member.name, closed.member.password)
    form = f"LANG=ADQL&FORMAT=csv&QUERY=SELECT+treasure+FROM+{closed.table}+ORDER+BY+treasure".encode()
    jobs = [str(call("POST", f"{service}/async", form, **headers).headers["Location"]) for _ in range(2)]
    assert _run(jobs[0], headers) == "COMPLETED"
    assert request("GET", f"{jobs[0]}/results/result", headers=headers).lines == ["treasure", "17", "42"]
    change(owner, remove_readers, closed.table, [grantee("group", closed.group)])
    assert _run(jobs[1], headers) == "ERROR"
    assert f"There is no table {closed.table}" in request("GET", f"{jobs[1]}/error", headers=headers).text


def _run(job: str, headers: dict[str, str]) -> str:
    call("POST", f"{job}/phase", b"PHASE=RUN", **headers)
    for phase in ("QUEUED", "EXECUTING"):
        request("GET", f"{job}?WAIT=30&PHASE={phase}", headers=headers)
    return request("GET", f"{job}/phase", headers=headers).text


def test_a_job_of_an_account_that_was_disabled_does_not_run(
    service: str, closed: Closed, accounts: AccountStore, person: MakePerson
) -> None:
    headers, root = basic(closed.member.name, closed.member.password), person(is_admin=True)
    form = f"LANG=ADQL&QUERY=SELECT+treasure+FROM+{closed.table}".encode()
    job = str(call("POST", f"{service}/async", form, **headers).headers["Location"])
    accounts.set_disabled(closed.member.name, disabled=True)
    as_root = basic(root.name, root.password)
    assert _run(job, as_root) == "ERROR"
    assert "cannot be used any more" in request("GET", f"{job}/error", headers=as_root).text


# ---- loading


def test_a_table_that_is_loaded_again_stays_closed(
    closed: Closed, owner: psycopg.Connection, file: Path, service: str
) -> None:
    load_table(owner, open_file(file), closed.table, Description())
    assert ask(service, f"SELECT treasure FROM {closed.table}").status == 400
    assert ask(service, f"SELECT treasure FROM {closed.table}", closed.member).status == 200


def test_a_table_that_is_taken_out_and_published_again_stays_closed(
    closed: Closed, owner: psycopg.Connection, service: str, engine: Engine, rights: Rights
) -> None:
    role = rights.role(closed.member.account)
    unpublish_table(owner, closed.table)
    with pytest.raises(NO_RIGHT):
        raw(engine, role, f"SELECT treasure FROM {closed.table}")
    publish_table(owner, closed.table, Description())
    assert ask(service, f"SELECT treasure FROM {closed.table}").status == 400
    assert ask(service, f"SELECT treasure FROM {closed.table}", closed.member).status == 200


def test_what_is_said_of_a_schema_holds_for_tables_to_come(
    closed: Closed, owner: psycopg.Connection, file: Path, service: str
) -> None:
    change(owner, add_readers, closed.schema, [grantee("group", closed.group)])
    load_table(owner, open_file(file), f"{closed.schema}.later", Description())
    query = f"SELECT treasure FROM {closed.schema}.later"
    assert (ask(service, query).status, ask(service, query, closed.member).status) == (400, 200)
    change(owner, make_public, f"{closed.schema}.later")
    assert ask(service, query).status == 200
    assert ask(service, f"SELECT treasure FROM {closed.table}").status == 400
    unpublish_table(owner, f"{closed.schema}.later", drop=True)
    change(owner, make_public, closed.schema)


@pytest.mark.parametrize("readers", [["survey"], ["public", "user:a"], ["group:"], ["group:a b"], [1], "group:a"])
def test_readers_that_are_none_are_refused(readers: object) -> None:
    with pytest.raises(Exception, match="readers"):
        parse_description({"table": {"readers": readers}})


def test_a_table_that_is_not_there_cannot_be_closed(owner: psycopg.Connection) -> None:
    with pytest.raises(LoadError, match=r"no published table or schema nowhere\.at_all"):
        add_readers(owner, "nowhere.at_all", [])


# ---- a model


_NAMES = ["s{m}a.one", "s{m}a.two", "s{m}b.three"]
_SCHEMAS = ["s{m}a", "s{m}b"]
_GRANTEES = ["user:u{m}", "group:g{m}", "group:h{m}"]
_STEP = st.one_of(
    st.tuples(st.just("close"), st.sampled_from(_NAMES + _SCHEMAS), st.sets(st.sampled_from(_GRANTEES), max_size=2)),
    st.tuples(st.just("open"), st.sampled_from(_NAMES + _SCHEMAS), st.just(frozenset[str]())),
    st.tuples(
        st.just("take"), st.sampled_from(_NAMES + _SCHEMAS), st.sets(st.sampled_from(_GRANTEES), min_size=1, max_size=1)
    ),
    st.tuples(st.just("again"), st.sampled_from(_NAMES), st.just(frozenset[str]())),
)


@pytest.fixture
def mark(owner: psycopg.Connection) -> Iterator[str]:
    mark = secrets.token_hex(3)
    yield mark
    for name in _NAMES:
        unpublish_table(owner, name.format(m=mark), drop=True)
    for name in _SCHEMAS:
        owner.execute("DELETE FROM armillary.access WHERE name = %s", (name.format(m=mark),))
        owner.execute(f"DROP SCHEMA IF EXISTS {name.format(m=mark)} CASCADE".encode())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(_STEP, max_size=8))
def test_any_sequence_of_grants_means_what_a_model_says(
    owner: psycopg.Connection,
    engine: Engine,
    rights: Rights,
    file: Path,
    mark: str,
    *,
    steps: list[tuple[str, str, frozenset[str]]],
) -> None:
    names = [name.format(m=mark) for name in _NAMES]
    for name in names:
        load_table(owner, open_file(file), name, parse_description({"table": {"readers": ["public"]}}))
    for access in accesses(owner):
        if access.name.startswith(f"s{mark}"):
            owner.execute("DELETE FROM armillary.access WHERE name = %s", (access.name,))
    model: dict[str, set[str] | None] = {}
    for what, name, who in steps:
        _apply(owner, file, model, (what, name.format(m=mark), {each.format(m=mark) for each in who}))
    for grantees in ([], *([each.format(m=mark)] for each in _GRANTEES), [each.format(m=mark) for each in _GRANTEES]):
        row = owner.execute(SESSION_ROLE, (grantees,)).fetchone()
        role = row[0] if row else None
        with engine.session(10, role=role) as session:
            seen = {table.table_name for table in session.catalogue.tables}
        for name in names:
            rule = model.get(name, model.get(name.partition(".")[0]))
            allowed = rule is None or bool(rule & set(grantees))
            assert (name in seen) == allowed
            assert _reads(owner, engine, role, name) == allowed


def _apply(
    owner: psycopg.Connection, file: Path, model: dict[str, set[str] | None], step: tuple[str, str, set[str]]
) -> None:
    what, name, who = step
    rule = model.get(name)
    if what == "close":
        change(owner, add_readers, name, sorted(who))
        model[name] = (rule or set()) | who
    elif what == "open":
        change(owner, make_public, name)
        model[name] = None
    elif what == "again":
        load_table(owner, open_file(file), name, Description())
    elif rule and who <= rule:
        change(owner, remove_readers, name, sorted(who))
        model[name] = rule - who


def _reads(owner: psycopg.Connection, engine: Engine, role: str | None, name: str) -> bool:
    row = owner.execute("SELECT storage FROM armillary.tables WHERE table_name = %s", (name,)).fetchone()
    stored = f"{name.partition('.')[0]}.{row[0]}" if row and row[0] else name
    try:
        raw(engine, role, f"SELECT treasure FROM {stored}")
    except NO_RIGHT:
        return False
    return True


# ---- what is kept of rows


KEPT = (
    "SELECT * FROM tap_schema.column_statistics",
    "SELECT table_name, moc::text, sky_fraction FROM tap_schema.table_coverage",
    "SELECT table_name, cells, counts FROM armillary.cell_counts",
)
WORMHOLES = (
    "SELECT max(largest) FROM tap_schema.column_statistics WHERE column_name = 'treasure'",
    "SELECT count(*) FROM tap_schema.column_statistics WHERE table_name = '{table}'",
    "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE attname = 'treasure'",
    "SELECT stavalues1::text FROM pg_statistic",
)


def test_the_statistics_of_a_closed_table_are_for_its_readers_only(
    closed: Closed, engine: Engine, rights: Rights, person: MakePerson
) -> None:
    """By SQL that a query never becomes, as the roles of a stranger, of another account and of a reader."""
    reader_role = rights.role(closed.member.account)
    for sql in KEPT:
        assert closed.table.encode() in raw(engine, reader_role, sql), sql
        for role in (None, rights.role(person().account)):
            assert closed.table.encode() not in raw(engine, role, sql), sql
    for role in (None, rights.role(person().account)):
        for sql in WORMHOLES:
            try:
                seen = raw(engine, role, sql.format(table=closed.table))
            except NO_RIGHT:
                continue
            assert not [secret for secret in (b"treasure", b"42", (3).to_bytes(8)) if secret in seen], sql
    with pytest.raises(psycopg.Error) as caught:
        raw(engine, reader_role, "DELETE FROM tap_schema.column_statistics RETURNING 1")
    assert caught.value.sqlstate in {"42501", "25006"}


def test_no_page_and_no_query_tells_others_of_a_closed_table_by_its_statistics(
    closed: Closed, service: str, person: MakePerson
) -> None:
    query = "/sync?LANG=ADQL&FORMAT=csv&QUERY=SELECT+*+FROM+tap_schema.column_statistics"
    assert closed.table in get(service + query, **basic(closed.member.name, closed.member.password)).text
    page = call(
        "GET",
        f"{service}/tables/{closed.table}",
        None,
        Accept="text/html",
        **basic(closed.member.name, closed.member.password),
    )
    assert "17 to 42" in page.text
    assert '<figure class="footprint">' in page.text
    other = person()
    for headers in ({}, basic(other.name, other.password)):
        assert closed.table not in get(service + query, **headers).text
        assert call("GET", f"{service}/tables/{closed.table}", None, Accept="text/html", **headers).status == 404


def test_statistics_follow_when_a_table_is_opened_and_closed(
    closed: Closed, owner: psycopg.Connection, reader: psycopg.Connection
) -> None:
    known = f"SELECT count(*) FROM tap_schema.column_statistics WHERE table_name = '{closed.table}'".encode()
    change(owner, make_public, closed.table)
    assert reader.execute(known).fetchone() == (3,)
    change(owner, add_readers, closed.table, [grantee("group", closed.group)])
    assert reader.execute(known).fetchone() == (0,)
