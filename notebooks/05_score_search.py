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
# # A ticket by scores
#
# A random network is made, and its weights are never trained. Each weight has a score instead, and the scores are
# trained: the weights of largest score stay, the others are removed. What is left classifies digits.

# %%
# %matplotlib inline
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import slth
from slth.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, figure, light_grid, style
from slth.grids.context import Context
from slth.jobs.standardising import Standardised
from slth.networks import OutputChannels, lenet300, masks
from slth.searches import prune, sanity_checks
from slth.searches.criteria import SNIP
from slth.studies.trained_targets import data_of
from slth.training import SGD, Cosine, Recipe, split

# %% [markdown]
# ## The search
#
# LeNet-300-100, here for images of 8 x 8 pixels. Of each layer half of the weights are to stay: density = kept / total.
# A tenth of the training examples is held out: the mask of the epoch that does best on them is kept.

# %%
inputs = Standardised.of(data_of("digits", Context()), (64,))
train, held = split(inputs.examples("train"), 0.1, seed=0)
test = inputs.examples("test")
module = lenet300(features=64)
recipe = Recipe(epochs=20, batch_size=64, schedule=Cosine(0.5), optimizer=SGD(weight_decay=1e-4))
found = slth.search(module, train, slth.EdgePopup(density=0.5), recipe=recipe, validation=held, keep="best", seed=0)
print(found.ticket)
print(f"accuracy on the test set {found.evaluate(test).accuracy:.2%}, mask of epoch {found.epoch}")

# %% [markdown]
# ## Is it the mask?
#
# Three checks ask what the accuracy is owed to. The masks are shuffled within each layer; other weights of the same law
# are drawn under the same masks; both. A ticket that is no more than its layer densities would lose nothing. The last
# check keeps the weights of smallest score instead.

# %%
checks = sanity_checks(found, test, repetitions=5)
print(f"ticket                {checks.ticket:.2%}")
for name, mean in checks.means.items():
    print(f"{name:20}  {mean:.2%}")
assert checks.ticket > 0.9 > 0.5 > max(checks.means.values())

# %% [markdown]
# ## How many weights should stay?
#
# Too few leave too little to choose from, and so do too many: a mask that keeps everything is no choice. At half of the
# weights there are the most masks. SNIP asks which weights the loss feels most, before anything is learnt; its masks
# are made to be trained, and untrained they are near chance.

# %%
densities = [0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]
searched = [
    slth.search(module, train, slth.EdgePopup(density=density), recipe=recipe, seed=1).evaluate(test).accuracy
    for density in densities
]
snip = [prune(module, train, SNIP(), density=density, seed=1).evaluate(test).accuracy for density in densities]
with style():
    drawing = figure(7.4, 3.2)
    axes = drawing.add_subplot()
    axes.plot(densities, searched, "o-", color=BLUE, label="edge-popup")
    axes.plot(densities, snip, "s-", color=ORANGE, label="SNIP, untrained")
    axes.axhline(0.1, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set(xlabel="density", ylabel="test accuracy", ylim=(0.0, 1.0))
    axes.legend(loc="center right")
    light_grid(axes)
drawing

# %% [markdown]
# ## The file
#
# The file holds the seed and the mask. Whoever has the module's class makes the network from it again, bit for bit.

# %%
with TemporaryDirectory() as folder:
    path = Path(folder) / "digits.ticket"
    found.ticket.save(path)
    size = path.stat().st_size
    again = slth.apply_to(lenet300(features=64, seed=99), slth.load_ticket(path)).eval()
with torch.no_grad():
    assert torch.equal(again(test.inputs), found.module(test.inputs))
statistics = found.ticket.statistics()
print(f"{size:,} bytes; the information in the masks is {statistics.entropy_bound_bits / 8:,.0f}")
print(f"a checkpoint of all weights in float32 has {4 * statistics.random_parameters:,}")

# %% [markdown]
# ## Whole neurons
#
# A score may belong to a whole neuron. Removed neurons can leave the network for good, which is then a smaller one, and
# no sparse arithmetic is needed for it. The ten outputs of the last layer are the classes: they are spared. There are
# now 400 choices in the place of 50,200, and the accuracy shows it; wider random networks offer more of them.

# %%
method = slth.EdgePopup(density=0.5, structure=OutputChannels(), spared=["fc3.weight"])
slower = Recipe(epochs=20, batch_size=64, schedule=Cosine(0.1), optimizer=SGD(weight_decay=1e-4))
neurons = slth.search(module, train, method, recipe=slower, validation=held, keep="best", seed=0)
print(f"half of the neurons: accuracy {neurons.evaluate(test).accuracy:.2%}")
for name, kept in neurons.density.items():
    print(f"{name:12} {kept.kept:6} of {kept.total:6} weights")

# %%
with style():
    drawing = figure(7.4, 2.6)
    left, right = drawing.subplots(1, 2)
    shares = found.ticket.mask["fc1.weight"].mean(axis=0).reshape(8, 8)
    image = left.imshow(shares, cmap="cividis")
    left.set(title="single weights: share of a pixel's that stays", xticks=[], yticks=[])
    drawing.colorbar(image, ax=left)
    right.hist(found.scores["fc1.weight"].abs().flatten().numpy(), bins=60, color=GREEN)
    threshold = slth.kth_largest(found.scores["fc1.weight"].abs(), found.density["fc1.weight"].kept)
    right.axvline(float(threshold), color=INK, linestyle="--")
    right.set(title="scores of the first layer; kept to the right", xlabel="|score|", yticks=[])
drawing

# %% [markdown]
# ## A loop of one's own
#
# `slth.mask` puts scores on any module in place; any optimiser and any loop train them.

# %%
masked = slth.mask(lenet300(features=64), slth.EdgePopup(density=0.5))
optimiser = torch.optim.SGD([tensor for tensor in masked.parameters() if tensor.requires_grad], 2.0, momentum=0.9)
for _ in range(150):
    loss = torch.nn.functional.cross_entropy(masked(train.inputs), train.targets)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
with torch.no_grad():
    right_ones = masked(test.inputs).argmax(dim=1) == test.targets
print(f"accuracy {right_ones.float().mean():.2%}; kept {int(masks(masked)['fc1.weight'].sum())} of {64 * 300}")
