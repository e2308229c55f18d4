"""Mathematics as MathML, which browsers draw themselves: no script is fetched, by the build or by the reader."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def add_mathml(app: Any) -> None:
    """Register the renderer, for ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    """One block; where its source has several paragraphs, each is a line of its own."""
    for line in node.astext().split("\n\n"):
        translator.body.append(f'<div class="math">{tex2mathml(line, as_block=True)}</div>\n')
    raise nodes.SkipNode
