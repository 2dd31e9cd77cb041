"""One rule for what goes over the wire: each noun has one module of `schemas`, with its shapes and its examples."""

import ast
from pathlib import Path

import pytest

import ikawaari

HOME = Path(ikawaari.__file__).parent
ROUTES = [path for room in ("merchant_api", "hosted") for path in sorted((HOME / room).glob("*.py"))]
SHARED = {"paging.py", "webhook_docs.py"}  # the parts of every list; what events make of the objects
SHAPES = {"Input", "Output", "Page", "PageQuery", "Query", "Changes", "Schema"}


@pytest.mark.parametrize("path", ROUTES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_routes_define_no_shape_and_no_example(path: Path) -> None:
    if path.name in SHARED:
        return
    tree = ast.parse(path.read_text())
    shapes = [
        one.name for one in tree.body if isinstance(one, ast.ClassDef) and SHAPES & set(map(ast.unparse, one.bases))
    ]
    examples = [one.value for one in ast.walk(tree) if isinstance(one, ast.keyword) and one.arg == "example"]
    assert shapes == []
    assert [ast.unparse(value) for value in examples if isinstance(value, ast.Dict)] == []
