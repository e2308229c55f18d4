"""Published recipes of benchmarks/ on a bare machine with a GPU, as ``slth bench NAME`` runs them; see ``--help``.

It needs torch with its Triton, numpy, scipy and safetensors, and the recipe's data set in a folder. From the root of
the repository:

    python3 -m tests.gpu.recipes iterand_conv6 --data-dir DIR --set 'seeds=[1]' 'bfloat16=[true]'

A line of JSON for each cell. What was measured so is in ``docs/gpu.md``. Exit codes: 0 done, 1 a cell failed or was
declined, 2 a wrong argument.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

from slth.benchmarks.runner import find_benchmarks, run_benchmark
from slth.errors import SlthError

FOLDER = Path(__file__).parents[2] / "benchmarks"


def main(arguments: list[str] | None = None) -> int:
    """Run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.recipes", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="+", metavar="NAME", help="files of benchmarks/, without .toml")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=[VALUES]", help="other lists of the grid, in TOML")
    parser.add_argument("--device", default="cuda", help="cuda or cpu (default: cuda)")
    parser.add_argument("--data-dir", type=Path, help="the folder of data sets")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu-recipes"), help="where a killed run goes on")
    given = parser.parse_args(arguments)
    failed = False
    try:
        changed = tomllib.loads("\n".join(given.set))
        plain = [key for key, values in changed.items() if not isinstance(values, list)]
        if plain:
            parser.error(f"--set {plain[0]} must be a list, as in a grid: {plain[0]}=[{changed[plain[0]]!r}]")
        for one in find_benchmarks(FOLDER, given.names):
            extra = {"device": given.device, "data_dir": given.data_dir, "folder": given.out / one.name / "searches"}
            for row in run_benchmark(replace(one, grid={**one.grid, **changed}), extra=extra):
                failed |= row.get("status") != "ok"
                sys.stdout.write(json.dumps({"benchmark": one.name, **row}) + "\n")
                sys.stdout.flush()
    except (SlthError, tomllib.TOMLDecodeError) as refusal:
        parser.error(str(refusal))
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
