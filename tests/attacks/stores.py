"""Single bits of a finished store are flipped: it is refused, or its table is the same; repaired, it is the same."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from slth.errors import SlthError
from slth.grids.engines import Serial
from slth.grids.results import read_results
from slth.grids.run import Computation, run_experiment
from slth.grids.spec import Experiment
from slth.grids.store import RESULTS_NAME
from slth.grids.tables import csv_text
from tests.grids.toy_studies import REGISTRY

EXPERIMENT = Experiment(
    name="bits", task="toy-odd", replicates=3, grids=({"kind": ["plain", "nan", "text"]},), description="a store"
)


def run(*, seconds: float, seed: int) -> list[str]:
    """Flip random bits for so long; what is found is said with the bit that shows it."""
    end, draw, faults = time.monotonic() + seconds, random.Random(seed), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = compute(folder).read_bytes()
        sound = (folder / RESULTS_NAME).read_bytes()
        while time.monotonic() < end:
            bit = draw.randrange(8 * len(sound))
            try:
                fault = flip(folder, sound, bit, table)
            except Exception as problem:  # whatever is not ours is a fault
                fault = f"{type(problem).__name__}: {problem}"
            if fault:
                faults.append(f"bit {bit} of the store: {fault}")
    return faults


def compute(folder: Path, *, repair: bool = False) -> Path:
    """Compute what is missing, and give the table."""
    return run_experiment(EXPERIMENT, folder, REGISTRY, Computation(engine=Serial(), repair=repair)).path


def flip(folder: Path, sound: bytes, bit: int, table: bytes) -> str | None:
    """Flip one bit; say what is wrong with what is read, resumed and repaired."""
    content = bytearray(sound)
    content[bit // 8] ^= 1 << bit % 8
    for old in folder.glob("results*.sqlite*"):
        old.unlink()
    (folder / RESULTS_NAME).write_bytes(content)
    try:
        read, _ = read_results(folder)
    except SlthError:
        read = None
    if read is not None and csv_text(read.rows, read.columns).encode() != table:
        return "read, and its table is another"
    try:
        if compute(folder).read_bytes() != table:
            return "gone on with, and its table is another"
    except SlthError as refusal:
        if not any(way in str(refusal) for way in ("--repair", "--no-resume", "--out")):
            return f"refused without a way out: {refusal}"
        if compute(folder, repair=True).read_bytes() != table:
            return "repaired, and its table is another"
    return None
