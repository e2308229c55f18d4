"""What the tables of the paper figures are computed by: one module a question.

A study is a function ``study(cell, *, seed, context) -> rows``: ``cell`` is one choice from the grid of a
specification, ``seed`` an integer that belongs to (experiment's seed, cell, replicate) alone, and ``rows`` a list of
flat mappings from column to number, text or None. A probability is given as the columns ``successes`` and ``trials``.
Columns whose names end in ``seconds`` hold times; all others depend on cell and seed alone, on any machine.
No column has the name of an entry of the cell.

A study of one's own is declared by :func:`study` and named in a specification as ``package.module:function``, or by the
name under which its package registers it as an entry point of the group ``slth.studies``.
"""

from collections.abc import Mapping
from functools import partial

from slth.extensions import Registry
from slth.grids.context import Context as Context
from slth.grids.keys import Key as Key
from slth.grids.keys import Study, declared_study
from slth.grids.keys import study as study

__all__ = ["Context", "Key", "study"]

_HERE = "slth.studies"

_WHOLE, _NUMBER, _TEXT, _WHOLES = Key(int), Key(float), Key(str), Key(int, many=True)

_DENSE_TARGET = {"data": _TEXT, "hidden": _WHOLES, "epochs": _WHOLE, "target_seed": _WHOLE}
_LISTS = Key(str, choices=("fresh", "row"))

_BUILT_IN: dict[str, Study] = {
    "attention-error": Study(
        f"{_HERE}.attention_error:attention_error",
        {
            "width": _WHOLE,
            "heads": _WHOLE,
            "candidates": _WHOLE,
            "lengths": _WHOLES,
            "target_seed": _WHOLE,
            **dict.fromkeys(("outputs", "inner", "source"), Key(int, needed=False)),
        },
    ),
    "best-error": Study(
        f"{_HERE}.best_error:best_error", {"law": _TEXT, "n": _WHOLE, "target": _NUMBER, "instances": _WHOLE}
    ),
    "covered-fraction": Study(f"{_HERE}.covered_fraction:covered_fraction", {"bits": _NUMBER, "n": _WHOLE}),
    "density": Study(f"{_HERE}.density:density", {"eps": _NUMBER, "size": _WHOLE, "width": _WHOLE, "most": _WHOLE}),
    "differencing": Study(
        f"{_HERE}.differencing:differencing",
        {"n": _WHOLE, "target": _NUMBER, "instances": _WHOLE, "exact_up_to": _WHOLE},
    ),
    "early-pruning": Study(
        f"{_HERE}.early_pruning:early_pruning",
        {
            "method": _TEXT,
            "density": _NUMBER,
            "model": _TEXT,
            "data": _TEXT,
            "examples": _WHOLE,
            "epochs": _WHOLE,
            "rate": _NUMBER,
        },
    ),
    "interval-coverage": Study(
        f"{_HERE}.interval_coverage:interval_coverage", {"half_width": _NUMBER, "least_n": _WHOLE, "most_n": _WHOLE}
    ),
    "lenet-weights": Study(
        f"{_HERE}.lenet_weights:lenet_weights",
        {"data": _TEXT, "candidates": _WHOLES, "images": _WHOLE, "epochs": _WHOLE, "target_seed": _WHOLE},
    ),
    "pensia-mnist": Study(
        f"{_HERE}.pensia_mnist:pensia_mnist",
        {"lists": _LISTS, "tolerance": _NUMBER, "n": _WHOLE, "eps": _NUMBER, **_DENSE_TARGET},
    ),
    "perturbed": Study(
        f"{_HERE}.perturbed:perturbed",
        {"lists": _LISTS, "eta": _NUMBER, "ratio": _NUMBER, "sample": _WHOLE, "most": _WHOLE, **_DENSE_TARGET},
    ),
    "plant-and-recover": Study(
        f"{_HERE}.plant_and_recover:plant_and_recover",
        {
            **dict.fromkeys(("inputs", "outputs", "units", "ratio", "layers", "examples", "epochs"), _WHOLE),
            "density": _NUMBER,
            "rate": _NUMBER,
            "law": _TEXT,
            "methods": Key(str, many=True),
        },
    ),
    "quantised": Study(
        f"{_HERE}.quantised:quantised",
        {
            "question": Key(str, choices=("ticket", "partition")),
            "n": _WHOLE,
            "instances": _WHOLE,
            "bits": Key(int, when=("question", "ticket")),
            "offset": Key(float, when=("question", "partition")),
        },
    ),
    "restored-capacity": Study(
        f"{_HERE}.restored_capacity:restored_capacity",
        {
            "model": _TEXT,
            "data": _TEXT,
            "examples": _WHOLE,
            "epochs": _WHOLE,
            "density": _NUMBER,
            "cycles": _WHOLE,
        },
    ),
    "robust-ensemble": Study(
        f"{_HERE}.robust_ensemble:robust_ensemble",
        {
            "regime": _TEXT,
            "kl_weights": _TEXT,
            "scale": _TEXT,
            "density": _NUMBER,
            "rate": _NUMBER,
            "model": _TEXT,
            "data": _TEXT,
            "examples": _WHOLE,
            "epochs": _WHOLE,
            "shifts": Key(str, needed=False),
        },
    ),
    "search-accuracy": Study(
        f"{_HERE}.search_accuracy:search_accuracy",
        {
            "method": _TEXT,
            "density": _NUMBER,
            "model": _TEXT,
            "data": _TEXT,
            "examples": _WHOLE,
            "epochs": _WHOLE,
            "scope": Key(str, choices=("layer", "global"), needed=False),
            "allocation": Key(str, needed=False),
        },
    ),
    "structured-search": Study(
        f"{_HERE}.structured_search:structured_search",
        {
            "way": Key(str, choices=("search", "random", "magnitude", "construction")),
            "width": _WHOLE,
            "block": Key(int, needed=False),
            "structure": Key(str, needed=False),
            "density": Key(float, needed=False),
            "data": _TEXT,
            "channels": _WHOLES,
            "epochs": _WHOLE,
            "target_seed": _WHOLE,
        },
    ),
    "vector-success": Study(
        f"{_HERE}.vector_success:vector_success",
        {
            "law": Key(str, choices=("gaussian", "product")),
            "subsets": Key(str, choices=("all", "fixed")),
            "dimension": _WHOLE,
            "n": _WHOLE,
            "eps": _NUMBER,
            "instances": _WHOLE,
            "density": Key(float, when=("subsets", "fixed")),
        },
    ),
    "winning-ticket": Study(
        f"{_HERE}.winning_ticket:winning_ticket",
        {
            "model": _TEXT,
            "data": _TEXT,
            "examples": _WHOLE,
            "epochs": _WHOLE,
            "rate": _NUMBER,
            "levels": _WHOLE,
            "rewind": Key(int, needed=False),
            "branches": Key(str, many=True),
        },
    ),
    "widths": Study(
        f"{_HERE}.widths:widths",
        {
            "bound": _TEXT,
            "width": _WHOLE,
            "depth": _WHOLE,
            "eps": _NUMBER,
            "kernel": _WHOLE,
            "channels": _WHOLE,
            "density": _NUMBER,
            "perturbation": _NUMBER,
        },
    ),
}
"""Name in a specification to its function, imported when it runs, and to what it reads from a cell."""

STUDIES: Mapping[str, Study] = Registry("slth.studies", "task", _BUILT_IN, partial(declared_study, "slth.studies"))
"""The same with the studies of other packages, whose functions are imported when they are asked for."""
