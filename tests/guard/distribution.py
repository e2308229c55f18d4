"""Whether constructions are like the frozen ones though their random weights are others."""

from __future__ import annotations

import json
import math

from tests.guard.frozen import FOLDER

# Largest ratio of means over ten seeds (geometric ones of errors), for one target, and for all targets of a family
# together. The frozen seeds and ten others of the same classes differ by the factors that README.md states: well
# within these.
ONE = {"kept": 1.30, "bytes": 1.10, "median_weight_error": 2.0, "largest_weight_error": 3.0, "error": 4.0}
ALL = {"kept": 1.04, "bytes": 1.03, "median_weight_error": 1.20, "largest_weight_error": 1.25, "error": 1.35}
COUNTS = ("kept", "bytes")
FEW = 16  # entries or bytes more or less are chance where there are few


def frozen_constructions():
    """Return the table of frozen constructions by target: for each the method and its rows by seed."""
    return json.loads((FOLDER / "constructions.json").read_text(encoding="utf-8"))


def logarithms(rows):
    """Return each quantity's mean logarithm over seeds and layers; of counts the logarithm of mean and few."""
    values = {name: _values(rows, name) for name in ONE}
    return {
        name: math.log(FEW + sum(each) / len(each)) if name in COUNTS else sum(map(math.log, each)) / len(each)
        for name, each in values.items()
    }


def _values(rows, name):
    if name in rows[0]:
        return [max(row[name], 1e-300) for row in rows]
    return [max(layer[name], 1e-300) for row in rows for layer in row["layers"]]


def ratios(table, *, of=frozen_constructions):
    """Return the ratios new / frozen of each quantity, by target, for a table of rows by target."""
    frozen = of()
    result = {}
    for target, rows in table.items():
        new, old = logarithms(rows), logarithms(list(frozen[target]["seeds"].values()))
        result[target] = {name: math.exp(new[name] - old[name]) for name in ONE}
    return result


def unlike(found, families):
    """Return what in the ratios by target is beyond the tolerances; ``families`` names each target's family."""
    complaints = [
        f"{target}: {name} {ratio:.3f}"
        for target, by_name in found.items()
        for name, ratio in by_name.items()
        if not 1.0 / ONE[name] <= ratio <= ONE[name]
    ]
    for family in sorted(set(families.values())):
        chosen = [found[target] for target in found if families[target] == family]
        for name in ALL:
            together = math.exp(sum(math.log(by_name[name]) for by_name in chosen) / len(chosen))
            if not 1.0 / ALL[name] <= together <= ALL[name]:
                complaints.append(f"all {family}: {name} {together:.3f}")
    return complaints
