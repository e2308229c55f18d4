"""Bounds for papers: an entry of BibTeX, and the statement as a theorem in LaTeX."""

from __future__ import annotations

import re

from slth.theory.nouns import Bound

_TITLE = re.compile(r"""(?:^|,\ )(?P<quote>['"])(?P<title>.+?)(?P=quote)(?=,|;|\ |$)""", re.VERBOSE)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ARXIV = re.compile(r"\barXiv (\d{4}\.\d{4,5})\b")

_GREEK = (
    "eps", "alpha", "beta", "gamma", "delta", "eta", "kappa", "lambda", "rho", "sigma", "Omega", "pi",
)  # fmt: skip
_SIGNS = {
    "<=>": r"\Leftrightarrow", "=>": r"\Rightarrow", "<=": r"\leq", ">=": r"\geq", "||": r"\|", "<": "<", ">": ">",
    "|": "|", "->": r"\to",
}  # fmt: skip
_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}  # fmt: skip
_SYMBOL = re.compile(
    rf"""\b(?P<key>[a-z]+(?:\d{{4}}[a-z]?)?(?:\.[a-z]+_?[a-z]+)+)\b
    | (?P<sign>{"|".join(map(re.escape, sorted(_SIGNS, key=len, reverse=True)))})
    | \b(?P<function>ln|log2|exp|min|max|sup|sqrt)\b
    | (?<![A-Za-z])(?P<greek>{"|".join(_GREEK)})(?![A-Za-z])
    | (?P<raised>[\^_])(?P<what>\((?:[^()]|\([^()]*\))*\)|-?\w+\*?)
    | (?P<special>[\\~&%$#{{}}^_])""",
    re.VERBOSE,
)


def bibtex(bound: Bound) -> str:
    r"""Return an entry of BibTeX of where a bound is from, under the first part of its key.

    Authors, title, year and arXiv's number are read from the citation, which stands in the note as it is; where it has
    no title, as that of this project's own, there is the note alone.

    Parameters
    ----------
    bound : Bound

    Returns
    -------
    str

    Examples
    --------
    >>> from slth.theory import bounds
    >>> print(bibtex(bounds["yakir1996.difference"]))
    @misc{yakir1996,
      year = {1996},
      note = {Yakir, 1996, proof of a conjecture of Karmarkar and Karp},
    }
    """
    said = bound.citation
    title = _TITLE.search(said)
    fields: dict[str, str] = {}
    rest = said
    if title is not None:
        names = re.split(r", | and ", re.sub(r"^public reviews of ", "", said[: title.start()]))
        authors = [re.sub(r"\s*et al\.$", " and others", name) for name in names if name]
        fields |= {"author": " and ".join(authors)} if authors else {}
        fields["title"] = f"{{{title['title']}}}"
        rest = said[title.end() :].lstrip(",; ")
    elif said.startswith("this project"):
        fields |= {"author": "{The slth authors}", "title": "slth"}
    if years := _YEAR.findall(rest):
        fields["year"] = years[0]
    if number := _ARXIV.search(said):
        fields |= {"eprint": number[1], "archiveprefix": "arXiv"}
    fields["note"] = "; ".join(filter(None, (rest, bound.provenance_text if bound.provenance == "recalled" else "")))
    lines = [f"  {name} = {{{_escaped(value)}}}," for name, value in fields.items()]
    return "\n".join([f"@misc{{{_entry(bound)},", *lines, "}"])


def latex(bound: Bound) -> str:
    r"""Return the statement of a bound as a theorem, its assumptions before it, with the signs of its formulas typeset.

    It needs amsmath and an environment ``theorem``. Formulas are those of the catalogue, in a line of text.

    Parameters
    ----------
    bound : Bound

    Returns
    -------
    str

    Examples
    --------
    >>> from slth.theory import bounds
    >>> print(latex(bounds["malach2020.factor"]))
    \begin{theorem}[How many times wider than the target; \cite{malach2020}]
    A random network O(d\ensuremath{^{4}} l\ensuremath{^{2}}) times wider and twice as deep contains the target.
    \end{theorem}
    """
    assumed = "".join(f"Suppose that {typeset(one.words)}.\n" for one in bound.assumptions)
    source = rf"\cite{{{_entry(bound)}}}"
    if bound.provenance != "found":
        source += f"; {_escaped(bound.provenance_text)}"
    head = rf"\begin{{theorem}}[{typeset(bound.title)}; {source}]"
    return f"{head}\n{assumed}{typeset(bound.statement)}\n\\end{{theorem}}"


def typeset(text: str) -> str:
    """Typeset what of a plain text is mathematics beyond doubt: relations, functions, Greek letters, powers."""
    return _SYMBOL.sub(_symbol, text)


def _symbol(found: re.Match[str]) -> str:
    if found["special"]:
        return _SPECIAL[found["special"]]
    if found["key"]:
        return rf"\texttt{{{_escaped(found['key'])}}}"
    if found["raised"]:
        inner = found["what"]
        inner = inner[1:-1] if inner.startswith("(") else inner
        return rf"\ensuremath{{{found['raised']}{{{_inner(inner)}}}}}"
    if found["function"]:
        named = {"log2": r"\log_2", "sqrt": r"\surd"}
        return rf"\ensuremath{{{named.get(found['function'], chr(92) + found['function'])}}}"
    if found["greek"]:
        return rf"\ensuremath{{\{'varepsilon' if found['greek'] == 'eps' else found['greek']}}}"
    return rf"\ensuremath{{{_SIGNS[found['sign']]}}}"


def _inner(text: str) -> str:
    """What stands in an index or a power, which is mathematics as a whole."""
    return re.sub(r"\\ensuremath\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1 ", typeset(text)).strip()


def _escaped(text: str) -> str:
    """Return a text in which nothing but braces is an instruction."""
    return "".join(_SPECIAL.get(sign, sign) if sign not in "{}" else sign for sign in text)


def _entry(bound: Bound) -> str:
    return "slth" if bound.citation.startswith("this project") else bound.key.partition(".")[0]
