"""Pictures and pages of what was computed: matplotlib and jinja2 are loaded here alone."""
