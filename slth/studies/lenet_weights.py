"""The published experiment on LeNet-5: how well its convolutions are approximated, weight by weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.constructions import approximate_kernels
from slth.data.datasets import DataSet
from slth.grids.context import Context
from slth.studies.trained_targets import data_of, digest_of, lenet_target, parameters_of

Floats = NDArray[np.float64]


def lenet_weights(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Approximate each parameter of the two convolutions of a trained LeNet-5 by the best sum of n fresh uniforms.

    For an array of parameters p, its approximation p', and the stages f and f' up to the second pooling, it measures

    .. math:: \max_p \frac{\max |p - p'|}{\max |p|} \quad\text{and}\quad \frac{\max |f - f'|}{\max |f|},

    the first over the four arrays of weights and biases, the second over all outputs on the images.

    Notes
    -----
    Source: da Cunha, Natale and Viennot 2022 (OpenReview Vjki79-619-), experiments, by way of their code.
    """
    data = data_of(cell["data"], context)
    target = lenet_target(data, context, epochs=cell["epochs"], seed=cell["target_seed"])
    images = {split: _images(data, split, cell["images"]) for split in ("train", "test")}
    wanted: dict[str, Floats] = {}
    rows = []
    for n in cell["candidates"]:
        found = approximate_kernels(target, n=n, seed=seed, threads=context.threads)
        if not wanted:  # the stages to approximate are the same for every n
            wanted = {split: found.target.forward(batch) for split, batch in images.items()}
        errors = {split: _relative(found.network.forward(batch), wanted[split]) for split, batch in images.items()}
        originals, approximations = parameters_of(found.target), parameters_of(found.network)
        rows.append(
            {
                "n": n,
                "parameters": originals.size,
                "largest_parameter": float(np.abs(originals).max()),
                "weight_error": found.weight_error,
                "train_output_error": errors["train"],
                "test_output_error": errors["test"],
                "median_error": float(np.median(np.abs(approximations - originals))),
                "density": sum(row.kept for row in found.table) / sum(row.candidates for row in found.table),
                "target": digest_of(target),
                "seconds": sum(row.seconds for row in found.table),
            }
        )
    return rows


def _images(data: DataSet, split: Any, limit: int) -> Floats:
    return data.inputs(split, limit=limit).reshape(-1, *data.shape).astype(np.float64)


def _relative(found: Floats, wanted: Floats) -> float:
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())
