"""The reference of the exported names: a page for each module that exports some, from the docstrings."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterable
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

import slth

SIGNS = re.compile(r"(?<=[\[ ])\*(?=\w+\])|\|")
"""The star of a shape, and bars: outside code they would begin emphasis or a substitution."""

INTRODUCTION = """API
===

What a package exports stands in its ``__all__``, and is all that later versions keep to. What ``slth`` itself offers is
loaded from these packages when it is first used: ``slth.solve`` is ``slth.subset_sum.solve``.
"""


def api_pages() -> dict[str, str]:
    """Pages of the reference by their paths."""
    modules = exporting_modules()
    pages = {f"api/{name}.rst": _module_page(name, names) for name, names in modules.items()}
    return {"api/index.rst": _index(modules), **pages}


def exporting_modules() -> dict[str, list[str]]:
    """Exported names of each module: of every package its ``__all__``, of others what only ``slth`` exports."""
    packages = [f"slth.{one.name}" for one in pkgutil.iter_modules(slth.__path__) if one.ispkg]
    exported = {name: [*getattr(import_module(name), "__all__", ())] for name in packages}
    for name in set(slth.__all__) - {"__version__"}:
        value = getattr(slth, name)
        if not any(name in exported[one] and getattr(import_module(one), name) is value for one in packages):
            exported.setdefault(home_of(name), []).append(name)
    return {name: sorted(names, key=str.lower) for name, names in sorted(exported.items()) if names}


def home_of(name: str) -> str:
    """The module that ``slth`` takes a name from.

    >>> home_of("describe")
    'slth.api'
    """
    return next(home for home, names in slth._NAMES.items() if name in names)


def places() -> dict[str, str]:
    """Where the reference describes what is called by another name: ``slth.solve`` is ``slth.subset_sum.solve``."""
    modules = exporting_modules()
    return {
        f"slth.{name}": f"{home}.{name}"
        for name in slth.__all__
        for home, names in modules.items()
        if name in names and getattr(import_module(home), name) is getattr(slth, name)
    }


def first_paragraph(value: Any) -> str:
    """What a value is, in the first words of its docstring, where that is its own.

    >>> first_paragraph(slth.load_ticket)
    'Read a ticket and check that it is whole and that its weights regenerate bit for bit. Nothing is executed.'
    """
    text = inspect.getdoc(value) or "" if inspect.isclass(value) or inspect.isroutine(value) else ""
    return " ".join(text.partition("\n\n")[0].split())


def without_markup(line: str) -> str:
    r"""A line of a docstring whose shapes and absolute values are no markup; code and names of arguments stay.

    >>> print(without_markup("Arrays [n, *shape] of ``[*x]``, |a - b| each."))
    Arrays [n, \*shape] of ``[*x]``, \|a - b\| each.
    """
    if " : " in line or line.lstrip().startswith((">>>", "...")):
        return line
    pieces = re.split(r"(`+[^`]+`+)", line)
    pieces[::2] = [SIGNS.sub(r"\\\g<0>", piece) for piece in pieces[::2]]
    return "".join(pieces)


def _module_page(name: str, names: Iterable[str]) -> str:
    module = import_module(name)
    lines = [name, "=" * len(name), "", f".. automodule:: {name}", "   :no-members:", ""]
    for one in names:
        value = getattr(module, one)
        if inspect.isclass(value) or inspect.isroutine(value):
            kind = "function" if inspect.isroutine(value) else "class"
            lines += [f".. auto{kind}:: {name}.{one}", ""]
        else:
            said = value_docstring(module, one).splitlines()
            lines += [f".. py:data:: {one}", f"   :module: {name}", "", *(f"   {line}".rstrip() for line in said), ""]
    return "\n".join(lines)


def value_docstring(module: ModuleType, name: str) -> str:
    """The text below the line that gives a value its name, in the module that a package takes it from.

    >>> value_docstring(import_module("slth.theory"), "bounds").partition(";")[0]
    '``bounds["pensia2020.width"]``'
    """
    body = ast.parse(inspect.getsource(module)).body
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and any((one.asname or one.name) == name for one in statement.names):
            return value_docstring(import_module(statement.module or ""), name)
    for statement, below in pairwise(body):
        named = [*getattr(statement, "targets", ()), getattr(statement, "target", None)]
        said = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if said and any(isinstance(one, ast.Name) and one.id == name for one in named):
            return inspect.cleandoc(below.value.value)  # type: ignore[union-attr]
    return ""


def _index(modules: dict[str, list[str]]) -> str:
    lines = [INTRODUCTION, ".. list-table::", "   :header-rows: 1", "", "   * - in ``slth``", "     - is"]
    for name, place in places().items():
        lines += [f"   * - :py:obj:`{name} <{place}>`", f"     - {first_paragraph(getattr(slth, name[5:]))}"]
    return "\n".join([*lines, "", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in modules), ""])
