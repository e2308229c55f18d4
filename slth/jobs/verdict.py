"""What a construction's numbers mean, where they mean that it says little, and what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from typing import Any

POOR = 0.5
"""Relative error of a layer from which on its weights are hardly those of the target."""
LOST = 0.05
"""Share of the test examples, from which on a fall of accuracy is told."""

_CHANGES = {
    "Structured": "more channels (with the gain auto), or an eps, for as many as that certified error takes",
    "PerWeight": "more candidates (two of them halve the errors at least), or an eps, for as many as that takes",
    "Shallow": "more candidates, or an eps, for as many as that certified error takes",
}


def verdicts(
    summary: Mapping[str, Any], layers: Sequence[Mapping[str, Any]], largest_output: float, classes: int
) -> tuple[str, ...]:
    """Return a sentence for each thing that a user should not overlook; none where all is well.

    ``largest_output`` is the target's on the test set; ``summary`` and ``layers`` are those of a ticket's record.
    """
    change = _CHANGES.get(str(summary.get("method")), "a larger random network")
    found = []
    poor = [row for row in layers if row["relative_error"] >= POOR]
    if poor:
        worst = max(poor, key=lambda row: float(row["relative_error"]))
        said = f"{len(poor)} of {len(layers)} layers have weights that are hardly the target's"
        found.append(f"{said} (relative error {worst['relative_error']:.2g} in layer {worst['path']}): try {change}")
    accuracy, target, examples = summary["ticket_accuracy"], summary["target_accuracy"], summary["examples"]
    chance = 1.0 / classes
    if accuracy <= chance + 2.0 * sqrt(chance * (1.0 - chance) / examples) < target:
        found.append(f"the ticket's accuracy of {accuracy:.1%} is that of guessing: try {change}")
    elif target - accuracy > LOST:
        found.append(f"the ticket loses {100 * (target - accuracy):.1f} points of accuracy: try {change}")
    error = summary["certified_error"]
    if not isfinite(error) or error >= largest_output:
        said = (
            f"the certificate says nothing: {error:.3g} is more than any output on the test set ({largest_output:.3g})"
        )
        found.append(f"{said}; around given inputs slth.certify(target, ticket, inputs=x, radius=r) says more")
    if summary["float32_allowance"] > max(error, 0.01 * largest_output):
        said = f"run in float32 rounding may add {summary['float32_allowance']:.3g} at worst"
        found.append(f"{said}: evaluate in float64, which holds what is certified")
    return tuple(found)
