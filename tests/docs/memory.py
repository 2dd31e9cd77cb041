"""What a process of the program remembers beyond a call, as its source says: for the paper that lists it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import ikawaari

_HOME = Path(ikawaari.__file__).parent
_CACHES = {"cache", "lru_cache"}
_CHANGES = {"add", "append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}


def names() -> set[str]:
    """Every cache, and every name of a module that is bound or changed after the import, as `folder/module.name`."""
    found = set()
    for path in _HOME.rglob("*.py"):
        where = path.relative_to(_HOME).with_suffix("").as_posix()
        if not where.startswith(("simulators/", "store/migrations/")):  # of no server and no worker
            found |= {f"{where}.{name}" for name in kept(ast.parse(path.read_text()))}
    return found


def kept(module: ast.Module) -> Iterator[str]:
    """The same of one module."""
    own = {name for node in module.body for name, _ in _bound(node)}
    for node in ast.walk(module):
        if isinstance(node, ast.Global):
            yield from node.names
        elif isinstance(node, ast.FunctionDef) and any(_name(one) in _CACHES for one in node.decorator_list):
            yield node.name
        elif (name := _changed(node)) in own:
            yield name
        for name, maker in _bound(node):
            if maker == "ByAccount" or (maker == "defaultdict" and name in own):
                yield name.removeprefix("self.")


def _bound(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that an assignment binds, and what is called for their value."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        maker = _name(node.value) if isinstance(node.value, ast.Call) else ""
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield ast.unparse(target), maker


def _changed(node: ast.AST) -> str:
    """The name of what is changed in place there; empty if nothing is."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return ast.unparse(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
        return ast.unparse(node.func.value)
    return ""


def _name(node: ast.AST) -> str:
    """The last name of what is called, or decorates."""
    called = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(called).rpartition(".")[2]
