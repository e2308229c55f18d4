"""Modules that import one another in a circle, imports inside functions counted as well."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path


def imports_of(root: Path, package: str) -> dict[str, set[str]]:
    """For each module of a package, those that it imports anywhere; those for type checkers alone do not count."""
    files = {name_of(path, root, package): path for path in root.rglob("*.py")}
    return {name: _imported(path, files.keys()) - {name} for name, path in files.items()}


def name_of(path: Path, root: Path, package: str) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


def _imported(path: Path, known) -> set[str]:
    found: set[str] = set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in full}
    return {name for name in found if name in known}


def _nodes(node: ast.AST):
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _nodes(child)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of modules, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []
