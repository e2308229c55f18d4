"""A record of numbers that no network made: figures draw what they are given."""

from __future__ import annotations

import numpy as np

from slth.jobs.record import LayerRecord, TicketRecord


def layer(path: str, inputs: int, outputs: int, *, tolerance: float = 0.0, plain: bool = False) -> LayerRecord:
    generator = np.random.default_rng(0)
    count = (inputs + 1) * outputs
    errors = generator.exponential(1e-6, count)
    edges = np.geomspace(1e-9, 1e-4, 31)
    counts = np.histogram(errors, edges)[0].astype(np.float64)
    mask = generator.random((6 * (inputs + 1), outputs) if plain else (6, inputs + 1, outputs)) < 0.3
    return LayerRecord(
        path,
        inputs,
        outputs,
        3,
        count,
        5,
        6,
        int(mask.sum()),
        mask.size,
        2.0,
        tolerance,
        errors,
        edges,
        counts,
        counts,
        mask,
    )


def record(*, eps: float | None = None, layers: int = 3, attack: float | None = 2e-3) -> TicketRecord:
    generator = np.random.default_rng(1)
    labels = np.arange(40) % 4
    target = generator.normal(size=(40, 4)) + 3.0 * (labels[:, None] == np.arange(4))
    parts = tuple(layer(f"layer{n}", 6, 4, tolerance=0.0 if eps is None else 1e-5, plain=n == 2) for n in range(layers))
    summary = {
        "seed": 7,
        "family": "strong",
        "data": "digits",
        "examples": 40,
        "target_accuracy": 0.975,
        "ticket_accuracy": 0.95,
        "certified_error": 4e-3,
        "norm_bound": 0.5,
        "float64_allowance": 1e-12,
        "float32_allowance": 1e-4,
        "sampled_error": 1e-3,
        "attack_error": attack,
        "eps": eps,
        "input_box": "[0, 1]",
        "density": 0.25,
        "ticket_bytes": 12_345,
        "target_bytes": 22_345,
        "bits_per_target_weight": 28.0,
        "counting_bits_per_weight": 40.0,
        "information_bits_per_weight": 11.0,
        "information_bits_mean": 25.0,
        "target_file_bits_per_weight": 33.0,
        "kept_weights_sha256": "ab" * 32,
    }
    outputs = target + generator.normal(0.0, 1e-3, target.shape)
    return TicketRecord(
        "Tickets & <angle brackets>",
        summary,
        parts,
        target,
        outputs,
        labels,
        "slth demo --seed 7",
        {"data": {"name": "digits"}},
    )
