"""``slth bound ls``, ``slth bound show`` and ``slth bound eval``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, key_value_table, table_of
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.theory import Bound

SOLVED = "the value is found numerically: it stands on both sides, or is the smallest that fits"


def ls(*, family: str | None = None, common: Common = COMMON) -> Outcome:
    """All bounds: what each is about and how well it is known."""
    from slth.theory import bounds
    from slth.theory.catalogue import FAMILIES

    papers = sorted({key.partition(".")[0] for key in bounds})
    if family is not None and family not in {*FAMILIES, *papers}:
        raise ArgumentError("family", family, "is not known", f"choose from {', '.join([*FAMILIES, *papers])}")
    rows = [
        {"key": key, "family": bounds.family(key), **_in_short(bound)}
        for key, bound in bounds.items()
        if family in {None, bounds.family(key), key.partition(".")[0]}
    ]

    def show() -> list[RenderableType]:
        headings = ("bound", "family", "says", "direction", "provenance")
        known = {"recalled": "recalled, unverified"}
        lines = ([row[key] for key in ("key", "family", "title", "direction", "provenance")] for row in rows)
        return [table_of(((*line[:-1], known.get(line[-1], line[-1])) for line in lines), headings)]

    return Outcome("bound ls", common, {"bounds": rows}, show)


def show(key: str, /, *, common: Common = COMMON) -> Outcome:
    """What one bound says, assumes and takes."""
    from slth.theory import bounds

    bound = bounds[key]
    data = {
        "key": key,
        "family": bounds.family(key),
        **_in_short(bound),
        "citation": bound.citation,
        "statement": bound.statement,
        "remark": bound.remark,
        "quantity": bound.quantity,
        "assumptions": [assumption.words for assumption in bound.assumptions],
        "constant": bound.constant,
        "whole": bound.count,
        "implicit": bound.implicit,
        "arguments": {
            name: {
                "meaning": given.meaning,
                "range": given.range_text(),
                "whole": given.whole,
                "default": given.default,
            }
            for name, given in bound.parameters.items()
        },
    }

    def view() -> list[RenderableType]:
        facts = {name: data[name] for name in ("key", "family", "title", "citation", "statement", "quantity", "remark")}
        facts |= {"direction": bound.direction, "provenance": bound.provenance_text}
        facts |= {"assumes": "; ".join(data["assumptions"]) or "nothing", "constant": _constant(bound)}
        facts["solved"] = SOLVED if bound.implicit else None
        facts = {name: text for name, text in facts.items() if text}
        arguments = [
            (f"--{name.replace('_', '-')}", given.meaning, given.range_text() + ", whole" * given.whole,
             "-" if given.default is None else f"{given.default:g}")
            for name, given in bound.parameters.items()
        ]  # fmt: skip
        if bound.constant is not None:
            arguments.append(("--constant", "C, which nobody knows: 1 shows the shape", "(0, inf)", "-"))
        return [key_value_table(facts), "", table_of(arguments, ("argument", "is", "range", "default"))]

    return Outcome("bound show", common, data, view)


def evaluate(key: str, /, *, common: Common = COMMON, **arguments: float) -> Outcome:
    """The value of one bound, with what must be said beside it.

    Parameters
    ----------
    key
        As `slth bound ls` lists it.
    arguments
        Those of the bound, as --eps 0.01 --dimension 3; `slth bound show KEY` lists them. O(.) results need --constant.
    """
    from slth.theory import bounds

    bound = bounds[key]
    found = bound.evaluate(**{name.replace("-", "_"): value for name, value in arguments.items()})
    value = int(found.value) if bound.count else found.value
    data = {
        "key": key,
        "value": value,
        "quantity": bound.quantity,
        "direction": bound.direction,
        "arguments": dict(found.arguments),
        "constant": found.constant,
        "assumptions": list(found.assumptions),
        "provenance": found.provenance,
        "implicit": found.implicit,
    }

    def view() -> list[RenderableType]:
        facts: dict[str, Any] = {"value": value, "quantity": bound.quantity, "direction": bound.direction}
        facts["says"] = bound.statement
        facts["arguments"] = ", ".join(f"{name} = {number:g}" for name, number in found.arguments.items()) or "none"
        facts["assumes"] = "; ".join(found.assumptions) or "nothing"
        if found.constant is not None:
            facts["constant"] = f"C = {found.constant:g} assumed: the factor of {bound.constant} is unspecified"
        facts |= {"solved": "numerically"} if found.implicit else {}
        facts["provenance"] = found.provenance
        return [key_value_table(facts, title=key)]

    return Outcome("bound eval", common, data, view)


def _constant(bound: Bound) -> str:
    """What is known of the factor; a formula without one may still stand on something unspecified."""
    if bound.constant is not None:
        return f"unspecified factor C of {bound.constant}"
    return f"takes none; {bound.caveat}" if bound.caveat else "explicit"


def _in_short(bound: Bound) -> dict[str, Any]:
    return {name: getattr(bound, name) for name in ("title", "direction", "provenance", "provenance_text")}
