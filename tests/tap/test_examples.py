"""Examples of an operator's own, beside those that come with the service."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adql.translate import translate
from schema.model import Catalogue
from tap.config import Config
from tap.config_sections import ConfigError
from tap.examples import EXAMPLES, examples_for, own_examples
from tests.conftest import alone, serving
from tests.contract.client import get

FILE = """
[[examples]]
id = "bright"
name = "Bright <stars>"
about = "Of the sample."
query = "SELECT tyc_id FROM demo.stars WHERE vmag < 1"

[[examples]]
id = "elsewhere"
name = "Of a table that is not here"
query = "SELECT x FROM no.such_table"
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examples") / "examples.toml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def service(sample: Config, file: Path) -> Iterator[str]:
    with serving(alone(sample, processes=1, workers=0, examples=str(file))) as url:
        yield url


def test_every_example_that_comes_with_the_service_runs_on_the_sample(catalogue: Catalogue) -> None:
    assert len(examples_for((), catalogue)) == len(EXAMPLES)
    for example in EXAMPLES:
        assert {table.table_name for table in translate(example.query, catalogue).tables} == set(example.tables)


def test_an_operators_examples_come_first_with_the_tables_that_they_read(catalogue: Catalogue, file: Path) -> None:
    first = examples_for(own_examples(str(file)), catalogue)[0]
    assert (first.id, first.name, first.tables) == ("bright", "Bright <stars>", ("demo.stars",))


def test_an_example_that_does_not_run_is_not_shown(catalogue: Catalogue, file: Path) -> None:
    assert "elsewhere" not in [example.id for example in examples_for(own_examples(str(file)), catalogue)]


def test_they_stand_on_the_page_and_where_clients_look(service: str) -> None:
    assert "Bright &lt;stars&gt;" in get(service, Accept="text/html").text
    assert 'property="name">Bright &lt;stars&gt;<' in get(f"{service}/examples").text


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('id = "bright"', 'id = "1 bad"'),
        lambda text: text.replace("query = ", "ask = "),
        lambda text: text + "[[",
        lambda text: "examples = 5",
        lambda text: 'examples = ["x"]',
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_name(tmp_path: Path, change: Callable[[str], str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(change(FILE))
    with pytest.raises(ConfigError, match=r"wrong\.toml: examples have id, name, about and query"):
        own_examples(str(path))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none"):
        own_examples(str(tmp_path / "none.toml"))
