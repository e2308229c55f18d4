"""Strong tickets by score: a mask over random weights that are never trained, found by gradients of its scores."""

from slth.searches.edge_popup import EdgePopup
from slth.searches.method import SearchMethod
from slth.searches.random_source import Scale
from slth.searches.sanity import SanityChecks, sanity_checks
from slth.searches.search import RECIPE, SearchResult, search

__all__ = ["RECIPE", "EdgePopup", "SanityChecks", "Scale", "SearchMethod", "SearchResult", "sanity_checks", "search"]
