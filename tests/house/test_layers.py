"""Who may import whom (ARCHITECTURE.md), without a cycle, deferred imports included."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schema", "adql", "uws", "tap")
MAY_IMPORT = {
    "schema": {"schema"},
    "adql": {"adql", "schema"},
    "uws": {"uws"},
    "tap": {"tap", "adql", "uws", "schema"},
}
OF_SCHEMA_ADQL_SEES = {"schema.model", "schema.moc", "schema.types", "schema.words"}
NO_INPUT_OR_OUTPUT = {
    "socket",
    "subprocess",
    "urllib",
    "http",
    "asyncio",
    "threading",
    "pathlib",
    "io",
    "os",
    "sqlite3",
}


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All that stands in a file, the module first."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = modules()


@cache
def imported_by(name: str) -> list[str]:
    """The modules of ours that a module imports."""
    return sorted({target for target in imports(MODULES[name]) if target in MODULES})


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("tap.sharding.planning")])
def test_the_planner_of_shards_is_pure(name: str) -> None:
    own = {"tap.sharding.model", "tap.sharding.planning"}
    of_tap = {target for target in imported_by(name) if target.startswith("tap.")}
    assert {target for target in of_tap if not target.startswith(tuple(own))} <= {"tap.sharding"}
    assert not set(imports(MODULES[name])) & (NO_INPUT_OR_OUTPUT | {"psycopg"})


def test_no_two_classes_have_one_name() -> None:
    names = Counter(node.name for path in MODULES.values() for node in nodes_of(path) if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_its_package_may(name: str) -> None:
    package = name.split(".", maxsplit=1)[0]
    assert {target.split(".")[0] for target in imported_by(name)} <= MAY_IMPORT[package]


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("adql")])
def test_adql_sees_of_schema_the_model_and_the_types_only_and_does_no_input_or_output(name: str) -> None:
    assert {t for t in imported_by(name) if t.startswith("schema.")} <= OF_SCHEMA_ADQL_SEES
    assert not {target.split(".")[0] for target in imports(MODULES[name])} & NO_INPUT_OR_OUTPUT


def test_there_is_no_import_cycle() -> None:
    state: dict[str, str] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert state.get(name) != "open", " -> ".join((*path[path.index(name) :], name))
        if name in state:
            return
        state[name] = "open"
        for target in imported_by(name):
            # `from package import module` names the package as well; its __init__ is no way round.
            if target != name and not name.startswith(f"{target}."):
                visit(target, (*path, name))
        state[name] = "closed"

    for name in MODULES:
        visit(name, ())


def test_our_four_names_are_our_four_folders() -> None:
    for package in PACKAGES:
        module = sys.modules.get(package) or __import__(package)
        assert Path(str(module.__file__)).parent == ROOT / package


@pytest.mark.parametrize(
    ("folder", "listing"),
    [
        ("tap/formats", "tap/formats/__init__.py"),
        ("adql/functions", "adql/functions/__init__.py"),
        ("adql/rewrite", "adql/rewrite/__init__.py"),
        ("schema/load", "schema/load/__init__.py"),
        ("tap/storage", "tap/storage/__init__.py"),
    ],
)
def test_every_file_of_a_kind_is_listed(folder: str, listing: str) -> None:
    text = (ROOT / listing).read_text("utf-8")
    leaves = {
        "format",
        "function",
        "reader",
        "each",
        "layout",
        "binary_rows",
        "arrow_columns",
        "cells",
        "moc_cells",
        "fits_rows",
        "masks",
        "metadata",
        "schema/load/arrow_messages",
        "sink",
        "votable_document",
        "service_descriptor",
        "schema/load/times",
        "schema/load/csv_layout",
        "schema/load/ecsv_header",
        "schema/load/compressed",
        "schema/load/regions",
        "schema/load/votable_binary",
        "schema/load/votable_tabledata",
        "schema/load/votable_tags",
        "schema/load/votable_field",
        "copy_binary",
        "arrow_messages",
        "parquet_pages",
        "thrift",
        "region",
        "storage",
    }
    for path in (ROOT / folder).glob("*.py"):
        if not {path.stem, f"{folder}/{path.stem}"} & (leaves | {"__init__"}):
            assert f"{folder.replace('/', '.')}.{path.stem} import" in text, f"{path.stem} is not listed in {listing}"
