"""The decorator that makes a formula a bound: its annotations are the parameters, its docstring is what it says."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_type_hints

from slth.errors import ArgumentError
from slth.theory.nouns import CONSTANT, Assumption, Bound, Direction, Provenance
from slth.theory.parameters import Parameter


def bound(
    key: str,
    citation: str,
    *,
    quantity: str,
    provenance: Provenance,
    direction: Direction = "sufficient",
    assumes: Sequence[Assumption] = (),
    constant: str | None = None,
    count: bool = False,
    implicit: bool = False,
    caveat: str = "",
) -> Callable[[Callable[..., float]], Bound]:
    r"""Make a :class:`Bound` of the formula below it.

    The formula takes its arguments by keyword. Each is annotated by ``Annotated[float, Parameter(...)]`` or an alias of
    one, with changes behind it where a shared alias nearly fits, as ``Annotated[Width, {"most": 100}]``; a default
    stands in the signature. The first line of the docstring is the title, the paragraph below it the statement, the
    ones below that, up to the example, are the remark.

    Parameters
    ----------
    key, citation, quantity, provenance, direction, assumes, constant, count, implicit, caveat
        As :class:`Bound` says; ``assumes`` are its assumptions.

    Returns
    -------
    callable
        From the formula to the bound, under which name it stands.

    Raises
    ------
    ArgumentError
        When the formula is decorated: its docstring lacks a title or a statement, an argument lacks its parameter, or
        it takes ``constant`` without a word on what that multiplies.

    Examples
    --------
    >>> from typing import Annotated
    >>> @slth.theory.bound("example.half", "nobody", quantity="nothing", provenance="derived", constant="n / 2")
    ... def half(*, n: Annotated[int, slth.theory.whole("a number")], constant: float) -> float:
    ...     '''Half of a number.
    ...
    ...     Two of C n / 2 are C n.
    ...     '''
    ...     return constant * n / 2
    >>> half(n=3, constant=2.0)
    3.0
    >>> half.title, half.statement
    ('Half of a number', 'Two of C n / 2 are C n.')
    """

    def made(formula: Callable[..., float]) -> Bound:
        title, statement, remark = _said(key, formula)
        found = Bound(
            key=key,
            title=title,
            citation=citation,
            statement=statement,
            quantity=quantity,
            direction=direction,
            provenance=provenance,
            formula=formula,
            parameters=_parameters(key, formula),
            assumptions=tuple(assumes),
            constant=constant,
            count=count,
            implicit=implicit,
            caveat=caveat,
            remark=remark,
        )
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            object.__setattr__(found, name, getattr(formula, name))
        object.__setattr__(found, "__wrapped__", formula)  # where help, doctest and completion look
        return found

    return made


def _said(key: str, formula: Callable[..., float]) -> tuple[str, str, str]:
    """Title, statement and remark, from the docstring."""
    if sys.flags.optimize > 1:
        return key, "what it says was removed by python -OO", ""
    text = (inspect.getdoc(formula) or "").partition(">>>")[0]
    title, *rest = (" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
    if not rest:
        rule = "lacks a title or a statement in its docstring"
        raise ArgumentError("formula", formula, rule, f"give that of {key} two paragraphs above its example")
    return title.rstrip("."), rest[0], " ".join(rest[1:])


def _parameters(key: str, formula: Callable[..., float]) -> dict[str, Parameter]:
    """Every argument but the constant, from its annotation."""
    try:
        hints = get_type_hints(formula, include_extras=True)
    except (NameError, TypeError, SyntaxError) as problem:
        rule, remedy = f"has an annotation that is not there ({problem})", f"define the names of {key} in the module"
        raise ArgumentError("formula", formula, rule, remedy) from problem
    given = inspect.signature(formula).parameters
    return {name: _parameter(key, name, hints.get(name), given[name]) for name in given if name != CONSTANT}


def _parameter(key: str, name: str, hint: Any, given: inspect.Parameter) -> Parameter:
    said = getattr(hint, "__metadata__", ())
    found = next((one for one in said if isinstance(one, Parameter)), None)
    if found is None:
        remedy = f'write {name}: Annotated[float, Parameter(meaning="...")] in that of {key}'
        raise ArgumentError("formula", name, "is an argument without a Parameter in its annotation", remedy)
    for change in said:
        if isinstance(change, Mapping):
            try:
                found = replace(found, **change)
            except TypeError as problem:
                rule = f"has a change of what no Parameter has ({problem})"
                raise ArgumentError("formula", name, rule, "change its least, most, monotone and so on") from problem
    return found if given.default is given.empty else replace(found, default=given.default)
