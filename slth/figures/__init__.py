"""Pictures and pages of what was computed: matplotlib and jinja2 are loaded here alone."""

from slth.figures.loading import load_matplotlib

load_matplotlib()  # before any module of this package asks for a part of it
