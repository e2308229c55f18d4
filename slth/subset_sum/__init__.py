"""Subset-sum instances, solutions with certificates, laws of the values, solvers, coverage and prediction."""

from slth.subset_sum.counting import count_solutions, counts_by_size
from slth.subset_sum.entry import solve, solve_batch
from slth.subset_sum.enumeration import Enumeration
from slth.subset_sum.halves import RandomHalves
from slth.subset_sum.instance import SubsetSumInstance
from slth.subset_sum.listing import solutions
from slth.subset_sum.solution import BatchSolution, SubsetSumSolution
from slth.subset_sum.solver import Solver, Traits
from slth.subset_sum.solvers import Differencing, FourList, Greedy, Lattice
from slth.subset_sum.status import Status
from slth.subset_sum.two_list import TwoList
from slth.subset_sum.vector import VectorTwoList
from slth.subset_sum.vector_pursuit import Pursuit

__all__ = [
    "BatchSolution",
    "Differencing",
    "Enumeration",
    "FourList",
    "Greedy",
    "Lattice",
    "Pursuit",
    "RandomHalves",
    "Solver",
    "Status",
    "SubsetSumInstance",
    "SubsetSumSolution",
    "Traits",
    "TwoList",
    "VectorTwoList",
    "count_solutions",
    "counts_by_size",
    "solutions",
    "solve",
    "solve_batch",
]
