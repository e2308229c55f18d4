"""Freeze targets, folded tickets, certificates and constructions: `python -m tests.tools.freeze_guard [folder]`.

Targets come from tests/guard/targets.py; the package is asked through tests/guard/today.py. Run once, before the
classes were replaced; the files are not to be written again unless a wrong number is found in them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from tests.guard import today
from tests.guard.frozen import FOLDER, save
from tests.guard.targets import targets

SEEDS = range(10)  # medians of five seeds still scatter by a quarter


def frozen(case):
    """Fill a case with the ticket of seed 0, what is published of it, and what each rule says."""
    construction = today.constructed(case, 0)
    today.freeze_ticket(case, construction.ticket)
    published = today.numbers(construction.certificate)
    bounds = today.rules(case)
    names = list(bounds)
    smallest = np.argmin(np.array([bounds[name] for name in names]), axis=0)
    case.published = {**published, "rules": bounds, "decided_by": [names[number] for number in smallest]}
    return case


def distribution(case):
    """Return what constructions of several seeds come to."""
    return {"method": case.method, "seeds": {seed: today.measured(today.constructed(case, seed)) for seed in SEEDS}}


def as_lines(table):
    """Return the table of constructions as JSON with a line for each construction."""
    targets = []
    for name, fields in table.items():
        seeds = ",\n".join(f"   {json.dumps(str(seed))}: {json.dumps(row)}" for seed, row in fields["seeds"].items())
        method = json.dumps(fields["method"])
        targets.append(f' {json.dumps(name)}: {{\n  "method": {method},\n  "seeds": {{\n{seeds}\n  }}\n }}')
    return "{\n" + ",\n".join(targets) + "\n}\n"


def main(folder: Path) -> None:
    cases = [frozen(case) for case in targets()]
    save(cases, folder)
    table = {case.name: distribution(case) for case in cases}
    (folder / "constructions.json").write_text(as_lines(table), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
