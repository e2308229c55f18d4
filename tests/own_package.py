"""A package of somebody else's, as pip installs it: modules, and the names that it registers, in a folder."""

from __future__ import annotations

from pathlib import Path

STUDY = '''
from slth.rng import Stream
from slth.studies import Key, study

@study(n=Key(int, least=1, meaning="numbers in a sum"), scale=Key(float, above=0.0, most=10.0, needed=False))
def largest_sum(cell, *, seed, context):
    """The largest sum of a subset: what is positive."""
    drawn = 2.0 * Stream(seed, "own.values").uniform(0, cell["n"]) - 1.0
    return [{"largest": cell.get("scale", 1.0) * float(drawn[drawn > 0].sum()), "law": "uniform"}]

def undeclared(cell, *, seed, context):
    return []
'''

BOUNDS = '''
from typing import Annotated
from slth.theory import bound, small, whole

@bound("own2026.sums", "A. Nobody, 2026", quantity="random values", provenance="derived", count=True)
def sums(*, n: Annotated[int, whole("values")], eps: Annotated[float, small("error")]) -> float:
    """Values of a sum

    n / eps values are enough.

    >>> round(sums(n=3, eps=0.5))
    6
    """
    return n / eps

@bound("own2026.width", "A. Nobody, 2026", quantity="hidden width", provenance="derived", count=True)
def width(*, d_in: Annotated[int, whole("inputs of the layer")], eps: Annotated[float, small("error")]) -> float:
    """Width of a pair of layers

    d_in / eps units are enough.
    """
    return d_in / eps

@bound("own2026.falling", "A. Nobody, 2026", quantity="random values", provenance="derived")
def falling(*, n: Annotated[int, whole("values", most=1000)]) -> float:
    """A bound that falls although it says that it rises

    1 / n values are enough.
    """
    return 1.0 / n
'''

CHECKS = """
from hypothesis import strategies as st
from slth.verifier.nouns import Inequality

CHECKS = (
    Inequality(
        key="own2026.doubled", claim="2 x is at most 2", ratio=lambda case: case["x"],
        cases=lambda: st.fixed_dictionaries({"x": st.just(0.5)}),
    ),
)
"""

FIGURE = """
from slth.figures.rows import numbers
from slth.figures.style import panels

def draw(rows):
    with panels(4.0, 3.0, 1, 1) as (figure, (axes,)):
        axes.plot(numbers(rows, "n"), numbers(rows, "largest"), "o")
    return figure
"""

LEARNING = """
import numpy as np
from torch import nn

def two_layers(input_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0], 8), nn.ReLU(), nn.Linear(8, classes))

def signs(seed):
    x = np.random.default_rng(seed).uniform(size=(60, 4)).astype(np.float32)
    y = (x.sum(axis=1) > 2).astype(int)
    return {"x_train": x[:40], "y_train": y[:40], "x_test": x[40:], "y_test": y[40:]}
"""

SPEC = 'task = "largest-sum"\ndescription = "The largest sum"\nreplicates = 2\n[grid]\nn = [1, 2, 4]\n'

ENTRY_POINTS = """
[slth.studies]
largest-sum = own_slth.study:largest_sum
[slth.bounds]
own2026 = own_slth.bounds
[slth.checks]
own2026 = own_slth.checks
[slth.figures]
largest_sum = own_slth.figure:draw
[slth.models]
two-layers = own_slth.learning:two_layers
[slth.data]
signs = own_slth.learning:signs
"""

BROKEN = """
[slth.studies]
lost = lost_slth.study:nothing
[slth.bounds]
lost2026 = lost_slth.bounds
[slth.checks]
lost2026 = lost_slth.bounds
[slth.models]
lost = lost_slth.learning:net
"""


def distribution(folder: Path, name: str, entry_points: str) -> None:
    """What pip writes beside a package that it installs."""
    about = folder / f"{name}-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(entry_points)


def install(folder: Path) -> None:
    """Put the package into a folder, with another beside it of which nothing can be imported."""
    package = folder / "own_slth"
    (package / "largest_sum").mkdir(parents=True)
    texts = {"__init__": "", "study": STUDY, "bounds": BOUNDS, "checks": CHECKS, "figure": FIGURE, "learning": LEARNING}
    for name, text in texts.items():
        (package / f"{name}.py").write_text(text)
    (package / "largest_sum" / "spec.toml").write_text(SPEC)
    distribution(folder, "own_slth", ENTRY_POINTS)
    (folder / "lost_slth").mkdir()
    (folder / "lost_slth" / "__init__.py").write_text("raise OSError('no luck')\n")
    distribution(folder, "lost_slth", BROKEN)
