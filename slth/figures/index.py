"""The page that shows all paper figures of a folder: no script, nothing loaded but the pictures beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from slth.figures.catalogue import figure_names
from slth.figures.pages import page
from slth.files import write_text
from slth.grids.provenance import PROVENANCE_NAME, TABLE_NAME

INDEX_NAME = "index.html"


@dataclass(frozen=True)
class Entry:
    """One figure of the page."""

    name: str
    title: str
    paragraph: Markup
    picture: str
    links: Mapping[str, str]


def write_index(folder: Path) -> Path:
    """Write ``index.html`` with every figure of a folder that has a picture."""
    entries = [entry_of(folder, name) for name in figure_names() if (folder / name / f"{name}.png").is_file()]
    write_text(folder / INDEX_NAME, page("figures_index.html.j2", {}, entries=entries))
    return folder / INDEX_NAME


def entry_of(folder: Path, name: str) -> Entry:
    """Give what the page says of one figure."""
    readme = folder / name / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    files = {"PDF": f"{name}.pdf", "table": TABLE_NAME, "provenance": PROVENANCE_NAME, "README": readme.name,
             "specification": "spec.toml"}  # fmt: skip
    links = {label: f"{name}/{file}" for label, file in files.items() if (folder / name / file).is_file()}
    title = next((line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")), name)
    return Entry(name, title, inline(first_paragraph(text), base=name), f"{name}/{name}.png", links)


def first_paragraph(markdown: str) -> str:
    r"""Give the first paragraph of a Markdown text that is neither a heading nor a picture nor code."""
    for block in re.split(r"\n\s*\n", markdown.strip()):
        lines = [line for line in block.splitlines() if not line.startswith(("#", "!["))]
        if lines and not lines[0].startswith(("    ", "|", "```")):
            return " ".join(line.strip() for line in lines)
    return ""


def inline(markdown: str, *, base: str) -> Markup:
    """Turn what may stand within a line of Markdown into HTML: code, links, bold."""

    def link(match: re.Match[str]) -> str:
        target = match[2] if re.match(r"[a-z]+:|#", match[2]) else f"{base}/{match[2]}"
        return f'<a href="{target}">{match[1]}</a>'

    text = str(escape(markdown))
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", link, text)
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text))
