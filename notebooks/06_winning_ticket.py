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
# # A winning ticket and its sanity checks
#
# A network is trained, its smallest weights are removed, the others go back to their first values and are trained
# again, and so on: iterative magnitude pruning. What is left is a trainable ticket: its weights are trained, which is
# what tells it from the strong tickets of the other tours.

# %%
# %matplotlib inline
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import slth
from slth.figures.levels_figures import layers_figure, levels_figure
from slth.figures.style import COLORS, MARKERS, figure, light_grid, style
from slth.grids.context import Context
from slth.jobs.standardising import Standardised
from slth.networks import lenet300
from slth.studies.trained_targets import data_of
from slth.training import Adam, Constant, FixedMasks, Recipe, TrainingRun, split

# %% [markdown]
# ## Level by level
#
# LeNet-300-100, here for images of 8 x 8 pixels. Each level removes 40 % of the weights that are left, all layers
# together, and trains what stays for 15 epochs. First weights are drawn from a seed. Beside each level three controls
# are trained: its masks over other random weights, its weights under masks that are shuffled within each layer, and
# under random masks of as many weights.

# %%
inputs = Standardised.of(data_of("digits", Context()), (64,))
train, held = split(inputs.examples("train"), 0.1, seed=0)
test = inputs.examples("test")
recipe = Recipe(epochs=15, batch_size=60, schedule=Constant(1.2e-3), optimizer=Adam(fused=True))
method = slth.IMP(rate=0.4, levels=7, branches=["reinitialised", "shuffled", "random"])
law = slth.WeightLaw("normal")
found = slth.train(lenet300(features=64), train, method, recipe=recipe, validation=held, law=law, seed=0)
rows = found.rows(test)
for row in rows:
    print(f"level {row['level']}  {row['kind']:14} density {row['density']:7.2%}  accuracy {row['accuracy']:.2%}")

# %%
levels = [
    {**row, "layers": {name: one.density for name, one in level.layers.items()}}
    for row, level in zip(rows, found.levels, strict=True)
]
levels_figure(levels)

# %% [markdown]
# At 8 % of the weights the ticket is within half a percent of the dense network, and its controls are not: it owes its
# accuracy to which weights stay and to where they begin. What goes is mostly from the second layer:

# %%
layers_figure(levels)

# %%
accuracy = {(row["level"], row["kind"]): row["accuracy"] for row in rows}
assert accuracy[5, "ticket"] > accuracy[0, "ticket"] - 0.02
for level in (5, 6, 7):
    assert accuracy[level, "ticket"] > max(accuracy[level, kind] for kind in method.branches)

# %% [markdown]
# ## What is removed is zero
#
# Exactly, at every step, whatever the optimiser remembers: gradients of removed weights are masked, so that neither
# momentum nor weight decay moves them.

# %%
last = found.level()
for name, mask in last.masks.items():
    weight = last.state[name]
    print(f"{name:12} {int(mask.sum()):6} of {mask.numel():6} kept, largest removed {float(weight[~mask].abs().max())}")

# %% [markdown]
# ## The file, and a training of one's own
#
# A ticket of family "trainable" holds the seed and the masks: where training begins. Whoever has it trains the same
# network, here in the loop of the package with masks that stay; it ends at the same bits.

# %%
with TemporaryDirectory() as folder:
    path = Path(folder) / "digits.ticket"
    found.ticket().save(path)
    print(f"{path.stat().st_size:,} bytes for {last.kept.kept:,} of {last.kept.total:,} weights")
    module = slth.apply_to(lenet300(features=64, seed=99), slth.load_ticket(path))
masks = {name: module.get_parameter(name).detach() != 0 for name in last.masks}
run = TrainingRun(module, train, recipe, method=FixedMasks(masks), seed=0)
for _ in run:
    pass
assert all(torch.equal(tensor, last.state[name]) for name, tensor in module.state_dict().items())
print(f"trained again: accuracy {run.evaluate(test).accuracy:.2%}")

# %% [markdown]
# ## Going back to a later step
#
# Larger networks have no winning tickets at their first weights, but at those of an early step of training. With
# `reset="rewind"` levels go back to the weights, buffers, schedule and order of examples of that step.

# %%
rewound = slth.IMP(rate=0.4, levels=4, reset="rewind", rewind=30)
later = slth.train(lenet300(features=64), train, rewound, recipe=recipe, law=law, seed=0)
print(f"density {later.level().density:.2%}, accuracy {later.evaluate(test).accuracy:.2%}")
steps = [record.step for record in later.level().trace]
print(f"records of a level: from step {steps[0]} to step {steps[-1]}")

# %% [markdown]
# ## Connections that return
#
# Iterative hard thresholding keeps the largest 5 % of each layer, trains them, lets the others return from zero, trains
# all, and again. Plain fine-tuning trains the first sparse network on. What the cycles give beyond it is the capacity
# that returning connections restore.

# %%
cycles = slth.train(lenet300(features=64), train, slth.IHT(density=0.05, cycles=4), recipe=recipe, law=law, seed=0)
table = cycles.rows(test)
with style():
    drawing = figure(7.4, 2.8)
    axes = drawing.add_subplot()
    for number, kind in enumerate(("restored", "sparse", "fine-tuned")):
        own = [row for row in table if row["kind"] == kind]
        look = {"color": COLORS[number], "marker": MARKERS[number]}
        axes.plot([row["level"] for row in own], [row["accuracy"] for row in own], label=kind, **look)
    axes.axhline(table[0]["accuracy"], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="cycle", ylabel="test accuracy", xticks=[1, 2, 3, 4])
    axes.legend()
    light_grid(axes)
drawing
