"""Pages that lie elsewhere in the repository: their text as it is, their links turned to the site's pages."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

PAGES = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
}
"""Files of the repository's root by the names of their pages."""

LINK = re.compile(r"(?<=\]\()([^)\s#]+)")
CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.MULTILINE | re.DOTALL)


def outside_pages() -> dict[str, bytes | str]:
    """Pages by their paths: those of the root, the figures with their pictures, and the tours."""
    places = {**PAGES, **_figure_places(), **_tour_places()}
    pages: dict[str, bytes | str] = {}
    for source, place in places.items():
        path = ROOT / source
        if path.suffix != ".md":
            pages[place] = path.read_bytes()
            continue
        pages[place] = with_links(path.read_text(encoding="utf-8"), source, place, places)
    for index, more in (("figures/index.md", _gallery()), ("tours/index.md", _tours_tree())):
        pages[index] = f"{pages[index]}\n{more}"
    return pages


def with_links(text: str, source: str, place: str, places: Mapping[str, str]) -> str:
    """The text of a file at ``source`` for a page at ``place``: every link of a file in the repository is the page's.

    >>> with_links("[a](../x.md), [b](https://b.org), `bounds[c](../x.md)`", "docs/y.md", "y.md", {"x.md": "z/x.md"})
    '[a](z/x.md), [b](https://b.org), `bounds[c](../x.md)`'
    """
    here = Path("docs/made", place).parent

    def page(match: re.Match[str]) -> str:
        target = match[1]
        if "://" in target:
            return target
        wanted = os.path.normpath(Path(source).parent / target)
        return os.path.relpath(Path("docs/made", places[wanted]) if wanted in places else wanted, here)

    parts = CODE.split(text)
    parts[::2] = [LINK.sub(page, words) for words in parts[::2]]
    return "".join(parts)


def figure_names() -> list[str]:
    """Names of the paper's figures, in the order of their list."""
    return re.findall(r"^\| \[(\w+)\]", (ROOT / "paper_figures/README.md").read_text(encoding="utf-8"), re.MULTILINE)


def _figure_places() -> dict[str, str]:
    places = {"paper_figures/README.md": "figures/index.md"}
    for name in figure_names():
        places[f"paper_figures/{name}/README.md"] = f"figures/{name}.md"
        places[f"paper_figures/{name}/{name}.png"] = f"figures/{name}.png"
    return places


def _tour_places() -> dict[str, str]:
    tours = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return {"notebooks/README.md": "tours/index.md"} | {f"notebooks/{one.name}": f"tours/{one.name}" for one in tours}


def _gallery() -> str:
    """All pictures, each of which leads to its page, and the tree of the pages."""
    pictures = [f"[![{name}]({name}.png)]({name}.md)" for name in figure_names()]
    return "\n".join(["## Pictures", "", *(f"{one}\n" for one in pictures), _tree(figure_names())])


def _tours_tree() -> str:
    return _tree([Path(place).stem for place in _tour_places().values() if place.endswith(".ipynb")])


def _tree(names: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", "", *names, "```", ""])
