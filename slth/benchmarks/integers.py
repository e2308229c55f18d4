"""Integers that meet their target: how soon a subset is found, and how many there are, beside packages for integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from slth.arrays import Floats, Indices
from slth.benchmarks.contenders import Cell, Contender, Declined
from slth.benchmarks.peers import installed, titled
from slth.errors import ArgumentError
from slth.rng import Stream
from slth.subset_sum import count_solutions, solve

EXTRA = "baselines"
KEYS = ("n", "d", "size", "top", "odd")
SECONDS = 5.0  # that a peer may take for an instance

Find = Callable[[Indices, Indices, int | None], Sequence[int] | None]


def meeting(cell: Cell, seed: int) -> Sequence[Contender]:
    """Median seconds to a subset that meets its target: planted, of integers from 1 to `top`; or none does, if odd."""
    about = about_instance(cell["instance"])
    instances = [_instance(about, seed, k) for k in range(cell["instances"])]

    def ours(values: Indices, target: Indices, size: int | None) -> Sequence[int] | None:
        answer = solve(*_as_doubles(values, target), size=size, threads=1)
        return np.flatnonzero(answer.subset).tolist()

    contenders = {"slth": ours, titled("flsss", "flsss"): flsss_one}
    if about["d"] == 1 and about["size"] is None:
        contenders[titled("approx-subsetsum", "approx-subsetsum")] = approximate_one
    return [
        Contender(
            name,
            lambda find=find: _meet(find, instances, about["size"]),  # type: ignore[misc]
            len(instances),
            warm_up=name == "slth",
            replicates=None if name == "slth" else 1,
        )
        for name, find in contenders.items()
    ]


def counting(cell: Cell, seed: int) -> Sequence[Contender]:
    """Seconds to the number of subsets of up to `size` values that meet the target."""
    about = about_instance(cell["instance"])
    values, target = _instance(about, seed, 0)
    size = about["size"]

    def ours() -> Mapping[str, Any]:
        counts = [count_solutions(*_as_doubles(values, target), size=k) for k in range(1, size + 1)]
        return {"subsets": sum(counts)}

    def theirs() -> Mapping[str, Any]:
        dpss = installed("dpss", EXTRA)
        return {"subsets": len(dpss.find_subset(values.ravel().tolist(), int(target[0]), size))}

    def listed() -> Mapping[str, Any]:
        flsss = installed("flsss", EXTRA)
        found = sum(
            len(flsss.gen(values, target, target, len=k, n_solutions=1 << 30, n_threads=1)) for k in range(1, size + 1)
        )
        return {"subsets": found}

    return [
        Contender("slth", ours, 1),
        Contender(titled("dpss", "dpss"), theirs, 1, warm_up=False, replicates=1),
        Contender(titled("flsss", "flsss"), listed, 1, warm_up=False, replicates=1),
    ]


def flsss_one(values: Indices, target: Indices, size: int | None) -> Sequence[int] | None:
    """The package flsss, one thread: bounds of a subset's indices are drawn together, and branched on."""
    flsss = installed("flsss", EXTRA)
    found = flsss.gen(values, target, target, len=size or 0, n_solutions=1, time_limit=SECONDS, n_threads=1)
    return found[0].tolist() if found else None


def approximate_one(values: Indices, target: Indices, size: int | None) -> Sequence[int] | None:
    """The package approx-subsetsum: a programme over sums up to the target."""
    del size
    approximate = installed("approx_subsetsum", EXTRA)
    try:
        found: Indices = np.asarray(approximate.subsetsum(values.ravel(), int(target[0]), timeout=SECONDS), np.int64)
    except approximate.TimeoutError:
        return None
    return [int(place) for place in found]


def about_instance(text: str) -> dict[str, Any]:
    """Read "n=60 d=3 size=10 top=1000", with odd=1 for targets that no sum meets."""
    parts = dict(part.partition("=")[::2] for part in text.split())
    if not {"n", "top"} <= parts.keys() <= set(KEYS) or not all(value.isdigit() for value in parts.values()):
        raise ArgumentError("instance", text, "is no description of an instance", 'write "n=60 d=3 size=10 top=1000"')
    numbers = {name: int(value) for name, value in parts.items()}
    return {"d": 1, "size": None, "odd": 0, **numbers}


def _instance(about: Mapping[str, Any], seed: int, number: int) -> tuple[Indices, Indices]:
    """Values int64[n, d] and the sum of some of them, or one more than a sum of even values."""
    n, d = about["n"], about["d"]
    drawn = Stream(seed, f"integers.{n}.{d}.{about['size']}.{about['top']}.{number}").uniform(0, n * d)
    values = 1 + np.floor(about["top"] * drawn).astype(np.int64).reshape(n, d)
    if about["odd"]:
        values *= 2
    return values, values[: about["size"] or n // 2].sum(axis=0) + about["odd"]


def _as_doubles(values: Indices, target: Indices) -> tuple[Floats, Any]:
    if values.shape[1] == 1:
        return values[:, 0].astype(np.float64), float(target[0])
    return values.astype(np.float64), target.astype(np.float64)


def _meet(find: Find, instances: Sequence[tuple[Indices, Indices]], size: int | None) -> Mapping[str, Any]:
    """Seek all of them; what is found is summed again."""
    errors = []
    for values, target in instances:
        found = find(values, target, size)
        if found is not None and size is not None and len(set(found)) != size:
            raise Declined(f"it chose {len(set(found))} values instead of {size}")
        missed = None if found is None else np.abs(values[list(found)].sum(axis=0) - target).max()
        errors.append(np.inf if missed is None else float(missed))
    return {"met": sum(error == 0.0 for error in errors), "largest_error": max(errors)}
