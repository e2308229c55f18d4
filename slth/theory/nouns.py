"""What a bound of the literature is: a formula with its citation, its assumptions, and how well it is known."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats, ReadOnly
from slth.errors import ArgumentError, ResourceError
from slth.theory.parameters import Number, Parameter

Direction: TypeAlias = Literal["sufficient", "necessary", "identity", "estimate"]
Provenance: TypeAlias = Literal["found", "recalled", "derived"]

CONSTANT = "constant"
"""The argument that an O(.) result needs."""

_WORDS: dict[Provenance, str] = {
    "found": "found in the paper or a public reading of it",
    "recalled": "recalled, unverified against the paper",
    "derived": "derived in this project, not from a paper",
}


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """What must hold for the bound to say anything: words, and, where numbers decide it, a test of the arguments."""

    words: str
    holds: Callable[[Mapping[str, Number]], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class BoundValue:
    """One evaluation of a bound: the number and all that must be said beside it."""

    key: str
    value: float
    arguments: Mapping[str, Number]
    constant: float | None
    assumptions: tuple[str, ...]
    provenance: str
    implicit: bool

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        """The value with all that must be said beside it, on one line."""
        shown = _shown(self.arguments)
        assumed = "" if self.constant is None else f", C = {self.constant:g} assumed"
        solved = ", an equation solved" if self.implicit else ""
        return f"{self.key}({shown}) = {self.value:g} [{self.provenance}{assumed}{solved}]"


@dataclass(frozen=True, kw_only=True)
class Bound:
    r"""One result of the literature as a function; :func:`slth.theory.bound` makes one of a formula with annotations.

    Parameters
    ----------
    key : str
        Unique name, as "pensia2020.width".
    title : str
        One line for lists.
    citation : str
        Authors, title or venue, year, theorem or section.
    statement : str
        What it says, in plain ASCII formulas.
    quantity : str
        What the number is, with its unit: "candidates for one weight", "hidden width", "probability", "error".
    direction : {"sufficient", "necessary", "identity", "estimate"}
        Enough for what the statement claims; required for it; an equality; or a model without a proof.
    provenance : {"found", "recalled", "derived"}
        How well the statement is known.
    formula : callable
        Takes every parameter by keyword, and ``constant`` where the result is an O(.); returns a float. Called on its
        own, it checks nothing and rounds nothing up.
    parameters : mapping of Parameter
    assumptions : tuple of Assumption
    constant : str or None
        For an O(.) result, what the unspecified constant multiplies; None where all constants are explicit.
    count : bool
        Whether the value is a number of things, and so whole.
    implicit : bool
        Whether the formula solves an equation with n on both sides.
    caveat : str
        What of it is unsure, for print-outs.
    remark : str
        What else there is to say, as where it comes from.

    Raises
    ------
    ArgumentError
        On construction: a formula that does not take the parameters. On evaluation: an argument outside its range, an
        assumption that does not hold, a missing constant.
    ResourceError
        On evaluation: the value is too large for a double.

    Examples
    --------
    >>> half = slth.Bound(
    ...     key="example.half", title="half", citation="nobody", statement="y = C x / 2", quantity="nothing",
    ...     direction="identity", provenance="derived", formula=lambda x, constant: constant * x / 2,
    ...     parameters={"x": slth.theory.Parameter(meaning="a number", least=0.0, monotone=1)}, constant="x / 2",
    ... )
    >>> half
    Bound(example.half(x, constant): half)
    >>> half(x=3.0, constant=2.0)
    3.0
    >>> print(half.evaluate(x=3.0, constant=2.0))
    example.half(x = 3) = 3 [derived in this project, not from a paper, C = 2 assumed]
    >>> half.over(x=[1.0, 2.0, 3.0], constant=2.0)
    array([1., 2., 3.])
    """

    key: str
    title: str
    citation: str
    statement: str
    quantity: str
    direction: Direction
    provenance: Provenance
    formula: Callable[..., float]
    parameters: Mapping[str, Parameter]
    assumptions: tuple[Assumption, ...] = ()
    constant: str | None = None
    count: bool = False
    implicit: bool = False
    caveat: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        if CONSTANT in self.parameters:
            raise ArgumentError("parameters", CONSTANT, "is a reserved name", "describe it by the field constant")
        object.__setattr__(self, "parameters", ReadOnly(self.parameters))
        names = [*self.signature.parameters]
        try:
            inspect.signature(self.formula).bind(**dict.fromkeys(names))
        except TypeError as problem:
            rule = f"does not take the keywords {', '.join(names)} ({problem})"
            raise ArgumentError("formula", self.formula, rule, f"give {self.key} a parameter for each") from problem

    def __reduce__(self) -> Any:
        """Pickle by the name of the formula that was decorated; others by their fields."""
        name = vars(self).get("__qualname__")
        return name or (_of_fields, ({field.name: getattr(self, field.name) for field in fields(self)},))

    def __repr__(self) -> str:
        """Say which one it is and what it takes; :meth:`evaluate` and ``slth bound show`` say the rest."""
        return f"Bound({self.key}({', '.join(self.signature.parameters)}): {self.title})"

    def __call__(self, **arguments: Number) -> float:
        """Return the value alone; :meth:`evaluate` returns what must be said beside it."""
        return self.evaluate(**arguments).value

    def over(self, **arguments: ArrayLike) -> Floats:
        """Return the values for arrays of arguments, broadcast as numpy does: float64 of their common shape."""
        try:
            places = np.broadcast(*(np.asarray(value) for value in arguments.values()))
        except ValueError as problem:
            shapes = {name: list(np.shape(value)) for name, value in arguments.items()}
            rule, remedy = f"cannot be broadcast ({problem})", "give shapes that fit, as numpy's rules have it"
            raise ArgumentError("arguments", shapes, rule, remedy) from None
        values = [self(**dict(zip(arguments, map(_own, place), strict=True))) for place in places]
        return np.array(values, np.float64).reshape(places.shape)

    def evaluate(self, **arguments: Number) -> BoundValue:
        """Check the arguments and the assumptions, and evaluate the formula; errors are those that the class names."""
        checked = self._checked(arguments)
        constant = self._constant(arguments)
        for assumption in self.assumptions:
            if assumption.holds is not None and not assumption.holds(checked):
                rule = f"assumes that {assumption.words}, which does not hold for {_shown(checked)}"
                raise ArgumentError("key", self.key, rule, "it says nothing there")
        extra = {} if constant is None else {CONSTANT: constant}
        try:
            value = float(self.formula(**checked, **extra))
        except OverflowError:
            value = math.inf
        except Exception as problem:  # a formula may be anybody's
            rule = f"has a formula that fails ({type(problem).__name__}: {problem}) for {_shown({**checked, **extra})}"
            raise ArgumentError("key", self.key, rule, "mend it, or the ranges that it declares") from problem
        if not math.isfinite(value):
            rule = f"has no value that fits a double for {_shown({**checked, **extra})}"
            raise ResourceError("key", self.key, rule, "choose less extreme arguments")
        if self.count:
            value = float(math.ceil(value))  # n of at least v is, for whole n, of at least ceil(v)
        return BoundValue(
            key=self.key,
            value=value,
            arguments=checked,
            constant=constant,
            assumptions=tuple(assumption.words for assumption in self.assumptions),
            provenance=self.provenance_text,
            implicit=self.implicit,
        )

    @property
    def provenance_text(self) -> str:
        """How well the statement is known, in words."""
        return _WORDS[self.provenance] + (f"; {self.caveat}" if self.caveat else "")

    @property
    def signature(self) -> inspect.Signature:
        """The arguments by keyword, for help and completion."""
        kind = inspect.Parameter.KEYWORD_ONLY
        names = [*self.parameters, *([CONSTANT] if self.constant else [])]
        return inspect.Signature([inspect.Parameter(name, kind) for name in names])

    def _checked(self, arguments: Mapping[str, Number | None]) -> dict[str, Number]:
        """Every parameter with its value, given or by default."""
        for name, value in arguments.items():
            if name == CONSTANT and self.constant is None:
                raise ArgumentError(name, value, f"is no argument of {self.key}", "leave it out")
            if name not in self.parameters and name != CONSTANT:
                near = get_close_matches(name, self.parameters, n=1)
                known = f"it takes {', '.join(self.signature.parameters) or 'nothing'}"
                remedy = f"did you mean {near[0]}? {known}" if near else known
                raise ArgumentError(name, value, f"is no argument of {self.key}", remedy)
        wanted = {name: arguments.get(name, parameter.default) for name, parameter in self.parameters.items()}
        # What was given is judged before what was not: who mistypes one argument is told of that one.
        checked = {
            name: self.parameters[name].check(name, value) for name, value in wanted.items() if value is not None
        }
        for name, parameter in self.parameters.items():
            if name not in checked:
                remedy = f"{name} is {parameter.meaning}, in {parameter.range_text()}"
                raise ArgumentError(name, None, f"is missing for {self.key}", remedy)
        return checked

    def _constant(self, arguments: Mapping[str, Number]) -> float | None:
        if self.constant is None:
            return None
        if CONSTANT not in arguments:
            raise ArgumentError(
                CONSTANT,
                None,
                f"is missing: {self.key} is an O(.) result, and nobody knows the factor of {self.constant}",
                "give constant=1.0 to see the shape, and say that it is assumed",
            )
        return float(Parameter(meaning="the unspecified factor", above=0.0).check(CONSTANT, arguments[CONSTANT]))


def _shown(arguments: Mapping[str, Number]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in arguments.items())


def _own(value: Any) -> Any:
    """Return a number of an array as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def _of_fields(given: dict[str, Any]) -> Bound:
    return Bound(**given)
