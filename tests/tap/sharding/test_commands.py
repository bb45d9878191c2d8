"""`armillary shards`: what an operator types, and what is wrong in the file is told by name."""

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from tap.cli import main
from tap.config import ENVIRONMENT, Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.sharding.shards import ShardError, read_shards_file


def written(folder: Path, text: str) -> Path:
    path = folder / "shards.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one table"),
        ("[shards.a", "no TOML"),
        ("x = 1\n[shards.a]\ndatabase = 'dbname=a'", "nothing else"),
        ("[shards.North]\ndatabase = 'dbname=a'", "lower case"),
        ("[shards.a]\nreader = 'dbname=a'", "needs database"),
        ("[shards.a]\ndatabase = 'dbname=a'\nport = '5'", "port"),
        ("[shards.a]\ndatabase = 'what is this'", "shards.a"),
        ("engine = 'oracle'\n[shards.a]\ndatabase = 'dbname=a'", "'oracle'"),
        ("coordinator = 'a:5432'\n[shards.a]\ndatabase = 'dbname=a'", "is for engine"),
        ("engine = 'citus'\ncoordinator = 5432\n[shards.a]\ndatabase = 'dbname=a'", "a text"),
        ("[shards.a]\ndatabase = 'host=a,b'\nreader = 'host=a,b target_session_attrs=read-write'", "primary"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ShardError, match=said):
        read_shards_file(written(tmp_path, text))


def test_the_reader_is_the_owner_under_another_name_unless_it_is_given(tmp_path: Path) -> None:
    (shard,) = read_shards_file(written(tmp_path, "[shards.a]\ndatabase = 'dbname=a user=armillary_owner'")).shards
    assert sorted(shard.reader.split()) == ["dbname=a", "user=armillary_reader"]


def test_of_several_hosts_the_primary_is_looked_for_and_a_silent_one_left(tmp_path: Path) -> None:
    (shard,) = read_shards_file(
        written(tmp_path, "[shards.x]\ndatabase = 'host=a,b target_session_attrs=read-write'")
    ).shards
    assert conninfo_to_dict(shard.database) == {
        "host": "a,b",
        "target_session_attrs": "read-write",
        "connect_timeout": "2",
    }
    assert conninfo_to_dict(shard.reader)["target_session_attrs"] == "primary"
    (shard,) = read_shards_file(
        written(tmp_path, "[shards.x]\ndatabase = 'host=a,b connect_timeout=9'\nadmin = 'host=a,b'")
    ).shards
    assert conninfo_to_dict(shard.database)["connect_timeout"] == "9"
    assert conninfo_to_dict(shard.admin or "")["target_session_attrs"] == "primary"


def test_init_list_and_check_say_how_it_went(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = database.cluster_of(config.database).sockets
    with psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN), autocommit=True) as admin:
        admin.execute("CREATE DATABASE commanded")
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", config.database.data_dir)
    conninfo = f"host={sockets} dbname=commanded user="
    path = written(tmp_path, f"[shards.commanded]\ndatabase = '{conninfo}armillary_owner'\nadmin = '{conninfo}{ADMIN}'")
    run = CliRunner().invoke
    for _ in range(2):
        done = run(main, ["shards", "init", str(path)])
        assert (done.exit_code, "commanded is ready" in done.output) == (0, True), done.output
    assert "commanded" in run(main, ["shards", "list"]).output
    assert run(main, ["shards", "check"]).exit_code == 0
    broken = written(tmp_path, "[shards.gone]\ndatabase = 'host=/nowhere dbname=x'")
    done = run(main, ["shards", "init", str(broken)])
    assert done.exit_code == 1
    assert "shard gone cannot be reached" in done.output
    with database.owner_connection(config) as connection:
        connection.execute("DELETE FROM armillary.shards WHERE shard_name = 'commanded'")
