"""How Sphinx builds the site: ``make docs``; no page needs the network, neither to be built nor to be read."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import slth  # noqa: E402

project = "slth"
author = "The slth authors"
project_copyright = author
release = version = slth.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "making.extension"]
exclude_patterns = ["making", "static"]

# Notebooks are shown as they are stored: a build trains nothing.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

# A docstring says its types itself; signatures stay short.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False
nitpick_ignore_regex = [(r"py:.*", r"(?!slth\.).*")]
nitpick_ignore = [("py:func", "slth.certificates.tolerances.within")]

html_math_renderer = "mathml"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"slth {release}"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
