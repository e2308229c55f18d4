"""Strong tickets by score: a mask over random weights that are never trained, and the baselines of such searches."""

from slth.networks.activations import SignActivation
from slth.searches.baseline import Baseline
from slth.searches.baselines import prune
from slth.searches.bernoulli import Bernoulli
from slth.searches.biprop import Biprop
from slth.searches.concrete import Concrete
from slth.searches.connected import MiCA
from slth.searches.criteria import SNIP, Criterion, GraSP, Magnitude, Random, SynFlow
from slth.searches.edge_popup import Annealing, EdgePopup
from slth.searches.evolution import Evolution
from slth.searches.fine_tuning import FineTuned, fine_tune
from slth.searches.gem_miner import GemMiner
from slth.searches.iterand import IteRand
from slth.searches.method import RECIPE, SearchMethod
from slth.searches.multicoated import Multicoated
from slth.searches.partially_frozen import PartiallyFrozen
from slth.searches.planting import Planted, Recovery, RelativeError, plant
from slth.searches.pretrained import PretrainedMasks, mask_pretrained
from slth.searches.random_source import Scale
from slth.searches.replicas import search_many
from slth.searches.sanity import SanityChecks, sanity_checks
from slth.searches.search import SearchResult, search
from slth.searches.signed import SignedSupermask
from slth.searches.slots import SlotMachine
from slth.searches.superposition import Superposition

__all__ = [
    "RECIPE",
    "SNIP",
    "Annealing",
    "Baseline",
    "Bernoulli",
    "Biprop",
    "Concrete",
    "Criterion",
    "EdgePopup",
    "Evolution",
    "FineTuned",
    "GemMiner",
    "GraSP",
    "IteRand",
    "Magnitude",
    "MiCA",
    "Multicoated",
    "PartiallyFrozen",
    "Planted",
    "PretrainedMasks",
    "Random",
    "Recovery",
    "RelativeError",
    "SanityChecks",
    "Scale",
    "SearchMethod",
    "SearchResult",
    "SignActivation",
    "SignedSupermask",
    "SlotMachine",
    "Superposition",
    "SynFlow",
    "fine_tune",
    "mask_pretrained",
    "plant",
    "prune",
    "sanity_checks",
    "search",
    "search_many",
]
