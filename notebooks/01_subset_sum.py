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
# # Subset sum and its limits
#
# Given random numbers and a target, which of the numbers should we add up to come nearest to the target?
# Strong lottery tickets rest on one fact: with n numbers the best sum misses by about $2^{-n}$.
# This tour shows the fact, how well it can be predicted, and where it ends.

# %%
# %matplotlib inline
import numpy as np

import slth
from slth.figures.best_error import best_error_figure
from slth.grids.context import Context
from slth.studies.best_error import best_error

# %% [markdown]
# ## One instance
#
# A law turns a stream of random numbers into values. The same seed and path give the same values on every machine.

# %%
uniform = slth.law_from_text("uniform:-1:1")
values = uniform.sample(slth.Stream(seed=0, path="tour.values"), 20)
solution = slth.solve(values, 0.2)
print("chosen:", np.round(values[solution.subset], 3))
print(f"sum {solution.total:.9f}, error {solution.error:.2e}")
print(f"{solution.status.label}: {solution.status.advice}")

# %% [markdown]
# The error is the exactly rounded distance of the sum from the target. "Optimal" is a proof: none of the $2^{20}$
# subsets comes nearer. If a small error is enough, say so, and the search stops early.

# %%
early = slth.solve(values, 0.2, tolerance=0.01)
print(f"{early.status.label}: error {early.error:.2e}, {int(early.subset.sum())} values chosen")

# %% [markdown]
# ## The error is known beforehand
#
# There are $2^n$ sums, and near the target they lie about as densely as a normal law says. So the best error is close
# to an exponential law, whose rate follows from the values alone. Nothing is solved for the prediction.

# %%
prediction = slth.predict_error(values, 0.2)
print(f"predicted median {prediction.median:.2e}, 99 % below {prediction.quantile(0.99):.2e}")
print(f"found            {solution.error:.2e}")

# %% [markdown]
# One instance says little about a median. A batch of them is solved at once. Each four values more divide the median
# by about $2^4 = 16$.

# %%
print(" n   median error   median * 2^n")
for n in (8, 12, 16, 20):
    lists = uniform.sample(slth.Stream(seed=1, path="tour.batch"), 1000 * n).reshape(1000, n)
    batch = slth.solve_batch(lists, np.full(1000, 0.2))
    median = np.median(batch.errors)
    print(f"{n:2d}   {median:.2e}       {median * 2**n:.2f}")

# %% [markdown]
# The figure below is the package's own figure `best_error`, here from a small grid. Points are measured, lines are
# predicted. Below, measured is divided by predicted: at 1 the prediction is right. The 99 % quantile rests on 3 of the
# 300 instances of a sample, so its bars are long, and where n is small its prediction is worse than that of the median:
# there are too few sums to lie like a normal law. `slth figure best_error` draws it from the larger table.

# %%
cells = [
    {"law": law, "n": n, "target": 0.2, "instances": 300} for law in ("uniform", "normal") for n in (6, 10, 14, 18)
]
rows = [
    {**cell, **row} for cell in cells for seed in range(4) for row in best_error(cell, seed=seed, context=Context())
]
drawing = best_error_figure(rows)
drawing

# %% [markdown]
# ## All targets at once
#
# A network has many weights, and one list of random values may serve all of them. How far can the worst target of an
# interval be from the sums? `coverage` answers for every point of the interval, by sorting all $2^n$ sums.

# %%
stream = slth.Stream(seed=2, path="tour.coverage")
print(" n   worst error   worst target   within 0.01")
for n in (6, 10, 14, 18, 22):
    found = slth.coverage(uniform.sample(stream, n), (-0.5, 0.5), tolerance=0.01)
    print(f"{n:2d}   {found.worst_error:.2e}      {found.worst_target:+.4f}        {found.covered_fraction:7.2%}")

# %% [markdown]
# The worst target misses by far more than a typical one: the widest of many gaps is wide.
#
# ## First limit: time
#
# Exact search takes a number of steps that grows as $2^{n/2}$. Beyond n = 64 there is no proof any more, only
# heuristics: they come near, and they say that nothing is proved.

# %%
many = uniform.sample(slth.Stream(seed=3, path="tour.many"), 10_000)
for n in (20, 40, 10_000):
    result = slth.solve(many[:n], 0.2)
    print(f"n = {n:5d}: error {result.error:.1e}, {result.status.label}, by {result.solver}")

# %% [markdown]
# ## Second limit: doubles
#
# The last error is as small as can be, though nobody proved it. The values of this law are whole multiples of
# $2^{-52}$, and so are all of their sums. The target 0.2 is none.

# %%
steps = many * 2.0**52
assert (steps == np.round(steps)).all()
print(f"distance of 0.2 from the nearest multiple of 2^-52: {abs(0.2 * 2.0**52 - round(0.2 * 2.0**52)) / 2.0**52:.1e}")

# %% [markdown]
# Networks do not need such errors. Weights in float32 are themselves rounded, to about $10^{-7}$ of their size.
#
# ## Third limit: dimension
#
# The values may be vectors, for instance the kernels of a convolution. All coordinates must fit at once, and the same
# $2^n$ sums are spread over d dimensions. The error shrinks as $2^{-n/d}$ only.

# %%
normal = slth.law_from_text("normal")
print("d   median error   2^(-n/d)    (n = 20)")
for d in (1, 2, 3, 4):
    vectors = normal.sample(slth.Stream(seed=4, path=f"tour.vectors{d}"), 20 * 20 * d).reshape(20, 20, d)
    found = slth.solve_batch(vectors, np.full((20, d), 0.5))
    print(f"{d}   {np.median(found.errors):.2e}       {2 ** (-20 / d):.2e}")

# %% [markdown]
# To shrink the error in many dimensions one needs many more vectors, and then no exact search. A pursuit over bands of
# long and short vectors does it. Tour 3 builds a CNN in this way.

# %%
for n in (100, 1000, 10_000):
    lengths = normal.sample(slth.Stream(seed=5, path="tour.lengths"), n)
    directions = normal.sample(slth.Stream(seed=6, path="tour.directions"), 9 * n).reshape(n, 9)
    result = slth.solve(lengths[:, None] * directions, np.full(9, 0.5))
    print(f"d = 9, n = {n:5d}: error {result.error:.1e}, {result.status.label}, {int(result.subset.sum())} kept")
