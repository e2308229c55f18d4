"""How large a random pair of layers must be for a ticket of a wanted density: subset sums of a fixed size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.perturbed import solved

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST = 40
"""Usable candidates up to which the exact solver is asked."""

LISTED = {1: 40_000, 2: 1_000, 3: 200}
"""Sizes for which all sums are listed, and usable candidates tried: the exact solver lists 2^(n/2) sums of any size."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a random pair of layers offers to each subset sum of one target layer: products u v of the units whose u has
    the right sign, in order; where each stands among all units of its block, from 1; input and sign that a sum belongs
    to, and those of one block share their u; and the target, w for the positive part of the input, -w for the other.

    Shapes: products float64[sums, usable]; places int64[sums, usable]; blocks int64[sums]; targets float64[sums].
    """

    products: Floats
    places: NDArray[np.int64]
    blocks: NDArray[np.int64]
    targets: Floats


def density(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Find the smallest n for which every weight of a layer is a sum of exactly k of its candidates, within its share.

    A layer W of size d x d and norm 1 becomes a pair of random layers, uniform on (-1, 1), of 2 d n hidden units: n for
    each input and sign, of which those with u of that sign, about half, are usable. Each weight and sign chooses k
    products u v with an error of at most :math:`\epsilon / (2 d^2)`, the share that the proof of the theorem gives it.
    Longer lists extend shorter ones, so there is a smallest n; the source then has :math:`m = 4 d^2 n` parameters.

    Notes
    -----
    Source of the setting: Natale et al. 2024 (arXiv 2410.14754), Theorem 3 and figure 1; the measurement is ours.
    """
    width, size, most, eps = cell["width"], cell["size"], cell["most"], cell["eps"]
    for name, holds, rule, remedy in (
        ("eps", eps > 0.0, "must be positive", "use 0.1"),
        ("width", width >= 1, "must be at least 1", "use 4"),
        ("most", 1 <= most <= MOST, f"must lie between 1 and {MOST}", f"use {MOST}"),
        ("size", size in LISTED or 0 <= size <= most, "must lie between 0, for any, and most", "use 4"),
    ):
        if not holds:
            raise ArgumentError(name, cell[name], rule, remedy)
    share = eps / (2.0 * width * width)
    offered = candidates(width, LISTED.get(size, most), seed=seed)
    if size in LISTED:
        found = [_listed(row, goal, size, share) for row, goal in zip(offered.products, offered.targets, strict=True)]
        counts, subsets = np.array([count for count, _ in found]), np.array([subset for _, subset in found])
    else:
        counts, subsets = _solved(offered, size or None, share, context.threads)
    row: dict[str, Any] = dict.fromkeys(("n", "overparameterisation", "nominal_density", "density", "norm_error"))
    if counts.all():
        n = int(offered.places[np.arange(len(counts)), counts - 1].max())
        kept = int(subsets.sum())
        scales = sum(int(subsets[offered.blocks == block].any(axis=0).sum()) for block in np.unique(offered.blocks))
        parts = np.einsum("ij,ij->i", subsets, offered.products) - offered.targets
        positive = parts.reshape(width, 2, width)[:, 0]
        row = {
            "n": n,
            "overparameterisation": 4 * n,
            "nominal_density": kept / len(counts) / n,
            "density": (kept + scales) / (4 * width * width * n),
            "norm_error": float(np.linalg.norm(positive, 2)),
        }
    return [{"target_parameters": width * width, **row, "weight_error": share}]


def candidates(width: int, usable: int, *, seed: int) -> Candidates:
    """Draw a target layer, and the first so many usable candidates of each of its weights and signs."""
    target = Stream(seed, "density.target").normal(0, width * width).reshape(width, width)
    target /= np.linalg.norm(target, 2)
    products, places = np.empty((2 * width, width, usable)), np.empty((2 * width, usable), np.int64)
    for block in range(2 * width):
        scales = _positive(Stream(seed, f"density.u.{block}"), usable)
        places[block] = scales[0] + 1
        for output in range(width):
            drawn = Stream(seed, f"density.v.{block}.{output}").uniform(0, int(scales[0][-1]) + 1)
            products[block, output] = scales[1] * (2.0 * drawn - 1.0)[scales[0]]
    signs = np.tile([1.0, -1.0], width)
    wanted = signs[:, None] * np.repeat(target.T, 2, axis=0)
    return Candidates(
        products=products.reshape(-1, usable),
        places=np.repeat(places, width, axis=0),
        blocks=np.repeat(np.arange(2 * width), width),
        targets=wanted.ravel(),
    )


def _positive(stream: Stream, count: int) -> tuple[NDArray[np.int64], Floats]:
    """The first so many positive uniforms on (-1, 1) and their places; by symmetry the law of the negative ones too."""
    drawn = 4 * count
    while True:
        scales = 2.0 * stream.uniform(0, drawn) - 1.0
        places = np.flatnonzero(scales > 0.0)
        if len(places) >= count:
            return places[:count], scales[places[:count]]
        drawn *= 2


def _solved(
    offered: Candidates, size: int | None, share: float, threads: int
) -> tuple[NDArray[np.int64], Bools]:  # fmt: skip
    """For each sum the smallest number of usable candidates that is enough, 0 where none is, and the subset chosen."""
    products, targets = offered.products, offered.targets
    counts, subsets = np.zeros(len(targets), np.int64), np.zeros(products.shape, np.bool_)
    open_ = np.arange(len(targets))
    for usable in range(size or 1, products.shape[1] + 1):
        if not open_.size:
            break
        values = np.ascontiguousarray(products[open_, :usable])
        found = solved(values, targets[open_], share, size, threads)
        done = found.errors <= share
        counts[open_[done]] = usable
        subsets[open_[done], :usable] = found.subsets[done]
        open_ = open_[~done]
    return counts, subsets


def _listed(values: Floats, target: float, size: int, share: float) -> tuple[int, Bools]:
    """The same for one sum of at most 3 values: the last of them against all sums of the others in front of it."""
    subset = np.zeros(len(values), np.bool_)
    if size == 1:
        near = np.abs(values - target) <= share
        last, others = int(near.argmax()), list[int]()
        if not near.any():
            return 0, subset
    else:
        pairs = np.tril_indices(len(values), -1)  # by the larger index: those below a place are in front of the rest
        shorter = values if size == 2 else values[pairs[0]] + values[pairs[1]]
        for last in range(size - 1, len(values)):
            near = np.abs(shorter[: comb(last, size - 1)] + (values[last] - target)) <= share
            if near.any():
                break
        else:
            return 0, subset
        place = int(near.argmax())
        others = [place] if size == 2 else [int(pairs[0][place]), int(pairs[1][place])]
    subset[[last, *others]] = True
    return last + 1, subset
