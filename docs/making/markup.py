"""Text for pages of Markdown."""

from __future__ import annotations


def plain(text: str) -> str:
    r"""Text of which nothing is markup.

    >>> print(plain("n_k * 2 <= [a]"))
    n\_k \* 2 \<= \[a\]
    """
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>$|#~" else sign for sign in text)


def cell(text: str) -> str:
    """Text of a table's cell."""
    return plain(" ".join(text.split()))
