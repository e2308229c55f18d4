"""Whatever is passed to a public function of the solvers: an answer, or an error of ours that names the argument."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
import torch

from slth.errors import ArgumentError, SlthError
from slth.subset_sum import SubsetSumInstance, TwoList, solve, solve_batch
from slth.subset_sum.coverage import coverage, coverage_growth
from slth.subset_sum.laws import law_from_text
from slth.subset_sum.prediction import predict_error, predict_errors

ARRAYS = {
    "None": None,
    "a word": "abc",
    "words": ["a", "b"],
    "bytes": b"12",
    "NaN": [1.0, math.nan],
    "infinite": [-math.inf, 1.0],
    "empty": [],
    "no columns": np.empty((3, 0)),
    "four axes": np.ones((1, 1, 1, 1)),
    "complex": [1j, 2.0],
    "objects": np.array([1.0, None], object),
    "fractions": [Fraction(1, 3), 1],
    "decimals": [Decimal("0.1"), 1],
    "ragged": [[1.0], [1.0, 2.0]],
    "a generator": (x for x in [1.0]),
    "a set": {1.0, 2.0},
    "a mapping": {"values": [1.0]},
    "a class": TwoList,
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "a record": np.array([(1.0, 2)], [("a", float), ("b", int)]),
    "masked": np.ma.masked_array([1.0, 2.0], mask=[0, 1]),
    "a sparse matrix": scipy.sparse.eye(3),
    "a sparse tensor": torch.ones(3).to_sparse(),
    "a meta tensor": torch.ones(3, device="meta"),
    "bfloat16": torch.ones(3, dtype=torch.bfloat16),
    "a tensor with a gradient": torch.ones(3, requires_grad=True),
    "2**53 + 1": [2**53 + 1, 1],
    "2**53 + 1 beside a half": [2**53 + 1, 0.5],
    "2**53 + 1 in uint64": np.array([2**53 + 1], np.uint64),
    "2**53 + 1 in an object": np.array([2**53 + 1, 2.5], object),
    "2**53 + 1 in a tensor": torch.tensor([2**53 + 1, 1]),
    "2**53 + 1 in tensors": [torch.tensor(2**53 + 1), torch.tensor(0.5)],
    "2**63 + 1 beside -4": [2**63 + 1, -4],
    "2**1100": [2**1100, 1],
    "a third in 64 digits": np.array([1, 3], np.longdouble) / 3,
    "too large in all": [1.7e308, 1.7e308],
}
NUMBERS = {
    **{name: ARRAYS[name] for name in ("None", "a word", "bytes", "a set", "a mapping", "a class", "four axes")},
    "NaN": math.nan,
    "infinite": math.inf,
    "complex": 1j,
    "2**53 + 1": 2**53 + 1,
    "two numbers": [1.0, 2.0],
    "a meta number": torch.ones((), device="meta"),
}
VALUES = {
    "solve": lambda x: solve(x, 1.0),
    "solve_batch": lambda x: solve_batch(x, [1.0]),
    "SubsetSumInstance": lambda x: SubsetSumInstance(x, 1.0),
    "coverage": lambda x: coverage(x, (0.0, 1.0)),
    "coverage_growth": lambda x: coverage_growth(x, (0.0, 1.0), tolerance=0.1),
    "predict_error": lambda x: predict_error(x, 1.0),
    "predict_errors": lambda x: predict_errors(x, [1.0]),
}


def but(table, *names):
    """The table without what is right where it is passed, or means something else."""
    return {name: given for name, given in table.items() if name not in names}


OTHERS = {
    "target": (lambda x: solve([1.0, 2.0], x), NUMBERS),
    "targets": (lambda x: solve_batch([1.0, 2.0], x), but(ARRAYS, "empty", "too large in all")),
    "tolerance": (lambda x: solve([1.0, 2.0], 1.0, tolerance=x), NUMBERS | {"negative": -1.0}),
    "size": (lambda x: solve([1.0, 2.0], 1.0, size=x), but(NUMBERS, "None") | {"3": 3, "half": 0.5}),
    "norm": (lambda x: solve([1.0, 2.0], 1.0, norm=x), NUMBERS),
    "solver": (lambda x: solve([1.0, 2.0], 1.0, solver=x), but(NUMBERS, "None")),
    "device": (lambda x: solve([1.0, 2.0], 1.0, device=x), NUMBERS | {"another": "tpu"}),
    "threads": (lambda x: solve([1.0, 2.0], 1.0, threads=x), but(NUMBERS, "None", "2**53 + 1") | {"0": 0}),
    "progress": (lambda x: solve([1.0, 2.0], 1.0, progress=x), but(NUMBERS, "None", "a class")),
    "interval": (lambda x: coverage([1.0], x), but(NUMBERS, "two numbers") | {"reversed": (1.0, 0.0)}),
    "text": (law_from_text, NUMBERS | {"unknown": "unifrom"}),
    "density": (lambda x: predict_error([1.0], 1.0, density=x), NUMBERS),
}


def refusal(call, given):
    with pytest.raises(SlthError) as refused:
        call(given)
    assert isinstance(refused.value, ArgumentError)
    assert ": " in str(refused.value)
    return refused.value


@pytest.mark.parametrize("call", VALUES)
@pytest.mark.parametrize("bad", ARRAYS)
def test_values(call, bad):
    if bad == "too large in all" and call.startswith("predict"):
        return  # a density of zero, and no sum is made
    assert refusal(VALUES[call], ARRAYS[bad]).argument.partition("[")[0] in {"values", "target", "targets"}


@pytest.mark.parametrize(("argument", "bad"), [(name, bad) for name, (_, table) in OTHERS.items() for bad in table])
def test_other_arguments(argument, bad):
    call, table = OTHERS[argument]
    named = refusal(call, table[bad]).argument.partition("[")[0]
    assert named in {argument, "values"} if argument == "targets" else named == argument


@pytest.mark.parametrize(
    "given", [[1, 2], (1, 2.0), range(1, 3), np.array([1, 2], np.int8), torch.tensor([1, 2]), [2**70, 1]]
)
def test_good_numbers_of_every_kind_are_the_numbers_that_are_solved(given):
    assert [Fraction(x) for x in solve(given, 1.0).instance.values.tolist()] == [Fraction(int(x)) for x in given]


def test_remedies_work():
    for tensor in (ARRAYS["a sparse tensor"], ARRAYS["bfloat16"], ARRAYS["a tensor with a gradient"]):
        remedy = refusal(VALUES["solve"], tensor).remedy
        assert "tensor.detach().cpu().to_dense().double().numpy()" in remedy
        assert solve(tensor.detach().cpu().to_dense().double().numpy(), 1.0).error == 0.0
