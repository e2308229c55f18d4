"""Tickets on a data diet on a bare machine with a GPU: ResNet-20 on CIFAR-10 at 1/8 of the published length.

It needs torch, numpy, scipy and safetensors, and CIFAR-10 (``cifar-10-batches-bin``) in a folder. From the root of the
repository:

    python3 -m tests.gpu.diets --data-dir DIR
    python3 -m tests.gpu.diets --toy             # on a processor, on random images, for a moment

The ways of beginning take turns on streams of their own. The same command with the same ``--out`` goes on from the
epoch where it was. What was measured so is in ``docs/gpu.md``. Exit codes: 0 done, 1 a process failed, 2 a wrong
argument or no device, 3 time ended before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from slth.data.data_set import DataSet, assemble
from slth.data.datasets import load
from slth.jobs.data_diet import LEVELS, SCORES, WAYS, DietJob, run_diet, scores_of
from slth.jobs.models import model_of
from slth.jobs.standardising import Standardised
from slth.training import CROP_AND_FLIP, SGD, MultiStep, Recipe

DONE, FAILED, PARTIAL = 0, 1, 3
ROWS = "rows.json"


def job_of(given: argparse.Namespace, levels: int) -> DietJob:
    """Return the published recipe at 1/8 of its length: 20 epochs a level, 200 first steps on 3,200 examples."""
    cuda = {} if given.device == "cpu" else {"bfloat16": True, "cuda_graphs": True}
    epochs, batch, size, steps = (2, 16, 16, 3) if given.toy else (20, 128, 3200, 200)
    recipe = Recipe(
        epochs, batch, MultiStep(0.1, milestones=(epochs // 2, max(epochs // 2 + 1, 3 * epochs // 4)), factor=0.1),
        SGD(weight_decay=1e-4), augmentation=CROP_AND_FLIP, drop_last=True, **cuda,
    )  # fmt: skip
    return DietJob(
        model_of("resnet-20", {"shortcut": "projection"}), recipe, "el2n", given.ways, size, steps, levels,
        runs=1 if given.toy else given.runs, score_epochs=epochs // 2, held_out=0.0, seed=given.seed,
        device=given.device,
    )  # fmt: skip


def data_of(given: argparse.Namespace) -> DataSet:
    """Return CIFAR-10, or a few random images."""
    if not given.toy:
        return load("cifar10", data_dir=given.data_dir)
    images = np.random.default_rng(0).integers(0, 256, (128, 3072), dtype=np.uint8)
    return assemble("random", (3, 32, 32), 10, 255.0, (images, np.arange(128) % 10, images, np.arange(128) % 10), {})


def child(given: argparse.Namespace) -> int:
    """Score the examples, or begin and prune, a few levels at a time: each time a row for each of them."""
    data = data_of(given)
    if given.part == SCORES:
        job = job_of(given, 1)
        train = Standardised.of(data, job.model.input_shape(data)).examples("train")
        scores_of(job, data, train, folder=given.out / SCORES)
        return DONE
    for levels in (1, 2) if given.toy else (4, 7, 9, 10):
        found = run_diet(job_of(given, levels), data, given.out)
        write(given.out / ROWS, found)
    return DONE


def write(path: Path, found: object) -> None:
    """Write a document whole or not at all."""
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(found), encoding="utf-8")
    aside.rename(path)


def run(given: argparse.Namespace, part: str, end: float) -> int:
    """Run a part in a process of its own, which ends when it is done or when time is."""
    command = [sys.executable, "-m", "tests.gpu.diets", *given.words, "--part", part]
    try:
        code = subprocess.run(command, timeout=max(0.1, end - time.perf_counter()), check=False).returncode
    except subprocess.TimeoutExpired:
        return PARTIAL
    return FAILED if code else DONE


def table(given: argparse.Namespace) -> str:
    """A line for each level: its density, and the test accuracy in percent behind each way of beginning."""
    path = given.out / ROWS
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    lines = ["level  density  " + "".join(f"{way:>8}" for way in given.ways)]
    for level in sorted({row["level"] for row in rows}):
        cells = {row["way"]: row for row in rows if row["level"] == level}
        accuracies = "".join(f"{100 * cells[way]['accuracy']:8.2f}" for way in given.ways)
        lines.append(f"{level:5}  {cells[given.ways[0]]['density']:7.4f}  {accuracies}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.diets", description=__doc__.partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="at toy size on random images, on a processor by default")
    parser.add_argument("--device", help="cuda or cpu (default: cuda, of a toy cpu)")
    parser.add_argument("--data-dir", type=Path, help="the folder with cifar-10-batches-bin")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu-diets"))
    parser.add_argument("--ways", default="easy,random,hard,all", help=f"of {', '.join(WAYS)} (default: all but none)")
    parser.add_argument("--runs", type=int, default=4, help="networks whose EL2N scores are averaged (default: 4)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=9.0, help="stop then, and say how far each is (default: 9)")
    parser.add_argument("--part", choices=(SCORES, LEVELS), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    given.words = sys.argv[1:] if arguments is None else list(arguments)
    given.ways = given.ways.split(",")
    given.device = given.device or ("cpu" if given.toy else "cuda")
    if not set(given.ways) <= set(WAYS):
        parser.error(f"--ways {','.join(given.ways)} must be some of {','.join(WAYS)}")
    if given.device != "cpu" and not torch.cuda.is_available():
        parser.error(f"torch {torch.__version__} finds no CUDA device: install its CUDA build, or pass --toy")
    if not given.toy and (given.data_dir is None or not (given.data_dir / "cifar-10-batches-bin").is_dir()):
        parser.error(f"--data-dir {given.data_dir} holds no cifar-10-batches-bin: name the folder of data sets")
    given.out.mkdir(parents=True, exist_ok=True)
    if given.part is not None:
        return child(given)
    end = time.perf_counter() + 60.0 * given.minutes
    code = run(given, SCORES, end)
    print(f"scores: {60.0 * given.minutes - end + time.perf_counter():.1f} s", file=sys.stderr)
    code = code or run(given, LEVELS, end)
    print(table(given))
    print(f"all: {60.0 * given.minutes - end + time.perf_counter():.1f} s", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
