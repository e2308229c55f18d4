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
from dataclasses import replace
from functools import partial

from slth.extensions import Registry
from slth.grids.context import Context as Context
from slth.grids.keys import Key as Key
from slth.grids.keys import Study, declared_study
from slth.grids.keys import study as study

__all__ = ["Context", "Key", "study"]

_HERE = "slth.studies"

_WHOLE, _NUMBER, _TEXT, _WHOLES = Key(int, least=0), Key(float), Key(str), Key(int, many=True, least=0)
_COUNT, _ERROR, _SHARE = Key(int, least=1), Key(float, above=0.0), Key(float, above=0.0, most=1.0)
_LAW = Key(str, meaning="of the values, as uniform, normal:0:2, integers:1:1000 (`slth solve --help`)")
_MODEL = Key(str, meaning="a name of `slth construct --help`, or your own package.module:factory")
_DATA = Key(str, meaning="digits, synthetic, mnist, fashion-mnist, cifar10, or your own FILE.npz")
_EXAMPLES = Key(int, least=1, meaning="of each part of the data, at most")
_TARGET_SEED = Key(int, least=0, meaning="of the trained network's first weights and order of examples")

_DENSE_TARGET = {"data": _DATA, "hidden": _WHOLES, "epochs": _COUNT, "target_seed": _TARGET_SEED}
_TRAINED = {
    "model": _MODEL,
    "model_options": Key(str, many=True, needed=False, choices=("batch_norm", "averaged"), meaning="of small-cnn"),
    "data": _DATA,
    "examples": _EXAMPLES,
    **dict.fromkeys(("epochs", "batch_size", "levels"), _COUNT),
    **dict.fromkeys(("learning_rate", "rate"), _ERROR),
}
"""What is trained and pruned, level by level."""
_LISTS = Key(str, choices=("fresh", "row"))
_TARGET = {
    "model": _MODEL,
    "data": _DATA,
    "target_seed": _TARGET_SEED,
    "hidden": Key(int, many=True, least=1, needed=False, meaning="hidden layers of mlp"),
    "epochs": Key(int, least=1, needed=False, meaning="of the target's training; its usual ones by default"),
    "examples": replace(_EXAMPLES, needed=False),
    "gain": Key(str, needed=False, meaning="auto, unit, of structured also theorem, or a number, as text"),
}
"""What is trained, and the gain of what approximates it."""

_CHANNELS = Key(int, least=1, needed=False, meaning="the theorem's n: half of a source's channels; or eps")
_TICKET_SEED = Key(int, least=0, needed=False, meaning="of the random network")
_BESIDE = {
    "certificate": Key(str, needed=False, choices=("box", "none"), meaning="over the whole box, by default, or none"),
    "ticket_seed": replace(_TICKET_SEED, meaning="of the random network; one of each cell's own by default"),
}
_CANDIDATES = Key(int, least=1, most=48, needed=False, meaning="of each weight; or eps and delta")

_BUILT_IN: dict[str, Study] = {
    "attention-error": Study(
        f"{_HERE}.attention_error:attention_error",
        {
            "width": _COUNT,
            "heads": _WHOLE,
            "candidates": _WHOLE,
            "lengths": _WHOLES,
            "target_seed": _TARGET_SEED,
            **dict.fromkeys(("outputs", "inner", "source"), Key(int, needed=False)),
        },
    ),
    "best-error": Study(
        f"{_HERE}.best_error:best_error", {"law": _LAW, "n": _COUNT, "target": _NUMBER, "instances": _COUNT}
    ),
    "certified-agreement": Study(
        f"{_HERE}.certified_agreement:certified_agreement",
        {
            "ticket": Key(str, needed=False, meaning="a ticket file; or what is to be trained and constructed"),
            "target": Key(str, needed=False, meaning="target.safetensors of the network that it approximates"),
            "digest": Key(str, needed=False, meaning="of both files, which may not change while a grid is computed"),
            "data": _DATA,
            "radii": Key(float, many=True, least=0.0, meaning="of the balls, in the largest norm"),
            "first": Key(int, least=0, meaning="number of the first test input"),
            "count": Key(int, least=1, meaning="how many test inputs from there on"),
            "starts": Key(int, least=1, meaning="of gradient ascent in each ball"),
            "steps": Key(int, least=1, meaning="from each"),
            "effort": Key(int, least=0, needed=False, meaning="of certificates whose first bounds are loose; 1"),
            **{name: replace(key, needed=False) for name, key in _TARGET.items() if name not in ("data", "gain")},
            "width": Key(float, above=0.0, most=1.0, needed=False, meaning="of a model's layers, in parts of its own"),
            "channels": replace(_CHANNELS, meaning="the theorem's n, of a structured ticket"),
            "candidates": replace(_CANDIDATES, meaning="of each weight, of a ticket of single weights"),
            "ticket_seed": _TICKET_SEED,
        },
    ),
    "covered-fraction": Study(f"{_HERE}.covered_fraction:covered_fraction", {"bits": _NUMBER, "n": _COUNT}),
    "density": Study(f"{_HERE}.density:density", {"eps": _ERROR, "size": _WHOLE, "width": _COUNT, "most": _WHOLE}),
    "differencing": Study(
        f"{_HERE}.differencing:differencing",
        {"n": _COUNT, "target": _NUMBER, "instances": _COUNT, "exact_up_to": _WHOLE},
    ),
    "early-pruning": Study(
        f"{_HERE}.early_pruning:early_pruning",
        {
            "method": _TEXT,
            "density": _SHARE,
            "model": _MODEL,
            "data": _DATA,
            "examples": _EXAMPLES,
            "epochs": _COUNT,
            "rate": _ERROR,
        },
    ),
    "instability": Study(
        f"{_HERE}.instability:instability", {**_TRAINED, "steps": _WHOLES, "points": Key(int, least=2)}
    ),
    "interval-coverage": Study(
        f"{_HERE}.interval_coverage:interval_coverage", {"half_width": _NUMBER, "least_n": _WHOLE, "most_n": _WHOLE}
    ),
    "lenet-weights": Study(
        f"{_HERE}.lenet_weights:lenet_weights",
        {"data": _DATA, "candidates": _WHOLES, "images": _WHOLE, "epochs": _COUNT, "target_seed": _TARGET_SEED},
    ),
    "pensia-mnist": Study(
        f"{_HERE}.pensia_mnist:pensia_mnist",
        {"lists": _LISTS, "tolerance": _NUMBER, "n": _COUNT, "eps": _ERROR, **_DENSE_TARGET},
    ),
    "per-weight-ticket": Study(
        f"{_HERE}.tickets:per_weight_ticket",
        {
            "candidates": _CANDIDATES,
            "eps": replace(_ERROR, needed=False, meaning="certified error to reach"),
            "delta": Key(float, above=0.0, most=1.0, needed=False, meaning="probability that more are needed"),
            **_BESIDE,
            **_TARGET,
        },
    ),
    "perturbed": Study(
        f"{_HERE}.perturbed:perturbed",
        {"lists": _LISTS, "eta": _NUMBER, "ratio": _NUMBER, "sample": _WHOLE, "most": _WHOLE, **_DENSE_TARGET},
    ),
    "plant-and-recover": Study(
        f"{_HERE}.plant_and_recover:plant_and_recover",
        {
            **dict.fromkeys(("inputs", "outputs", "units", "ratio", "layers", "examples", "epochs"), _WHOLE),
            "density": _SHARE,
            "rate": _ERROR,
            "law": _LAW,
            "methods": Key(str, many=True),
        },
    ),
    "pursuit-gap": Study(
        f"{_HERE}.pursuit_gap:pursuit_gap",
        {
            "dimension": Key(int, least=1, meaning="numbers D of each slice"),
            "n": Key(int, least=1, meaning="the theorem's n: half of a source's random channels"),
            "gain": Key(str, choices=("auto", "unit", "theorem")),
            "instances": Key(int, least=1, meaning="sources of the layer"),
        },
    ),
    "quantised": Study(
        f"{_HERE}.quantised:quantised",
        {
            "question": Key(str, choices=("ticket", "partition")),
            "n": _COUNT,
            "instances": _COUNT,
            "bits": Key(int, when=("question", "ticket")),
            "offset": Key(float, when=("question", "partition")),
        },
    ),
    "restored-capacity": Study(
        f"{_HERE}.restored_capacity:restored_capacity",
        {
            "model": _MODEL,
            "data": _DATA,
            "examples": _EXAMPLES,
            "epochs": _COUNT,
            "density": _SHARE,
            "cycles": _WHOLE,
        },
    ),
    "robust-ensemble": Study(
        f"{_HERE}.robust_ensemble:robust_ensemble",
        {
            "regime": _TEXT,
            "kl_weights": _TEXT,
            "scale": _TEXT,
            "density": _SHARE,
            "rate": _ERROR,
            "model": _MODEL,
            "data": _DATA,
            "examples": _EXAMPLES,
            "epochs": _COUNT,
            "shifts": Key(str, needed=False),
        },
    ),
    "search-accuracy": Study(
        f"{_HERE}.search_accuracy:search_accuracy",
        {
            "method": _TEXT,
            "density": _SHARE,
            "model": _MODEL,
            "data": _DATA,
            "examples": _EXAMPLES,
            "epochs": _COUNT,
            "scope": Key(str, choices=("layer", "global"), needed=False),
            "allocation": Key(str, needed=False),
        },
    ),
    "solution-counts": Study(
        f"{_HERE}.solution_counts:solution_counts",
        {
            "law": Key(str, choices=("uniform", "product", "gaussian")),
            "subsets": Key(str, choices=("all", "fixed")),
            "dimension": _COUNT,
            "n": _COUNT,
            "eps": _ERROR,
            "instances": _COUNT,
            "density": Key(float, when=("subsets", "fixed")),
        },
    ),
    "structured-search": Study(
        f"{_HERE}.structured_search:structured_search",
        {
            "way": Key(str, choices=("search", "random", "magnitude", "construction")),
            "width": _COUNT,
            "block": Key(int, needed=False),
            "structure": Key(str, needed=False),
            "density": Key(float, needed=False),
            "data": _DATA,
            "channels": _WHOLES,
            "epochs": _COUNT,
            "target_seed": _TARGET_SEED,
        },
    ),
    "structured-ticket": Study(
        f"{_HERE}.tickets:structured_ticket",
        {
            "channels": _CHANNELS,
            "eps": replace(_ERROR, needed=False, meaning="certified error to reach"),
            "size": Key(int, least=1, needed=False, meaning="channels kept for each source and sign; any by default"),
            "beam": Key(int, least=1, most=4096, needed=False, meaning="alternatives that are followed, 8 by default"),
            **_BESIDE,
            **_TARGET,
        },
    ),
    "subset-sums": Study(
        f"{_HERE}.subset_sums:subset_sums",
        {
            "law": _LAW,
            "n": _COUNT,
            "tolerance": Key(float, least=0.0, meaning="an error that is good enough; 0 searches for the optimum"),
            "instances": _COUNT,
            "target": Key(float, needed=False, meaning="of all instances; uniform on (-1, 1) by default"),
            "dimension": Key(int, least=1, needed=False, meaning="of vectors; numbers by default"),
            "size": Key(int, least=0, needed=False, meaning="values in a subset; any number by default"),
            "solver": Key(str, needed=False, meaning="two-list, four-list, greedy, ...; a fitting one by default"),
        },
    ),
    "subset-size": Study(
        f"{_HERE}.subset_size:subset_size",
        {
            **_TRAINED,
            **dict.fromkeys(("size", "steps", "runs", "score_epochs"), _COUNT),
            "ways": Key(str, many=True, choices=("easy", "hard", "random", "all", "none")),
        },
    ),
    "vector-success": Study(
        f"{_HERE}.vector_success:vector_success",
        {
            "law": Key(str, choices=("gaussian", "product")),
            "subsets": Key(str, choices=("all", "fixed")),
            "dimension": _WHOLE,
            "n": _COUNT,
            "eps": _ERROR,
            "instances": _COUNT,
            "density": Key(float, when=("subsets", "fixed")),
        },
    ),
    "winning-ticket": Study(
        f"{_HERE}.winning_ticket:winning_ticket",
        {
            "model": _MODEL,
            "data": _DATA,
            "examples": _EXAMPLES,
            "epochs": _COUNT,
            "rate": _ERROR,
            "levels": _WHOLE,
            "rewind": Key(int, needed=False),
            "branches": Key(str, many=True),
        },
    ),
    "widths": Study(
        f"{_HERE}.widths:widths",
        {
            "bound": _TEXT,
            "width": _COUNT,
            "depth": _WHOLE,
            "eps": _ERROR,
            "kernel": _WHOLE,
            "channels": _WHOLE,
            "density": _SHARE,
            "perturbation": _NUMBER,
        },
    ),
}
"""Name in a specification to its function, imported when it runs, and to what it reads from a cell."""

_WITHOUT_TORCH = (
    "best-error", "covered-fraction", "density", "differencing", "interval-coverage", "pursuit-gap", "quantised",
    "subset-sums", "vector-success", "widths",
)  # fmt: skip
_BUILT_IN |= {name: replace(_BUILT_IN[name], torch=False) for name in _WITHOUT_TORCH}

STUDIES: Mapping[str, Study] = Registry("slth.studies", "task", _BUILT_IN, partial(declared_study, "slth.studies"))
"""The same with the studies of other packages, whose functions are imported when they are asked for."""
