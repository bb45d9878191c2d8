"""Smoke alarms: sizes and habits that ARCHITECTURE.md sets as limits. A limit is not the aim."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_layers import MODULES, ROOT, nodes_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
FILES = [pytest.param(path, id=name) for name, path in MODULES.items()]
NESTING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def functions(path: Path) -> Iterator[Function]:
    for node in nodes_of(path):
        if isinstance(node, Function):
            yield node


def code_lines(function: Function) -> int:
    """Lines of the body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


def depth(node: ast.AST, level: int = 0) -> int:
    """Of control flow; `elif` adds none."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.Lambda | ast.ClassDef):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deeper = isinstance(child, NESTING) and not is_elif
        deepest = max(deepest, depth(child, level + deeper))
    return deepest


def test_functions_are_short() -> None:
    sizes = [code_lines(function) for path in MODULES.values() for function in functions(path)]
    assert statistics.median(sizes) <= 6
    assert statistics.quantiles(sizes, n=10)[-1] <= 20
    assert max(sizes) <= 50


@pytest.mark.parametrize("path", FILES)
def test_nothing_is_nested_more_than_three_deep(path: Path) -> None:
    deep = {function.name: depth(function) for function in functions(path) if depth(function) > 3}
    assert not deep


@pytest.mark.parametrize("path", FILES)
def test_a_file_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", FILES)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(nodes_of(path)[0])


@pytest.mark.parametrize("path", FILES)
def test_everything_is_annotated(path: Path) -> None:
    for function in functions(path):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in {"self", "cls"}]
        assert not bare, f"{function.name}: {bare}"
        assert function.returns is not None, function.name


def test_only_the_edges_catch_every_exception() -> None:
    broad = [
        str(path.relative_to(ROOT))
        for path in MODULES.values()
        for node in nodes_of(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    assert sorted(broad) == ["tap/error_middleware.py", "uws/worker.py"]


def test_nothing_is_left_to_do_later() -> None:
    word = "TO" + "DO"
    assert not [name for name, path in MODULES.items() if word in path.read_text("utf-8")]


def test_few_types_are_ignored_each_with_its_code() -> None:
    ignored = [
        line for path in MODULES.values() for line in path.read_text("utf-8").splitlines() if "type: ignore" in line
    ]
    assert len(ignored) <= 5
    assert all("type: ignore[" in line for line in ignored)
