"""Strong lottery tickets by random subset sum: solvers, constructions, certificates, portable tickets.

Everything here is loaded when it is first used: ``import slth`` costs a few milliseconds.

Examples
--------
>>> import slth
>>> slth.solve([0.5, -0.25, 0.125], 0.3, tolerance=0.1).total
0.25
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # that of typing, whose import would take longer than all the rest of this one

if TYPE_CHECKING:
    from typing import Any

    from slth.api import apply_to as apply_to
    from slth.api import attack as attack
    from slth.api import certify as certify
    from slth.api import construct as construct
    from slth.api import describe as describe
    from slth.api import to_torch as to_torch
    from slth.certificates import Certificate as Certificate
    from slth.certificates import CertificateAround as CertificateAround
    from slth.constructions import Construction as Construction
    from slth.constructions import PerWeight as PerWeight
    from slth.constructions import Shallow as Shallow
    from slth.constructions import Structured as Structured
    from slth.constructions import approximate_kernels as approximate_kernels
    from slth.constructions import approximate_weights as approximate_weights
    from slth.errors import ArgumentError as ArgumentError
    from slth.errors import ConstructionError as ConstructionError
    from slth.errors import DataError as DataError
    from slth.errors import ResourceError as ResourceError
    from slth.errors import SlthError as SlthError
    from slth.errors import TicketError as TicketError
    from slth.graphs import AdaptivePool as AdaptivePool
    from slth.graphs import Add as Add
    from slth.graphs import Attend as Attend
    from slth.graphs import Concat as Concat
    from slth.graphs import Conv as Conv
    from slth.graphs import Flatten as Flatten
    from slth.graphs import Graph as Graph
    from slth.graphs import Node as Node
    from slth.graphs import Pool as Pool
    from slth.graphs import Positions as Positions
    from slth.graphs import Rearrange as Rearrange
    from slth.graphs import Relu as Relu
    from slth.graphs import Scale as Scale
    from slth.graphs import shrink as shrink
    from slth.networks import export as export
    from slth.networks import kth_largest as kth_largest
    from slth.networks import mask as mask
    from slth.own_examples import attack_around as attack_around
    from slth.own_examples import evaluate as evaluate
    from slth.own_examples import report as report
    from slth.resources import Interrupted as Interrupted
    from slth.rng import Stream as Stream
    from slth.rng import WeightLaw as WeightLaw
    from slth.searches import EdgePopup as EdgePopup
    from slth.searches import SearchResult as SearchResult
    from slth.searches import search as search
    from slth.searches import search_many as search_many
    from slth.subset_sum import BatchSolution as BatchSolution
    from slth.subset_sum import Differencing as Differencing
    from slth.subset_sum import Enumeration as Enumeration
    from slth.subset_sum import FourList as FourList
    from slth.subset_sum import Greedy as Greedy
    from slth.subset_sum import Lattice as Lattice
    from slth.subset_sum import Pursuit as Pursuit
    from slth.subset_sum import RandomHalves as RandomHalves
    from slth.subset_sum import Status as Status
    from slth.subset_sum import SubsetSumInstance as SubsetSumInstance
    from slth.subset_sum import SubsetSumSolution as SubsetSumSolution
    from slth.subset_sum import TwoList as TwoList
    from slth.subset_sum import VectorTwoList as VectorTwoList
    from slth.subset_sum import count_solutions as count_solutions
    from slth.subset_sum import counts_by_size as counts_by_size
    from slth.subset_sum import solutions as solutions
    from slth.subset_sum import solve as solve
    from slth.subset_sum import solve_batch as solve_batch
    from slth.subset_sum.coverage import coverage as coverage
    from slth.subset_sum.laws import law_from_text as law_from_text
    from slth.subset_sum.prediction import predict_error as predict_error
    from slth.theory import Bound as Bound
    from slth.theory import bounds as bounds
    from slth.tickets import Layout as Layout
    from slth.tickets import Mask as Mask
    from slth.tickets import Pair as Pair
    from slth.tickets import RandomLayer as RandomLayer
    from slth.tickets import Ticket as Ticket
    from slth.tickets import load_ticket as load_ticket
    from slth.trainable import COLT as COLT
    from slth.trainable import DSD as DSD
    from slth.trainable import IHT as IHT
    from slth.trainable import IMP as IMP
    from slth.trainable import RobustEnsemble as RobustEnsemble
    from slth.trainable import TrainResult as TrainResult
    from slth.trainable import train as train
    from slth.trainable import train_many as train_many

__version__ = "0.2.0"

_NAMES: dict[str, tuple[str, ...]] = {
    "slth.api": (
        "apply_to",
        "attack",
        "certify",
        "construct",
        "describe",
        "to_torch",
    ),
    "slth.certificates": (
        "Certificate",
        "CertificateAround",
    ),
    "slth.constructions": (
        "Construction",
        "PerWeight",
        "Shallow",
        "Structured",
        "approximate_kernels",
        "approximate_weights",
    ),
    "slth.errors": (
        "ArgumentError",
        "ConstructionError",
        "DataError",
        "ResourceError",
        "SlthError",
        "TicketError",
    ),
    "slth.graphs": (
        "AdaptivePool",
        "Add",
        "Attend",
        "Concat",
        "Conv",
        "Flatten",
        "Graph",
        "Node",
        "Pool",
        "Positions",
        "Rearrange",
        "Relu",
        "Scale",
        "shrink",
    ),
    "slth.networks": ("export", "kth_largest", "mask"),
    "slth.own_examples": ("attack_around", "evaluate", "report"),
    "slth.resources": ("Interrupted",),
    "slth.rng": (
        "Stream",
        "WeightLaw",
    ),
    "slth.searches": (
        "EdgePopup",
        "SearchResult",
        "search",
        "search_many",
    ),
    "slth.subset_sum": (
        "BatchSolution",
        "Differencing",
        "Enumeration",
        "FourList",
        "Greedy",
        "Lattice",
        "Pursuit",
        "RandomHalves",
        "Status",
        "SubsetSumInstance",
        "SubsetSumSolution",
        "TwoList",
        "VectorTwoList",
        "count_solutions",
        "counts_by_size",
        "solutions",
        "solve",
        "solve_batch",
    ),
    "slth.subset_sum.coverage": ("coverage",),
    "slth.subset_sum.laws": ("law_from_text",),
    "slth.subset_sum.prediction": ("predict_error",),
    "slth.theory": (
        "Bound",
        "bounds",
    ),
    "slth.tickets": (
        "Layout",
        "Mask",
        "Pair",
        "RandomLayer",
        "Ticket",
        "load_ticket",
    ),
    "slth.trainable": (
        "COLT",
        "DSD",
        "IHT",
        "IMP",
        "RobustEnsemble",
        "TrainResult",
        "train",
        "train_many",
    ),
}
"""Which module holds which exported names."""

_HOMES = {name: module for module, names in _NAMES.items() for name in names}
_PACKAGES = {"studies", "training", *(module.split(".")[1] for module in _NAMES)}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"slth.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'slth' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
