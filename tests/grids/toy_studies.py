"""Studies for the tests of the engine: what they do is in the cell. Workers import them by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from slth.grids.keys import Key, Study

PREFIX = "tests.grids.toy_studies"


def noisy(cell, *, seed, context):
    """Numbers that depend on cell and seed alone, by way of a matrix product that threads would round otherwise."""
    generator = np.random.Generator(np.random.Philox(seed))
    left, right = generator.normal(size=(2, cell["n"], 30_000))
    time.sleep(cell.get("pause", 0.0))
    return [
        {"product": float(np.dot(left[0], right[0])), "norm": float(np.linalg.norm(left @ right.T)),
         "successes": int((left[0, :40] > 0).sum()), "trials": 40, "kind": "normal"}
    ]  # fmt: skip


def timed(cell, *, seed, context):
    """Two rows, the second with a further column, and a time."""
    return [{"seconds": 0.1 + seed % 7, "value": cell["n"]}, {"value": -cell["n"], "further": None}]


def counted(cell, *, seed, context):
    """Leaves a file behind each time it is called, and takes its time while there is a file named slow beside."""
    folder = Path(cell["folder"])
    (folder / f"{cell['n']}-{seed % 10**6}-{time.monotonic_ns()}").touch()
    time.sleep(0.02 * (folder.parent / "slow").exists())
    return [{"value": seed % 1000 / 7}]


def deadly(cell, *, seed, context):
    """Kills its own process the first ``times`` times that it gets to n = 3."""
    marks = Path(cell["folder"])
    if cell["n"] == 3 and len(list(marks.iterdir())) < cell["times"]:
        (marks / str(time.monotonic_ns())).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return [{"value": seed % 1000 / 7}]


def failing(cell, *, seed, context):
    """Fails at n = 2 unless there is a file named cured."""
    if cell["n"] == 2 and not (context.folders and (context.folders[0] / "cured").exists()):
        raise ZeroDivisionError("no\nluck")
    return [{"value": 1.0 / cell["n"]}]


def surroundings(cell, *, seed, context):
    """What a worker sees of its threads."""
    import threadpoolctl

    pools = max((pool["num_threads"] for pool in threadpoolctl.threadpool_info()), default=1)
    numba = int(os.environ.get("NUMBA_NUM_THREADS", "0"))
    return [{"pools": pools, "numba": numba, "process": os.getpid(), "cache": str(context.cache)}]


def odd(cell, *, seed, context):
    """Whatever the cell asks for that a study may not return."""
    return {
        "list": [{"value": [1, 2]}],
        "replicate": [{"replicate": 1}],
        "cell": [{"kind": "cell"}],
        "half": [{"successes": 1}],
        "many": [{"successes": 3, "trials": 2}],
        "nothing": None,
        "one": {"value": 1.0},
        "flat": [("value", 1.0)],
        "plain": [{"value": np.float32(0.5), "flag": np.bool_(True)}],
        "text": [{"value": seed / 7, "other": 1 / 3, "law": "normal"}],
        "nan": [{"value": float("nan"), "other": float("-inf")}],
    }[cell["kind"]]


N, FOLDER = Key(int), Key(str)
REGISTRY = {
    f"toy-{name}": Study(f"{PREFIX}:{name}", keys)
    for name, keys in {
        "noisy": {
            "n": N,
            "pause": Key(float, needed=False),
            "law": Key(str, needed=False),
            "eps": Key(float, needed=False),
            "hidden": Key(int, many=True, needed=False),
            "a": Key(int, needed=False),
            "b": Key(int, needed=False),
        },
        "timed": {"n": N},
        "counted": {"n": N, "folder": FOLDER},
        "deadly": {"n": N, "folder": FOLDER, "times": N},
        "failing": {"n": N},
        "surroundings": {"n": N},
        "odd": {"kind": Key(str), "spare": Key(int, when=("kind", "half"))},
    }.items()
}
