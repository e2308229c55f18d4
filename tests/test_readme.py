"""What README and the first page say of the demo is what ``slth demo`` prints, within what other machines change.

Training rounds otherwise on other processors: accuracies may differ by two of 360 images, errors by a third, and the
file by a twentieth, for other channels are kept.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from slth.data.datasets import load
from slth.graphs.file import load_graph
from tests.cli.running import run

ROOT = Path(__file__).parent.parent
ROW = re.compile(
    r"demo: .* accuracy (?P<target>[\d.]+) % before, (?P<ticket>[\d.]+) % after; certified error (?P<certified>[\d.]+)"
    r".*, worst found by gradient ascent (?P<attack>[\d.]+), on the test set (?P<sampled>[\d.]+)"
    r" \(outputs reach (?P<reach>\d+)\); file (?P<file>[\d.]+) kB"
)
PAGE = {
    "target": r"accuracy of the trained network \| ([\d.]+) %",
    "ticket": r"accuracy of the ticket, .* \| ([\d.]+) %",
    "certified": r"\(certified\) \| ([\d.]+)",
    "attack": r"worst that gradient ascent found \| ([\d.]+)",
    "sampled": r"worst on the test set \| ([\d.]+)",
    "reach": r"how far outputs reach \| (\d+)",
    "file": r"\| file \| ([\d.]+) kB",
}
WITHIN = {"target": (0.0, 0.57), "ticket": (0.0, 0.57), "file": (0.05, 0.0)}
A_THIRD = (1.0 / 3.0, 0.0)


def said():
    """The numbers of README and of the first page, by name."""
    found = ROW.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found, "README has no row of the demo in the form that is known"
    page = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    first = {name: re.search(pattern, page) for name, pattern in PAGE.items()}
    assert all(first.values()), first
    return [found.groupdict(), {name: one[1] for name, one in first.items()}]


def test_the_first_page_says_what_readme_says():
    readme, page = said()
    assert readme == page


@pytest.mark.slow
def test_the_demo_prints_what_readme_says(capsys, tmp_path):
    ran = run(capsys, "demo", "--out", tmp_path, "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    digits, target = load("digits"), load_graph(tmp_path / "target.safetensors")
    outputs = target.forward(digits.inputs("test").reshape(-1, *target.input_shape))
    printed = {
        "target": 100.0 * found["target_accuracy"],
        "ticket": 100.0 * found["ticket_accuracy"],
        "certified": found["certified_error"],
        "attack": found["attack_error"],
        "sampled": found["sampled_error"],
        "reach": float(np.abs(outputs).max()),
        "file": found["ticket_bytes"] / 1000.0,
    }
    for name, text in said()[0].items():
        share, more = WITHIN.get(name, A_THIRD)
        digits_said = 0.5 * 10.0 ** -len(text.partition(".")[2])
        assert abs(float(text) - printed[name]) <= share * printed[name] + more + digits_said, name
