"""The catalogue of bounds: a page for each family, made from the bounds themselves."""

from __future__ import annotations

import inspect
from importlib import import_module

from making.formulas import formula_latex, formula_source, with_signs
from making.markup import cell, plain

from slth.theory import Bound, bounds
from slth.theory.catalogue import DERIVED, FAMILIES

INTRODUCTION = """# Catalogue of bounds

{count} bounds, as `slth bound ls` lists them. `slth bound show KEY` prints what stands here, and `slth bound eval KEY`,
or `slth.bounds[KEY](...)`, evaluates one. Logarithms whose base a paper leaves open are taken to the base e.

**Provenance**: *found* in the paper or a public reading of it; *recalled*, which means unverified against the paper;
*derived* in this project. A bound with a **constant** is an O(.) result, whose factor nobody knows: it wants one said.
"""


def bound_pages() -> dict[str, str]:
    """Pages by their paths: an index, and one for each family."""
    keys = {name: [key for key in bounds if bounds.family(key) == name] for name in FAMILIES}
    pages = {f"bounds/{name}.md": _family_page(name, keys[name]) for name in FAMILIES}
    return {"bounds/index.md": _index(keys), **pages}


def _index(keys: dict[str, list[str]]) -> str:
    lines = [INTRODUCTION.format(count=len(bounds))]
    for name, known in keys.items():
        lines += [f"## {_title(name)}", "", "| bound | says | direction | provenance |", "| --- | --- | --- | --- |"]
        for key in known:
            bound = bounds[key]
            provenance = "recalled, unverified" if bound.provenance == "recalled" else bound.provenance
            lines.append(
                f"| [{key}]({name}.md#{anchor(key)}) | {cell(bound.title)} | {bound.direction} | {provenance} |"
            )
        lines.append("")
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", *FAMILIES, "```", ""])


def _family_page(name: str, keys: list[str]) -> str:
    module = import_module(f"slth.theory.derived.{name}" if name in DERIVED else f"slth.theory.{name}")
    said = " ".join((inspect.getdoc(module) or "").split())
    return "\n".join([f"# {_title(name)}", "", plain(said), "", *(_section(bounds[key]) for key in keys)])


def _section(bound: Bound) -> str:
    facts = {
        "from": bound.citation,
        "says": with_signs(bound.statement),
        "gives": bound.quantity,
        "direction": bound.direction,
        "provenance": bound.provenance_text,
        "assumes": "; ".join(with_signs(one.words) for one in bound.assumptions) or "nothing",
        "constant": bound.constant and f"unspecified; it multiplies {with_signs(bound.constant)}",
        "solved": bound.implicit and "numerically: the value stands on both sides, or is the smallest that fits",
        "rounded": bound.count and "up to a whole number",
        "remark": with_signs(bound.remark),
    }
    lines = [f"({anchor(bound.key)})=", f"## {bound.key}", "", f"{plain(bound.title)}.", ""]
    typeset = ("says", "assumes", "constant", "remark")
    lines += [f"- **{name}**: {text if name in typeset else plain(text)}" for name, text in facts.items() if text]
    lines += ["", "| argument | is | range | default |", "| --- | --- | --- | --- |"]
    for name, given in bound.parameters.items():
        shown = "" if given.default is None else f"{given.default:g}"
        lines.append(f"| `{name}` | {cell(given.meaning)} | {given.range_text()}{', whole' * given.whole} | {shown} |")
    if bound.constant is not None:
        lines.append("| `constant` | C, which nobody knows: 1 shows the shape | (0, inf) | |")
    mathematics = formula_latex(bound)
    if mathematics is not None:
        lines += ["", "The formula:", "", "```{math}", "\n\n".join(mathematics), "```"]
    return "\n".join([*lines, "", "As it is evaluated:", "", "```python", formula_source(bound), "```", ""])


def anchor(key: str) -> str:
    """The name by which a link finds a bound."""
    return "bound-" + key.replace(".", "-").replace("_", "-")


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
