"""One command for a bare machine with a GPU: checks, then benchmarks, then a table; see ``--help``.

It needs torch, numpy, scipy and safetensors, no network and no compiler. From the root of the repository:

    python3 -m tests.gpu.run                 # what `make gpu` runs
    python3 -m tests.gpu.run --toy           # the same on a processor, at toy size

Exit codes: 0 all is done and holds; 1 a check failed; 2 there is no CUDA device, or an argument is wrong; 3 time ended
before everything was run; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

import slth
from slth.errors import ArgumentError, did_you_mean
from slth.subset_sum.places import copy_bandwidth, resolve_place
from tests.gpu.benchmarks import BENCHMARKS
from tests.gpu.checks import CHECKS

DONE, FAILED, USAGE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130
GROWTH = 4.0  # a case takes up to so many times as long as the one before

Row = dict[str, Any]


def environment(place: torch.device) -> Row:
    """What the numbers depend on."""
    found: Row = {
        "slth": slth.__version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "device": str(place),
        **{name: _version(name) for name in ("numpy", "scipy", "numba")},
    }
    if place.type == "cuda":
        properties = torch.cuda.get_device_properties(place)
        found |= {
            "name": properties.name,
            "capability": f"{properties.major}.{properties.minor}",
            "multiprocessors": properties.multi_processor_count,
            "memory_bytes": properties.total_memory,
            "asked": _asked_driver(),
        }
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def _asked_driver() -> list[str]:
    """Driver and clocks as the driver's own tool tells them, one line a device; nothing where there is no such tool."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    wanted = "name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit,temperature.gpu"
    try:
        done = subprocess.run(
            [tool, f"--query-gpu={wanted}", "--format=csv"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines()


class Report:
    """Rows on their way to the file, as they come, and to the table at the end."""

    def __init__(self, out: Path) -> None:
        self.rows: list[Row] = []
        self.path = out / "results.jsonl"
        self.path.write_text("", encoding="utf-8")

    def add(self, row: Row) -> None:
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:  # each at once: whoever stops the run keeps them
            file.write(json.dumps(row) + "\n")
        print(f"{row['kind']} {row['name']}: {row['status']}, {row['seconds']:.1f} s", file=sys.stderr)

    def table(self) -> str:
        """A line for each check and for each measurement."""
        lines = [f"{'':58} {'seconds':>9} {'a second':>10} {'GB/s':>8} {'of copy':>8}"]
        for row in self.rows:
            what = " ".join([row["name"], row.get("part", ""), row.get("shown", "")]).replace("  ", " ")
            if row["status"] != "ok":
                lines.append(f"{what[:58]:58} {row['status']}")
            elif row["kind"] == "check":
                lines.append(f"{what[:58]:58} {row['seconds']:9.2f} {'holds':>10}")
            else:
                rates = f"{row['instances_a_second']:10.4g} {row['bytes_a_second'] / 1e9:8.3g}"
                lines.append(f"{what[:58]:58} {row['seconds']:9.4g} {rates} {row['share_of_copy_bandwidth']:8.1%}")
        return "\n".join(lines)


def run_checks(place: torch.device, toy: bool, names: Sequence[str], deadline: float) -> Iterator[Row]:
    """One row a check."""
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        if names and name not in names:
            continue
        begin = perf_counter()
        row: Row = {"kind": "check", "name": name, "seconds": 0.0, "status": "not run: time is up"}
        if begin < deadline:
            row |= _outcome(lambda check=check: check(place, toy))
            row["seconds"] = perf_counter() - begin
        yield row


def run_benchmarks(
    place: torch.device, toy: bool, names: Sequence[str], deadline: float, copied: float
) -> Iterator[Row]:
    """One row a measurement; a case that would outlast the deadline, by the case before it, is left out."""
    for benchmark in BENCHMARKS:
        before = 0.0
        for case in (benchmark.toy,) if toy else benchmark.cases:
            if names and benchmark.name not in names:
                continue
            shown = " ".join(f"{key}={value}" for key, value in case.items())
            row: Row = {"kind": "benchmark", "name": benchmark.name, "shown": shown, "case": dict(case)}
            begin = perf_counter()
            if begin + GROWTH * before > deadline:
                yield {**row, "seconds": 0.0, "status": "not run: time is up"}
                continue
            measured: list[Row] = []
            outcome = _outcome(
                lambda b=benchmark, c=case, m=measured: m.extend(one.row(copied) for one in b.run(place, c))
            )
            before = perf_counter() - begin
            yield from ({**row, **outcome, **one, "model": benchmark.model} for one in measured)
            if outcome["status"] != "ok":
                yield {**row, "seconds": before, **outcome}


def _outcome(call: Callable[[], None]) -> Row:
    """Whether it held, and if not, where it broke."""
    try:
        call()
    except AssertionError:
        return {"status": "FAILED", "error": traceback.format_exc()}
    except Exception as problem:  # whatever it is, the other rows are wanted
        return {"status": f"FAILED: {type(problem).__name__}", "error": traceback.format_exc()}
    return {"status": "ok"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit code."""
    known = [check.__name__.replace("_", " ") for check in CHECKS] + [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="on torch's CPU backend, at toy size")
    parser.add_argument("--device", default="cuda", help="a CUDA device (default: cuda)")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT") or "runs/gpu"))
    parser.add_argument("--minutes", type=float, default=8.0, help="begin nothing that would outlast them (default: 8)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="of: " + "; ".join(known))
    given = parser.parse_args(arguments)
    for name in given.only:
        if name not in known:
            parser.error(f"--only {name!r} is not known: {did_you_mean(name, known)}")
    if not given.toy and not torch.cuda.is_available():
        parser.error(f"torch {torch.__version__} finds no CUDA device: install its CUDA build, or pass --toy")
    try:
        place = resolve_place("cpu" if given.toy else given.device)
    except ArgumentError as refusal:
        parser.error(str(refusal))
    if place is None or (place.type == "cpu" and not given.toy):
        parser.error(f"--device {given.device!r} is the processor: pass --toy for it")
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        report = Report(given.out)
    except OSError as problem:
        parser.error(f"--out {str(given.out)!r} cannot be written: {problem.strerror}")
    deadline = perf_counter() + 60.0 * given.minutes
    copied = copy_bandwidth(place, size=2**22 if given.toy else 2**30)
    facts = {**environment(place), "copy_bytes_a_second": copied, "toy": given.toy}
    (given.out / "environment.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    interrupted = False
    try:
        for row in run_checks(place, given.toy, given.only, deadline):
            report.add(row)
        for row in run_benchmarks(place, given.toy, given.only, deadline, copied):
            report.add(row)
    except KeyboardInterrupt:
        interrupted = True
    head = f"{facts.get('name', platform.processor() or 'processor')}, torch {torch.__version__}"
    table = f"{head}: a copy moves {copied / 1e9:.4g} GB/s\n{report.table()}\n"
    (given.out / "table.txt").write_text(table, encoding="utf-8")
    print(table, end="")
    statuses = [row["status"] for row in report.rows]
    if interrupted:
        return INTERRUPTED
    if any(status.startswith("FAILED") for status in statuses):
        return FAILED
    return PARTIAL if any(status.startswith("not run") for status in statuses) else DONE


if __name__ == "__main__":
    raise SystemExit(main())
