"""Every import of the package, wherever it is written: arrows point down, and none leads back to where it came from."""

import ast
import re
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import slth

SOURCE = Path(slth.__file__).parent
PROJECT = Path(__file__).parent.parent / "pyproject.toml"

ABOVE_ALL = {"slth", "slth.__main__"}
"""What stands on no floor: exported names, found when they are asked for, and ``python -m slth``."""


class Arrow(NamedTuple):
    """One import."""

    importer: str
    imported: str
    when: str  # "first" with the module, "later" inside a function or by name, "never" for the type checker alone


def modules(source: Path) -> dict[str, Path]:
    """Name of each module of a package, and its file."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


class _Imports(ast.NodeVisitor):
    """Collects what a file imports, and when."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self.when = "first"

    def _during(self, when: str, nodes: list[ast.stmt]) -> None:
        before, self.when = self.when, self.when if self.when == "never" else when
        for node in nodes:
            self.visit(node)
        self.when = before

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._during("later", node.body)
        for decorator in node.decorator_list:
            self.visit(decorator)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the visitor's own way of naming

    def visit_If(self, node: ast.If) -> None:
        guarded = ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        self._during("never" if guarded else self.when, node.body)
        self._during(self.when, node.orelse)

    def visit_Import(self, node: ast.Import) -> None:
        self.found += [(alias.name, self.when) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert not node.level, "imports name the whole module"
        self.found += [(f"{node.module}.{alias.name}", self.when) for alias in node.names]

    def visit_Constant(self, node: ast.Constant) -> None:
        """Registries name functions as "module:function"."""
        if isinstance(node.value, str) and (named := re.fullmatch(r"(slth(?:\.\w+)+):\w+", node.value)):
            self.found.append((named[1], "later"))

    def visit_Call(self, node: ast.Call) -> None:
        if ast.unparse(node.func).endswith("import_module") and isinstance(node.args[0], ast.Constant):
            self.found.append((str(node.args[0].value), "later"))
        self.generic_visit(node)


def arrows(importer: str, text: str, names: set[str]) -> set[Arrow]:
    """The imports of one file that lead to a module among ``names``."""
    visitor = _Imports()
    visitor.visit(ast.parse(text))
    found = set()
    for target, when in visitor.found:
        parent = target.rpartition(".")[0]
        for name in (target, parent):
            if name in names and name != importer:
                found.add(Arrow(importer, name, when))
                break
    return found


MODULES = modules(SOURCE)
ARROWS = {
    arrow
    for name, path in MODULES.items()
    for arrow in arrows(name, path.read_text(encoding="utf-8"), set(MODULES))
}  # fmt: skip
RUNNING = {arrow[:2] for arrow in ARROWS if arrow.when != "never"}


def floors() -> dict[str, int]:
    """Package to the number of its floor, as the first contract has it: 0 for the ground."""
    contract = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
    assert contract["type"] == "layers"
    return {
        name.strip(" ()"): floor
        for floor, layer in enumerate(reversed(contract["layers"]))
        for name in layer.split("|")
    }  # fmt: skip


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def circle(edges: set[tuple[str, str]]) -> list[str]:
    """Modules that lead back to the first of them; empty where there is no such."""
    graph: dict[str, set[str]] = {}
    for importer, imported in edges:
        graph.setdefault(importer, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []


def climbs(importer: str, imported: str, levels: dict[str, int]) -> bool:
    """Whether an import leads up, or across to a neighbour."""
    return room(importer) != room(imported) and levels[room(importer)] <= levels[room(imported)]


def test_every_module_stands_on_a_floor():
    assert {room(name) for name in MODULES} - ABOVE_ALL - set(floors()) == set()


def test_arrows_point_down_also_the_lazy_ones():
    levels = floors()
    up = {edge for edge in RUNNING if not ABOVE_ALL & set(edge) and climbs(*edge, levels)}
    assert up == set()


def test_names_for_the_type_checker_come_from_below_too():
    levels = floors()
    typed = {arrow[:2] for arrow in ARROWS if arrow.when == "never" and arrow.importer != "slth"}
    assert {edge for edge in typed if climbs(*edge, levels)} == set()


def test_no_import_leads_back_to_where_it_came_from():
    assert circle(RUNNING) == []


def test_the_server_of_tensors_knows_what_pursuits_ask_and_nothing_above():
    room = "slth.subset_sum."
    needed = {arrow.imported for arrow in ARROWS if arrow.importer == f"{room}tensor_server" and arrow.when != "never"}
    assert {name for name in needed if name.startswith(room)} == {f"{room}places", f"{room}pursuit_steps"}


def test_imports_are_found_wherever_they_are_written():
    text = """
import slth.a
from slth import b
from slth.c import d, name
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from slth.e import name
else:
    import slth.f
class Noun:
    def method(self):
        import slth.g
        if TYPE_CHECKING:
            import slth.h
        async def inner():
            from slth.i.j import name
try:
    import slth.k
except ImportError:
    import outside
REGISTRY = {"key": "slth.l:function", "other": "a slth.m:function"}
import_module("slth.n")
"""
    names = {f"slth.{name}" for name in ("a", "b", "c", "c.d", "e", "f", "g", "h", "i", "i.j", "k", "l", "m", "n")}
    found = {(arrow.imported.removeprefix("slth."), arrow.when) for arrow in arrows("slth.z", text, names)}
    first = {(name, "first") for name in ("a", "b", "c", "c.d", "f", "k")}
    assert found == first | {("e", "never"), ("h", "never")} | {(name, "later") for name in ("g", "i.j", "l", "n")}


def test_circles_are_found():
    assert circle({("a", "b"), ("b", "c"), ("a", "c")}) == []
    assert sorted(circle({("a", "b"), ("b", "c"), ("c", "b")})[1:]) == ["b", "c"]
