"""Strong tickets by score: a mask over random weights that are never trained, and the baselines of such searches."""

from slth.searches.baseline import Baseline
from slth.searches.baselines import prune
from slth.searches.connected import MiCA
from slth.searches.criteria import SNIP, Criterion, GraSP, Magnitude, Random, SynFlow
from slth.searches.edge_popup import Annealing, EdgePopup
from slth.searches.evolution import Evolution
from slth.searches.iterand import IteRand
from slth.searches.method import SearchMethod
from slth.searches.random_source import Scale
from slth.searches.sanity import SanityChecks, sanity_checks
from slth.searches.search import RECIPE, SearchResult, search

__all__ = [
    "RECIPE",
    "SNIP",
    "Annealing",
    "Baseline",
    "Criterion",
    "EdgePopup",
    "Evolution",
    "GraSP",
    "IteRand",
    "Magnitude",
    "MiCA",
    "Random",
    "SanityChecks",
    "Scale",
    "SearchMethod",
    "SearchResult",
    "SynFlow",
    "prune",
    "sanity_checks",
    "search",
]
