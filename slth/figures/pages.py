"""Pages of HTML from the templates of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from slth import __version__


def page(template: str, filters: Mapping[str, Callable[[Any], str]], /, **content: Any) -> str:
    """Fill a template; every text in it is escaped, and a name that is not given is an error."""
    loader = PackageLoader("slth.figures")
    layout = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    layout.filters |= filters
    return layout.get_template(template).render(version=__version__, **content)
