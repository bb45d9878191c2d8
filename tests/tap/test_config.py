"""The configuration: file and environment, refused where it is wrong, shown as it is, documented."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tap.cli import main
from tap.config import SETTINGS, Config
from tap.config_sections import ConfigError
from tap.config_sources import load_config

DOCS = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('port = 9000\ntitle = "Stars"\n')
    config = load_config(path, {"ARMILLARY_PORT": "9001", "ARMILLARY_SYNC_LIMIT": "1.5"})
    assert (config.web.port, config.web.title, config.limits.sync_limit) == (9001, "Stars", 1.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 9000", "there is no setting prot. Did you mean port?"),
        ('port = "http"', "port must be int, not 'http'"),
        ('base_url = "localhost:8080"', "base_url must begin with http"),
        ('base_url = "http://x/tap/"', "no / at its end"),
        ("maxrec_default = 0", "maxrec_default must be"),
        ("port = ", "is no TOML"),
        ('registry_authority = "data.example.org"', "registry_authority needs publisher"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert message in str(caught.value)


def test_the_command_shows_a_file_that_means_the_same(tmp_path: Path) -> None:
    path, shown = tmp_path / "a.toml", tmp_path / "b.toml"
    path.write_text('port = 9000\ntitle = "All \\"the\\" stars"\n')
    done = CliRunner().invoke(main, ["--config", str(path), "config"])
    assert done.exit_code == 0
    shown.write_text(done.output)
    assert load_config(shown, {}) == load_config(path, {})


def test_the_command_names_a_wrong_key_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("prot = 1")
    done = CliRunner().invoke(main, ["--config", str(path), "config"])
    assert done.exit_code == 1
    assert "there is no setting prot" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCS


def test_a_setting_that_there_is_not_cannot_be_changed() -> None:
    with pytest.raises(ConfigError, match="there is no setting prot"):
        Config().changed(prot=8081)


def test_a_variable_may_name_a_file_that_has_the_value(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("dbname=stars password=hush\n")
    config = load_config(
        None, {"ARMILLARY_DATABASE_FILE": str(path), "ARMILLARY_PORT_FILE": str(path), "ARMILLARY_PORT": "9000"}
    )
    assert (config.database.database, config.web.port) == ("dbname=stars password=hush", 9000)


def test_a_file_that_is_not_there_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMILLARY_DATABASE_FILE", "/nowhere/secret")
    done = CliRunner().invoke(main, ["config"])
    assert (done.exit_code, "/nowhere/secret" in done.output, "Traceback" in done.output) == (1, True, False)


COMMANDS = [
    *("check", "migrate", "users list", "groups list", "tokens list ada", "jobs list", "queries list"),
    *("messages list", "readers", "grant demo.ngc --public", "revoke demo.ngc --group g", "announce demo.ngc"),
    *("shards list", "versions list demo.ngc", "analyze demo.ngc", "unpublish demo.ngc", "publish demo.ngc"),
    *("explain SELECT", "jobs show 0", "queries kill 0"),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("postgresql://me:hush%zz@db/stars", "a percent sign is %25"),
        ("host=/nowhere password=hush", "/nowhere|cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_read_or_reached_is_told_in_a_line_that_has_no_password(
    monkeypatch: pytest.MonkeyPatch, command: str, database: str, said: str
) -> None:
    monkeypatch.setenv("ARMILLARY_DATABASE", database)
    done = CliRunner().invoke(main, command.split(maxsplit=3))
    assert (done.exit_code, re.search(said, done.output) is None) == (1, False), (done.output, done.exception)
    assert isinstance(done.exception, SystemExit)
    assert "hush" not in done.output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("oidc_client_secret", "hush"),
        ("database", "host=db dbname=stars password=hush"),
        ("admin_database", "postgresql://me:hush@db/stars"),
        ("admin_database", "postgresql://me:hush%zz@db/stars"),
        ("name_resolver", "https://me:hush@resolver.example.org/{name}"),
    ],
)
def test_the_command_shows_no_secret(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ARMILLARY_{name.upper()}", value)
    done = CliRunner().invoke(main, ["config"])
    assert done.exit_code == 0
    assert "hush" not in done.output
    assert f"# {name} is set, and not shown" in done.output
