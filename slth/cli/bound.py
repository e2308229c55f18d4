"""``slth bound ls``, ``show``, ``eval`` and ``cite``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_unclaimed
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, key_value_table, table_of
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.theory import Bound

Key = Annotated[str, Parameter(help="As `slth bound ls` lists it, or your own as package.module:name.")]
SOLVED = "the value is found numerically: it stands on both sides, or is the smallest that fits"


def ls(
    word: Annotated[str | None, Parameter(help="Only those that say it somewhere, be it in an argument.")] = None,
    /,
    *,
    family: Annotated[str | None, Parameter(help="Only those of one family, or of one paper as dacunha2022.")] = None,
    common: Common = COMMON,
) -> Outcome:
    """All bounds, or those that say a word: what each is about and how well it is known."""
    from slth.theory import bounds
    from slth.theory.catalogue import FAMILIES

    papers = sorted({key.partition(".")[0] for key in bounds})
    if family is not None and family not in {*FAMILIES, *papers}:
        raise ArgumentError("family", family, "is not known", f"choose from {', '.join([*FAMILIES, *papers])}")
    rows = [
        {"key": key, "family": bounds.family(key), **_in_short(bound)}
        for key, bound in bounds.items()
        if family in {None, bounds.family(key), key.partition(".")[0]} and (word is None or _says(bound, word))
    ]
    if not rows and word is not None:
        raise ArgumentError("WORD", word, "is said by no bound", "leave it out to list all")

    def show() -> list[RenderableType]:
        known = {"recalled": "unverified", "found": "found", "derived": "derived"}
        lines = ((row["key"], row["title"], f"{row['direction']}, {known[row['provenance']]}") for row in rows)
        return [table_of(lines, ("bound", "says", "is"), whole=("bound",))]

    return Outcome("bound ls", common, {"bounds": rows}, show)


def _says(bound: Bound, word: str) -> bool:
    """Whether a bound has all parts of a text somewhere, in any case."""
    meanings = [f"{name} {given.meaning}" for name, given in bound.parameters.items()]
    assumed = [one.words for one in bound.assumptions]
    texts = (bound.key, bound.title, bound.citation, bound.statement, bound.quantity, bound.remark, *meanings, *assumed)
    said = " ".join(texts).casefold()
    return all(part in said for part in word.casefold().split())


def show(key: Key, /, *, common: Common = COMMON) -> Outcome:
    """What one bound says, assumes and takes."""
    from slth.theory import bounds

    bound = bounds[key]
    command = claim("show", {"": key}, common)
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
        "command": command,
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


def cite(key: Key, /, *, common: Common = COMMON) -> Outcome:
    """One bound for a paper: its BibTeX entry, and its statement as a theorem in LaTeX."""
    from slth.theory import bounds
    from slth.theory.citing import bibtex, latex

    entry, theorem = bibtex(bounds[key]), latex(bounds[key])
    data = {"key": key, "bibtex": entry, "latex": theorem, "command": claim("cite", {"": key}, common)}
    return Outcome("bound cite", common, data, lambda: [entry, "", theorem])


def evaluate(key: Key, /, *, common: Common = COMMON, **arguments: str) -> Outcome:
    """The value of one bound, with what must be said beside it; several numbers with commas give a table.

    Parameters
    ----------
    arguments
        Those of the bound, as --eps 0.01 --n 10,20,30; `slth bound show KEY` lists them. O(.) results need --constant.
    """
    from slth.theory import bounds

    bound = bounds[key]
    command = claim("eval", {"": key, **arguments}, common)
    given = {name.replace("-", "_"): _numbers(name, text) for name, text in arguments.items()}
    several = [name for name, numbers in given.items() if len(numbers) > 1]
    found = [bound.evaluate(**dict(zip(given, chosen, strict=True))) for chosen in product(*given.values())]
    first = found[0]
    values = [int(one.value) if bound.count else one.value for one in found]
    rows = [
        {**{name: one.arguments.get(name, one.constant) for name in several}, "value": value}
        for one, value in zip(found, values, strict=True)
    ]
    data: dict[str, Any] = {
        "key": key,
        **({"values": rows} if several else {"value": values[0]}),
        "quantity": bound.quantity,
        "direction": bound.direction,
        "arguments": {name: number for name, number in first.arguments.items() if name not in several},
        "constant": None if "constant" in several else first.constant,
        "assumptions": list(first.assumptions),
        "provenance": first.provenance,
        "implicit": first.implicit,
        "command": command,
    }

    def view() -> list[RenderableType]:
        facts: dict[str, Any] = {} if several else {"value": values[0]}
        facts |= {"quantity": bound.quantity, "direction": bound.direction, "says": bound.statement}
        facts["arguments"] = ", ".join(f"{name} = {number:g}" for name, number in data["arguments"].items()) or "none"
        facts["assumes"] = "; ".join(first.assumptions) or "nothing"
        if data["constant"] is not None:
            facts["constant"] = f"C = {first.constant:g} assumed: the factor of {bound.constant} is unspecified"
        facts |= {"solved": "numerically"} if first.implicit else {}
        facts["provenance"] = first.provenance
        table: list[RenderableType] = []
        if several:
            table = [table_of((row.values() for row in rows), (*several, "value")), ""]
        return [*table, key_value_table(facts, title=key)]

    return Outcome("bound eval", common, data, view)


def claim(verb: str, given: Mapping[str, object], common: Common) -> str:
    """Return what to type to make the same again; a folder for it that holds what another command made is refused."""
    words = [f"--{name.replace('_', '-')}={value}" if name else str(value) for name, value in given.items()]
    command = shlex.join(["slth", "bound", verb, *words, "--seed", str(common.seed)])
    if common.out is not None:
        check_unclaimed(common.out, command)
    return command


def _numbers(name: str, text: str) -> list[float]:
    """One number, or several with commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        remedy = "write a number, or several with commas"
        raise ArgumentError(name.replace("-", "_"), text, "is no number", remedy) from None


def _constant(bound: Bound) -> str:
    """What is known of the factor; a formula without one may still stand on something unspecified."""
    if bound.constant is not None:
        return f"unspecified factor C of {bound.constant}"
    return f"takes none; {bound.caveat}" if bound.caveat else "explicit"


def _in_short(bound: Bound) -> dict[str, Any]:
    return {name: getattr(bound, name) for name in ("title", "direction", "provenance", "provenance_text")}
