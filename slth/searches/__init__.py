"""Strong tickets by score: a mask over random weights that are never trained, and the baselines of such searches."""

from slth.searches.baseline import Baseline
from slth.searches.baselines import prune
from slth.searches.bernoulli import Bernoulli
from slth.searches.concrete import Concrete
from slth.searches.connected import MiCA
from slth.searches.criteria import SNIP, Criterion, GraSP, Magnitude, Random, SynFlow
from slth.searches.edge_popup import EdgePopup
from slth.searches.evolution import Evolution
from slth.searches.fine_tuning import FineTuned, fine_tune
from slth.searches.gem_miner import GemMiner
from slth.searches.method import RECIPE, SearchMethod
from slth.searches.random_source import Scale
from slth.searches.sanity import SanityChecks, sanity_checks
from slth.searches.search import SearchResult, search

__all__ = [
    "RECIPE",
    "SNIP",
    "Baseline",
    "Bernoulli",
    "Concrete",
    "Criterion",
    "EdgePopup",
    "Evolution",
    "FineTuned",
    "GemMiner",
    "GraSP",
    "Magnitude",
    "MiCA",
    "Random",
    "SanityChecks",
    "Scale",
    "SearchMethod",
    "SearchResult",
    "SynFlow",
    "fine_tune",
    "prune",
    "sanity_checks",
    "search",
]
