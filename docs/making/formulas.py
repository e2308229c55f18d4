"""Formulas of bounds in LaTeX, made from the Python that evaluates them, and statements with their signs typeset."""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping

from making.markup import plain

from slth.theory import Bound
from slth.theory.citing import typeset

_GREEK = ("alpha", "beta", "gamma", "delta", "eta", "kappa", "lambda", "rho", "sigma", "theta", "tau", "mu", "pi")
_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Lt: "<", ast.LtE: r"\leq", ast.Gt: ">", ast.GtE: r"\geq", ast.Eq: "=",
    ast.NotEq: r"\neq",
}  # fmt: skip
_SUM, _MINUS, _PRODUCT, _POWER, _ATOM = range(5)
"""How tightly the outermost operation of a formula binds; a product that begins with a minus less than others."""

Typeset = tuple[str, int]


class _OutsideError(Exception):
    """A formula is a program: a loop, a solver, a branch."""


def formula_source(bound: Bound) -> str:
    """The body of a bound's formula as Python, without its docstring.

    >>> from slth.theory import bounds
    >>> formula_source(bounds["pensia2020.width"]).startswith("return")
    True
    """
    return "\n".join(ast.unparse(part) for part in _body(bound))


def formula_latex(bound: Bound) -> list[str] | None:
    r"""The formula as lines of LaTeX, the last of them its value; None where it is no formula but a program.

    >>> from slth.theory import bounds
    >>> formula_latex(bounds["pensia2020.layer.width"])
    ['C \\, d_{\\mathrm{in}} \\, \\ln\\left(\\frac{2 \\, d_{\\mathrm{in}} \\, d_{\\mathrm{out}}}{\\varepsilon}\\right)']
    """
    named = _Named(inspect.getmodule(bound.formula).__dict__)  # type: ignore[union-attr]
    *before, last = map(named.visit, _body(bound))
    try:
        lines = [_assigned(part) for part in before]
        if not isinstance(last, ast.Return) or last.value is None:
            return None
        return [*lines, _latex(last.value)[0]]
    except _OutsideError:
        return None


def with_signs(text: str) -> str:
    r"""A plain text for a page, whose relations, Greek letters, indices and powers are mathematics.

    >>> print(with_signs("n >= d_(i-1)^2, eps_0 [a]"))
    n {math}`\geq` {math}`d_{i-1}^{2}`, {math}`\varepsilon_{0}` \[a\]
    """
    parts, end = [], 0
    ready = typeset(text)
    for found in _MATHEMATICS.finditer(ready):
        parts += [_text(ready[end : found.start()]), _signs(found)]
        end = found.end()
    return "".join([*parts, _text(ready[end:])])


_MATHEMATICS = re.compile(
    r"(?P<base>(?<![A-Za-z0-9])[A-Za-z0-9]+(?=\\ensuremath\{[_^]))?"
    r"(?P<signs>(?:\\ensuremath\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})+)"
)


def _signs(found: re.Match[str]) -> str:
    """Neighbours as one formula: what is raised stands at the letter before it."""
    inner = re.split(r"\}?\\ensuremath\{", found["signs"])[1:]
    joined = " ".join([*inner[:-1], inner[-1][:-1]]).replace(" _", "_").replace(" ^", "^")
    base = found["base"] or ("{}" if joined[0] in "_^" else "")
    base = rf"\mathrm{{{base}}}" if base.isalpha() and len(base) > 1 else base
    return f"{{math}}`{base}{joined}`"


def _text(escaped: str) -> str:
    """Text of LaTeX as that of a page."""
    for name, sign in (("circum", "^"), ("tilde", "~")):
        escaped = escaped.replace(rf"\textascii{name}{{}}", sign)
    bare = re.sub(r"\\texttt\{((?:[^{}\\]|\\.)*)\}", r"\1", escaped)
    return plain(re.sub(r"\\([&%$#_{}])", r"\1", bare))


def _body(bound: Bound) -> list[ast.stmt]:
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(bound.formula))).body
    body = function.body  # type: ignore[attr-defined]
    return body[isinstance(body[0], ast.Expr) :]


class _Named(ast.NodeTransformer):
    """Puts numbers in the place of a module's names for them."""

    def __init__(self, known: Mapping[str, object]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a name that is a number's."""
        number = self.known.get(node.id)
        if number == math.log(2.0):
            return ast.parse("math.log(2)", mode="eval").body
        return ast.Constant(number) if isinstance(number, int | float) else node


def _assigned(part: ast.stmt) -> str:
    match part:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return f"{name_latex(name)} = {_latex(value)[0]}"
    raise _OutsideError


def _latex(node: ast.expr) -> Typeset:
    match node:
        case ast.Constant(value=bool() | str()):
            raise _OutsideError
        case ast.Constant(value=int() | float() as number):
            return _number(number)
        case ast.Name(id=name):
            return name_latex(name), _ATOM
        case ast.Attribute(value=ast.Name(id="math"), attr="pi" | "e" as name):
            return {"pi": r"\pi", "e": r"\mathrm{e}"}[name], _ATOM
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_at_least(operand, _PRODUCT)}", _MINUS
        case ast.BinOp():
            return _operation(node)
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
            return f"{_latex(left)[0]} {_SIGNS[type(sign)]} {_latex(right)[0]}", _SUM
        case ast.IfExp(test=test, body=one, orelse=other):
            lines = rf"{_latex(one)[0]} & \text{{if }} {_latex(test)[0]} \\ {_latex(other)[0]} & \text{{otherwise}}"
            return rf"\begin{{cases}} {lines} \end{{cases}}", _SUM
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _call(ast.unparse(function), arguments)
    raise _OutsideError


def _operation(node: ast.BinOp) -> Typeset:
    match node.op:
        case ast.Add() | ast.Sub() as sign:
            right = _at_least(node.right, _PRODUCT if isinstance(sign, ast.Sub) else _SUM)
            return f"{_at_least(node.left, _SUM)} {_SIGNS[type(sign)]} {right}", _SUM
        case ast.Mult():
            left, right = _at_least(node.left, _MINUS), _at_least(node.right, _PRODUCT)
            return f"{left} {_times(right)} {right}", _MINUS if left[0] == "-" else _PRODUCT
        case ast.Div():
            above, tightness = _latex(node.left)
            minus = "-" if tightness == _MINUS else ""
            quotient = rf"{minus}\frac{{{above.removeprefix(minus)}}}{{{_latex(node.right)[0]}}}"
            return quotient, _MINUS if minus else _PRODUCT
        case ast.Pow():
            return f"{_at_least(node.left, _ATOM)}^{{{_latex(node.right)[0]}}}", _POWER
    raise _OutsideError


def _times(right: str) -> str:
    """Two digits in a row would be another number."""
    return r"\cdot" if right[0].isdigit() else r"\,"


def _call(name: str, arguments: list[ast.expr]) -> Typeset:
    if name in ("float", "int") and len(arguments) == 1:
        return _latex(arguments[0])
    shown = [_latex(each)[0] for each in arguments]
    if name in _CALLS and len(arguments) == _CALLS[name][0]:
        _, made, tightness = _CALLS[name]
        return made(*shown), tightness
    if name in ("min", "max"):
        return rf"\{name}\left({', '.join(shown)}\right)", _ATOM
    raise _OutsideError


def _added(text: str) -> str:
    return f"- {text[1:]}" if text[0] == "-" else f"+ {text}"


def _function(name: str) -> Callable[[str], str]:
    return lambda inside: rf"{name}\left({inside}\right)"


_CALLS: dict[str, tuple[int, Callable[..., str], int]] = {
    "math.log": (1, _function(r"\ln"), _PRODUCT),
    "math.log2": (1, _function(r"\log_{2}"), _PRODUCT),
    "math.log10": (1, _function(r"\log_{10}"), _PRODUCT),
    "math.log1p": (1, lambda inside: rf"\ln\left(1 {_added(inside)}\right)", _PRODUCT),
    "math.exp2": (1, lambda inside: rf"2^{{{inside}}}", _POWER),
    "math.exp": (1, _function(r"\exp"), _PRODUCT),
    "math.expm1": (1, lambda inside: rf"\exp\left({inside}\right) - 1", _SUM),
    "binary_entropy": (1, _function("H_{2}"), _PRODUCT),
    "math.lgamma": (1, _function(r"\ln\Gamma"), _PRODUCT),
    "math.gamma": (1, _function(r"\Gamma"), _PRODUCT),
    "math.erf": (1, _function(r"\mathrm{erf}"), _PRODUCT),
    "math.erfc": (1, _function(r"\mathrm{erfc}"), _PRODUCT),
    "math.tanh": (1, _function(r"\tanh"), _PRODUCT),
    "math.sqrt": (1, lambda inside: rf"\sqrt{{{inside}}}", _ATOM),
    "math.ceil": (1, lambda inside: rf"\left\lceil {inside} \right\rceil", _ATOM),
    "math.floor": (1, lambda inside: rf"\left\lfloor {inside} \right\rfloor", _ATOM),
    "math.fabs": (1, lambda inside: rf"\left| {inside} \right|", _ATOM),
    "abs": (1, lambda inside: rf"\left| {inside} \right|", _ATOM),
    "math.factorial": (1, lambda inside: rf"\left({inside}\right)!", _ATOM),
    "math.comb": (2, lambda n, k: rf"\binom{{{n}}}{{{k}}}", _ATOM),
    "math.pow": (2, lambda base, power: rf"\left({base}\right)^{{{power}}}", _POWER),
}
"""Functions by their names in Python: how many arguments they take, how they are written, how tightly that binds."""


def _at_least(node: ast.expr, tightness: int) -> str:
    text, own = _latex(node)
    return text if own >= tightness else rf"\left({text}\right)"


def _number(number: float) -> Typeset:
    text = f"{number:g}"
    if float(text) != number:
        text = repr(number)
    digits, _, exponent = text.partition("e")
    if not exponent:
        return text, _ATOM
    power = f"10^{{{int(exponent)}}}"
    return (power, _POWER) if digits == "1" else (rf"{digits} \cdot {power}", _PRODUCT)


def name_latex(name: str) -> str:
    """One letter as it is, Greek ones by their names, words upright; what follows a first underscore is an index."""
    first, _, index = name.strip("_").partition("_")
    shown = {"constant": "C", "eps": r"\varepsilon"}.get(first)
    if shown is None:
        shown = rf"\{first}" if first in _GREEK else first if len(first) == 1 else rf"\mathrm{{{first}}}"
    words = " ".join(index.split("_"))
    return rf"{shown}_{{\mathrm{{{words}}}}}".replace(" ", r"\ ") if index else shown
