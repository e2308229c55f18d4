"""Records of numbers that no network made: figures draw what they are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from slth.jobs.record import LayerRecord, Pictured, TicketRecord


def layer(number: int, *, tolerance: float = 0.0, plain: bool = False, rectified: bool = True) -> LayerRecord:
    """A layer of which single weights are removed, 6 to 4."""
    generator = np.random.default_rng(0)
    errors = generator.exponential(1e-6, 28)
    edges = np.geomspace(1e-9, 1e-4, 31)
    counts = np.histogram(errors, edges)[0].astype(np.float64)
    mask = generator.random((1, 42, 4) if plain else (6, 7, 4)) < 0.3
    row = _row(number, candidates=6, channels=None if plain else 6, kept=int(mask.sum()), tolerance=tolerance)
    row |= {"open_positions": mask.size, "removal": "plain" if plain else "weights", "rectified": rectified}
    row |= {"predicted_median": 7e-7, "predicted_largest": 3e-6}
    return LayerRecord(row, edges, counts, counts + 1.0, mask=mask)


def channel_layer(number: int) -> LayerRecord:
    """A layer of which whole channels are removed, with kernels of nine taps."""
    generator = np.random.default_rng(number)
    edges = np.geomspace(1e-6, 1.0, 31)
    row = _row(number, candidates=None, channels=50, kept=40, tolerance=None) | {"open_positions": 350}
    row |= {"removal": "channels", "rectified": True, "kernel": [3, 3]}
    return LayerRecord(
        row,
        edges,
        np.histogram(generator.exponential(1e-2, 252), edges)[0].astype(np.float64),
        scales=generator.normal(size=40),
        sources=np.repeat(np.arange(8), 5),
        target_slices=generator.normal(size=(4, 3, 3)),
        ticket_slices=generator.normal(size=(4, 3, 3)),
    )


def _row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "layer": number, "path": f"layer{number}", "dimensions": 4, "instances": 28, "density": 0.25,
        "largest_error": 5e-6, "median_error": 8e-7, "relative_error": 1e-5, "predicted_largest": None,
        "predicted_median": None, "gain": 2.0, "seconds": 0.1, "inputs": 6, "outputs": 4, "kernel": [1, 1],
        "value": 3.0, "difference": 1e-3, **more,
    }  # fmt: skip


def record(
    *,
    eps: float | None = None,
    layers: int = 3,
    attack: float | None = 2e-3,
    channels: bool = False,
    images: tuple[int, ...] | None = None,
    **more: Any,
) -> TicketRecord:
    """A record of four classes; with single weights removed, or with whole channels; with images of a shape."""
    generator = np.random.default_rng(1)
    labels = np.arange(40) % 4
    target = generator.normal(size=(40, 4)) + 3.0 * (labels[:, None] == np.arange(4))
    tolerance = 0.0 if eps is None else 1e-5
    parts = tuple(
        channel_layer(n) if channels else layer(n, tolerance=tolerance, plain=n == 2, rectified=n != 1)
        for n in range(layers)
    )
    summary = {
        "seed": 7, "family": "strong", "model": "mlp", "method": "PerWeight", "data": "digits", "examples": 40,
        "form": "folded, float64", "target_accuracy": 0.975, "ticket_accuracy": 0.95, "agreement": 0.925,
        "certified_error": 4e-3, "float32_error": 4.1e-3, "norm_bound": 0.5,
        "float64_allowance": 1e-12, "float32_allowance": 1e-4,
        "sampled_error": 1e-3, "attack_error": attack, "eps": eps, "input_box": "[0, 1]", "removal": "weights",
        "density": 0.25, "kept": 126, "open_positions": 504, "random_parameters": 1000, "overparameterisation": 10.5,
        "target_weights": 84, "small_parameters": 300, "small_examples": 40, "small_difference": 3e-7,
        "ticket_bytes": 12_345, "target_bytes": 22_345, "bits_per_target_weight": 28.0,
        "counting_bits_per_weight": 40.0, "information_bits_per_weight": None if channels else 11.0,
        "information_bits_mean": None if channels else 25.0, "target_file_bits_per_weight": 33.0,
        "kept_weights_sha256": "ab" * 32, **more,
        "costs": {name: {"weights": 126, "multiply_adds": 520, "bytes": 504} for name in ("small", "target", "pruned")},
    }  # fmt: skip
    outputs = target + generator.normal(0.0, 1e-3, target.shape)
    provenance = {"data": {"name": "digits"}, "law": {"name": "uniform", "scale": 1.0}}
    exact = ("softmax: the same <function> in both",)
    shown = None if images is None else Pictured(np.arange(3), generator.random((3, *images)))
    return TicketRecord(
        "Tickets & <angle brackets>", summary, parts, target, outputs, labels, "slth demo --seed 7", exact, provenance,
        shown,
    )  # fmt: skip
