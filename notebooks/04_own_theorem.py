# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One's own theorem
#
# Suppose you have a new idea, a theorem for it, and want to see both in numbers. This tour adds a law of random values,
# a bound, a hunt for counter-examples, and a figure. Nothing of the package has to be changed for it. The end says
# where each piece goes when it should stay.

# %%
# %matplotlib inline
import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import strategies

import slth
from slth.figures.style import BLUE, GREEN, ORANGE, figure, light_grid, save_figure, style
from slth.subset_sum.laws import MixtureWithZero, ScipyLaw
from slth.theory import Assumption, Parameter
from slth.verifier.nouns import Effort, Inequality
from slth.verifier.search import run_check

# %% [markdown]
# ## A law
#
# A law of values can be written as a text. The elementary ones are there, with any distribution of scipy.
# `zero-mixture` sets a share of the values to 0.

# %%
laws = {
    "uniform": slth.law_from_text("uniform:-1:1"),
    "Laplace": slth.law_from_text("scipy:laplace:0:0.4"),
    "Laplace, half zero": slth.law_from_text("zero-mixture:0.5:scipy:laplace:0:0.4"),
}
for name, law in laws.items():
    print(f"{name}: mean {law.mean:g}, second moment {law.second_moment:.3f}, {law.describe()}")

# %% [markdown]
# The same laws can be put together from objects, as `MixtureWithZero(ScipyLaw(scipy.stats.laplace(0, 0.4)), 0.5)`. What
# counts as a law is what offers `mean`, `second_moment`, `sample` and `describe`. The prediction of the best error
# needs no more than the values.

# %%
assert isinstance(laws["Laplace, half zero"], MixtureWithZero)
assert isinstance(laws["Laplace, half zero"].law, ScipyLaw)
values = laws["Laplace"].sample(slth.Stream(seed=0, path="tour.law"), 18)
print(f"predicted median error {slth.predict_error(values, 0.3).median:.1e}, found {slth.solve(values, 0.3).error:.1e}")

# %% [markdown]
# The weights of a random *network* must come out with the same bits on every machine. scipy does not promise that. So
# networks have laws of their own, uniform and normal, of any scale.

# %%
linear = slth.Conv([[0.5, -0.25], [0.125, 0.75]])  # a linear layer is a convolution of one pixel
target = slth.Graph((2,), [slth.Node("linear", linear, ("input",))])
for law in (slth.WeightLaw("uniform", 1.0), slth.WeightLaw("normal", 0.5)):
    made = slth.construct(target, method=slth.PerWeight(candidates=20), law=law, seed=0)
    print(f"{law}: certified error {made.certificate.error:.1e}")

# %% [markdown]
# ## A bound
#
# The idea: let each random value be used up to r times instead of once. The theorem: n values then have at most
# $(r + 1)^n$ different sums. Each sum covers a piece of length 2 eps. To come within eps of every point of an interval
# of length L, the pieces must cover it, hence
#
# $$(r + 1)^n \, 2 \epsilon \ge L, \qquad n \ge \frac{\ln(L / (2 \epsilon))}{\ln(r + 1)} .$$
#
# A `Bound` is this formula with all that must be said beside it. Each `Parameter` says what it means, its range, and
# whether the bound rises or falls with it.

# %%
repeats = slth.Bound(
    key="mine.repeated.candidates",
    title="values needed to cover an interval when each may be used r times",
    citation="this notebook",
    statement="Sums with coefficients 0..r are within eps of each point of a length L only if (r+1)^n 2 eps >= L.",
    quantity="values",
    direction="necessary",
    provenance="derived",
    formula=lambda eps, uses, length: max(0.0, math.log(length / (2.0 * eps)) / math.log(uses + 1.0)),
    parameters={
        "eps": Parameter(meaning="error that is allowed", above=0.0, below=1.0, monotone=-1),
        "uses": Parameter(meaning="how often a value may be used", least=1, most=100, whole=True, monotone=-1),
        "length": Parameter(meaning="length of the interval of targets", above=0.0, monotone=1, default=1.0),
    },
    assumptions=(Assumption(words="no law of the values: the bound counts sums"),),
    count=True,
)
for uses in (1, 2, 3):
    print(repeats.evaluate(eps=0.001, uses=uses))

# %% [markdown]
# A `count` is rounded up to a whole number. Arguments outside their range are refused, with a way out. Had the theorem
# an unspecified factor, `constant="what it multiplies"` would make the bound ask for it (see tour 2).

# %%
try:
    repeats(eps=0.001, uses=1.5)
except slth.ArgumentError as refusal:
    print(refusal)

# %% [markdown]
# ## A hunt for counter-examples
#
# A proof may be wrong, and so may a formula. Give the verifier a claim as a ratio that never exceeds 1. It draws cases
# and climbs towards the worst one. Here a case is a list of values, in hundredths, and a number of uses. We measure the
# error eps that the values reach, and ask how many values the bound needs for that eps: never more than there are. (A
# value that may be used r times is the same as r equal values.)
#
# Does the hunt notice mistakes? We also give it a bound that is wrong on purpose: it takes the piece that a sum covers
# to be eps long, and not 2 eps.

# %%
cases = strategies.fixed_dictionaries(
    {
        "hundredths": strategies.lists(strategies.integers(-50, 50), min_size=1, max_size=4),
        "uses": strategies.integers(1, 3),
    }
)
mistaken = replace(
    repeats,
    key="mine.mistaken",
    formula=lambda eps, uses, length: max(0.0, math.log(length / eps) / math.log(uses + 1.0)),
)
findings = []
for tried in (repeats, mistaken):
    claim = Inequality(
        key=tried.key,
        claim="the bound never asks for more values than there are",
        cases=lambda: cases,
        ratio=lambda case, tried=tried: (
            tried(
                eps=slth.coverage(np.repeat(case["hundredths"], case["uses"]) / 100.0, (-0.25, 0.25)).worst_error,
                uses=case["uses"],
                length=0.5,
            )
            / len(case["hundredths"])
        ),
    )
    findings.append(run_check(claim, Effort(examples=400)))
for finding in findings:
    print(f"{finding.key} {finding.verdict}: worst ratio {finding.worst:.2f} at {finding.case}")
assert [finding.verdict for finding in findings] == ["held", "violated"]

# %% [markdown]
# A violation comes with the simplest case that was found, so that one can think about it by hand.
#
# ## A figure
#
# How far is the bound from what happens? We measure the median error of 20 lists for each n and r, and draw it beside
# the bound. `style` and `figure` give the look of all our figures: colours that the colour-blind can tell apart, and
# markers that survive grey print.

# %%
measured = {}
for uses in (1, 2, 3):
    for n in range(3, 18 // uses + 1):
        lists = [np.repeat(laws["uniform"].sample(slth.Stream(seed, "tour.figure"), n), uses) for seed in range(20)]
        errors = [slth.coverage(values, (-0.5, 0.5)).worst_error for values in lists]
        measured.setdefault(uses, []).append((n, np.median(errors)))
with style():
    drawing = figure(5.6, 3.6)
    axes = drawing.subplots()
    for (uses, points), color, marker in zip(measured.items(), (BLUE, ORANGE, GREEN), "os^", strict=True):
        n, eps = np.array(points).T
        axes.semilogy(n, eps, marker, color=color, label=f"r = {uses}, measured")
        axes.semilogy(n, (uses + 1.0) ** -n / 2.0, color=color, linewidth=1.2)
    axes.plot([], [], color="black", linewidth=1.2, label="bound (derived here)")
    axes.set(xlabel="number of values n", ylabel="worst error in [-1/2, 1/2]", title=repeats.title)
    axes.legend(loc="lower left", fontsize=7.5)
    light_grid(axes)
drawing

# %% [markdown]
# Every point lies above its line, as it must. The gap grows with n. Many of the sums lie outside the interval, and
# those inside are not evenly spread: that is what a better theorem would have to count.

# %%
for uses, points in measured.items():
    n, eps = points[-1]
    print(f"r = {uses}, n = {n:.0f}: measured error is {eps * 2.0 * (uses + 1.0) ** n:.1f} times the least possible")
    assert repeats(eps=eps, uses=uses) <= n

# %% [markdown]
# `save_figure` writes PDF and PNG, the same bytes every time, with a word on how they were made.

# %%
with TemporaryDirectory() as folder:
    for path in save_figure(drawing, Path(folder) / "repeats", title=repeats.title, about={"seed": 0, "made by": "me"}):
        print(path.name, f"{path.stat().st_size:,} bytes")

# %% [markdown]
# ## When it should stay
#
# * **A law**: a frozen class in `slth/subset_sum/laws.py` with `mean`, `second_moment`, `sample` and `describe`, and a
#   line in `LAWS`.
# * **A bound**: the formula as a function of a module of `slth/theory`, under the decorator `slth.theory.bound`, which
#   makes the same object: the annotations are the parameters, the docstring is title and statement. A new module goes
#   into `FAMILIES` of `slth/theory/catalogue.py`. The tests of the catalogue run on it at once: it must be monotone
#   where declared, finite, and whole where it is a count.
# * **A check**: an entry of `CHECKS` in a module of `slth/verifier`. Then `slth verify` knows it.
# * **A figure**: a study in `slth/studies` that turns one cell of a grid into rows, a grid in
#   `paper_figures/NAME/spec.toml`, and a function in `slth/figures` that draws rows and is listed in its catalogue.
#   Then `slth figure NAME` draws it, and `slth figure NAME --rerun` computes its table.
