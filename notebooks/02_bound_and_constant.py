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
# # A bound, its proof run, and its constant measured
#
# Theorems about lottery tickets say how large a random network must be. Many of them say it as O(something): a factor
# C is left open. This tour reads such a theorem, runs a proof of its kind, and measures the factor.

# %%
# %matplotlib inline
import numpy as np

import slth
from slth.figures.style import BLUE, INK, ORANGE, figure, light_grid, style
from slth.grids.context import Context
from slth.studies.trained_targets import data_of, dense_target
from slth.verifier import verify
from slth.verifier.nouns import Effort

# %% [markdown]
# ## Read it
#
# `slth.bounds` is the catalogue. Each bound knows its paper, its assumptions, and how well the statement is known.

# %%
print(f"{len(slth.bounds)} bounds; those of Lueker:")
for key in slth.bounds:
    if key.startswith("lueker"):
        print(f"  {key}: {slth.bounds[key].title}")

bound = slth.bounds["lueker1998.candidates"]
print()
print(bound.citation)
print(bound.statement)
print(f"{bound.direction}; {bound.provenance_text}")
for name, parameter in bound.parameters.items():
    print(f"  {name} in {parameter.range_text()}: {parameter.meaning}")

# %% [markdown]
# The theorem does not say what C is. So the bound refuses to give a number until we say which C we assume, and every
# print-out repeats it.

# %%
try:
    bound(eps=0.01, delta=0.1)
except slth.ArgumentError as refusal:
    print(refusal)

print()
print(bound.evaluate(eps=0.01, delta=0.1, constant=1.0))

# %% [markdown]
# On the command line: `slth bound show lueker1998.candidates` and
# `slth bound eval lueker1998.candidates --eps 0.01 --delta 0.1 --constant 1`.
#
# ## Run the proof
#
# The proofs of strong tickets are recipes. Each weight of a trained network becomes a subset sum over products of
# random weights: Pensia and others, 2020. `slth.construct` does what the proof says. We train a small network on the
# digits that come with scikit-learn, and ask for an output error of at most 0.05.

# %%
data = data_of("digits", Context())
target = dense_target(data, Context(), hidden=[32], epochs=30, seed=0)
made = slth.construct(target, method=slth.PerWeight(eps=0.05, delta=0.01), seed=0)
print(f"certified: on no image does an output differ by more than {made.certificate.error:.4f}")
print()
print("layer   instances   candidates   random weights kept   tolerance   largest error of a weight")
for row in made.table:
    share = f"{row.kept} of {row.open_positions}"
    print(
        f"{row.layer:5d}   {row.instances:9d}   {row.candidates:10d}   {share:>19}   {row.tolerance:.1e}    "
        f" {row.largest_error:.1e}"
    )
assert made.certificate.error <= 0.05

# %% [markdown]
# The certificate holds for every image with pixels from 0 to 1, not only for those that we have. On the test images
# the difference is smaller, and the accuracy stays.

# %%
images, labels = data.inputs("test"), data.labels("test")
wanted, got = target.forward(images), made.ticket.forward(images)
print(f"largest difference on {len(images)} test images: {np.abs(got - wanted).max():.4f}")
for name, outputs in (("target", wanted), ("ticket", got)):
    print(f"accuracy of the {name}: {(outputs.argmax(axis=1) == labels).mean():.2%}")
assert np.abs(got - wanted).max() <= made.certificate.error + made.certificate.float64_allowance

# %% [markdown]
# ## Measure the constant
#
# How large must C be for Lueker's bound to hold? For each eps, `verify` draws random lists and finds the least n with
# which each list covers the whole interval. The bound claims success with probability $1 - \delta = 0.9$. So n is the
# 90 % quantile of the least numbers, and as the bound is rounded up, $C$ must exceed
# $(n - 1) / \ln(2 / \min(\epsilon, \delta))$. All intervals together hold with 95 %.

# %%
[finding] = verify([bound.key], effort=Effort(trials=60))
print(finding.claim)
print(finding.note)
print()
print("  eps   least n   C exceeds   95 % interval")
for row in finding.rows:
    print(f"{row['eps']:5g}   {row['needed']:7g}   {row['C']:9.2f}   {row['C_low']:.2f} to {row['C_high']:.2f}")

# %% [markdown]
# C is the slope from the origin to a point of the picture. It falls as eps does, and the theorem wants one C for all
# eps. So the largest that was measured is the least that may do. `slth verify` measures C for every bound for which
# that can be done, and says why it cannot for the others.

# %%
with style():
    drawing = figure(5.6, 3.4)
    axes = drawing.subplots()
    shape = np.array([(row["needed"] - 1) / row["C"] for row in finding.rows])
    needed = np.array([[row[name] for name in ("C_low", "C", "C_high")] for row in finding.rows]).T * shape
    axes.errorbar(
        shape, needed[1], np.abs(needed[[0, 2]] - needed[1]), fmt="o", color=BLUE, label="measured, 95 % interval"
    )
    ends = np.array([0.0, shape.max() * 1.05])
    axes.plot(ends, finding.worst * ends, color=ORANGE, label=f"C = {finding.worst:.2f}: less is not enough")
    axes.plot(ends, ends, color=INK, linestyle=":", label="C = 1 assumed")
    axes.set(xlabel="ln(2 / min(eps, delta))", ylabel="n - 1, for the n that 90 % of lists need", title=bound.key)
    axes.legend(loc="upper left")
    light_grid(axes)
drawing

# %% [markdown]
# ## Use it
#
# With a measured C the bound gives numbers that mean something, in the range where C was measured: the last line
# extrapolates. C must *exceed* the largest that was measured, so we take the next tenth above it; then no n of the
# bound lies below one that was needed.

# %%
constant = np.ceil(10.0 * finding.worst + 1e-9) / 10.0
for eps in (0.1, 0.01, 0.001):
    print(bound.evaluate(eps=eps, delta=0.1, constant=constant))
for row in finding.rows:
    assert bound.evaluate(eps=row["eps"], delta=0.1, constant=constant).value >= row["needed"]
