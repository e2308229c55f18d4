"""The Sphinx extension that writes the pages made from the code and from files that lie elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from making.api import api_pages, places, without_markup
from making.bounds import bound_pages
from making.folder import write_pages
from making.mathematics import add_mathml
from making.outside import outside_pages
from making.verbs import verb_pages


def setup(app: Any) -> dict[str, Any]:
    """Register what Sphinx calls."""
    add_mathml(app)
    app.connect("builder-inited", _write)
    app.connect("autodoc-process-docstring", _plain_signs, priority=400)  # before numpydoc's sections become lists
    app.connect("missing-reference", _by_another_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write(app: Any) -> None:
    """Write all pages that are made."""
    write_pages(Path(app.srcdir) / "made", {**api_pages(), **bound_pages(), **outside_pages(), **verb_pages()})


def _plain_signs(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Let no sign of mathematics in a docstring be markup."""
    lines[:] = map(without_markup, lines)


def _by_another_name(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Resolve ``slth.solve``, which the reference describes as ``slth.subset_sum.solve``."""
    target = places().get(node.get("reftarget", ""))
    if node.get("refdomain") != "py" or target is None:
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, content)
