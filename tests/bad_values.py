"""Values that no argument of a kind can be, by kind: what tests of refusals walk over."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn


def filled(value: Any, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A linear layer of 4 inputs and 3 outputs whose weight holds one such number."""
    layer = nn.Linear(4, 3).to(dtype)
    with torch.no_grad():
        layer.weight[1, 2] = value
    return layer


def sparse_layer() -> nn.Module:
    layer = nn.Linear(4, 3)
    layer.weight = nn.Parameter(layer.weight.detach().to_sparse())
    return layer


NOTHINGS: dict[str, Any] = {
    "None": lambda: None,
    "text": lambda: "text",
    "generator": lambda: (number for number in (1.0, 2.0)),
    "object": object,
    "class": lambda: nn.Linear,
}
HUGE = 10**400
"""Beyond every double, and beyond what Python makes a size of."""
WORDS: dict[str, Any] = {
    **NOTHINGS,
    "array": lambda: np.array([1, 2]),
    "array of texts": lambda: np.array(["a", "b"]),
    "huge": lambda: HUGE,
}
MODULES: dict[str, Any] = {
    **NOTHINGS,
    "number": lambda: 3.0,
    "array": lambda: np.zeros((2, 2)),
    "lazy": lambda: nn.LazyLinear(3),
    "lazy inside": lambda: nn.Sequential(nn.Linear(4, 4), nn.LazyBatchNorm1d()),
    "meta": lambda: nn.Linear(4, 3, device="meta"),
    "complex": lambda: nn.Linear(4, 3, dtype=torch.complex64),
    "sparse": sparse_layer,
}
NUMBERS_IN_MODULES: dict[str, Any] = {
    "NaN": lambda: filled(torch.nan),
    "infinity": lambda: filled(torch.inf),
    "NaN in half precision": lambda: filled(torch.nan, torch.bfloat16),
}
ARRAYS: dict[str, Any] = {
    **NOTHINGS,
    "number": lambda: 0.5,
    "NaN": lambda: np.full((2, 4), np.nan),
    "infinity": lambda: np.full((2, 4), np.inf),
    "no axis": lambda: np.zeros(()),
    "too many axes": lambda: np.zeros((2, 4, 1, 1, 1)),
    "other size": lambda: np.zeros((2, 5)),
    "empty": lambda: np.zeros((0, 5)),
    "complex": lambda: np.zeros((2, 4), complex),
    "objects": lambda: np.full((2, 4), None),
    "texts": lambda: np.full((2, 4), "a"),
    "dates": lambda: np.full((2, 4), "2026-01-01", "datetime64[D]"),
    "ragged": lambda: [[0.0] * 4, [0.0] * 3],
    "dictionary": lambda: {0: [0.0] * 4},
    "sparse tensor": lambda: torch.zeros(2, 4).to_sparse(),
    "meta tensor": lambda: torch.zeros(2, 4, device="meta"),
    "complex tensor": lambda: torch.zeros(2, 4, dtype=torch.complex64),
}
PAIRS: dict[str, Any] = {
    **{name: make for name, make in NOTHINGS.items() if name != "None"},
    "number": lambda: 0.5,
    "three": lambda: (0, 1, 2),
    "one": lambda: (0.5,),
    "dictionary": lambda: {"mean": 0.0, "std": 1.0},
    "texts": lambda: ("a", "b"),
    "Nones": lambda: (None, None),
    "NaN": lambda: (np.nan, 1.0),
    "complex": lambda: (0.0, 1.0 + 1.0j),
    "other sizes": lambda: (torch.zeros(5), torch.ones(5)),
    "ragged": lambda: ([[0.0], [0.0, 1.0]], 1.0),
    "meta tensors": lambda: (torch.zeros(4, device="meta"), torch.ones(4, device="meta")),
    "sparse tensors": lambda: (torch.zeros(4).to_sparse(), torch.ones(4).to_sparse()),
}
SHAPES: dict[str, Any] = {
    **{name: make for name, make in NOTHINGS.items() if name != "None"},
    "number": lambda: 4,
    "fraction": lambda: (4.5,),
    "NaN": lambda: (float("nan"),),
    "zero": lambda: (0,),
    "negative": lambda: (-4,),
    "empty": lambda: (),
    "truth value": lambda: (True,),
    "nested": lambda: ((4,),),
    "huge": lambda: (2**70,),
    "too many": lambda: (1, 1, 1, 4),
    "array of two axes": lambda: np.ones((1, 4), int),
    "array of texts": lambda: np.array(["a", "b"]),
    "meta tensor": lambda: torch.zeros(1, device="meta"),
}
COUNTS: dict[str, Any] = {
    **NOTHINGS,
    "fraction": lambda: 2.5,
    "NaN": lambda: float("nan"),
    "negative": lambda: -1,
    "truth value": lambda: True,
    "huge": lambda: 2**70,
    "array": lambda: np.array([1, 2]),
}
