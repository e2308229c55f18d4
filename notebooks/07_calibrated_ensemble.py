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
# # A calibrated ensemble
#
# A classifier says how sure it is. It is calibrated if, of the answers that it gives with 80 % confidence, 80 % are
# right. Here several masks of one random network are searched, each for harder examples than the one before, and their
# outputs are averaged. No weight is ever trained.

# %%
# %matplotlib inline
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

import slth
from slth.figures.style import BLUE, GREEN, INK, ORANGE, PINK, figure, light_grid, style
from slth.grids.context import Context
from slth.jobs.standardising import Standardised
from slth.networks import lenet300
from slth.studies.trained_targets import data_of
from slth.trainable import Predictions, corrupt, detection, load_ensemble, worst_case_weights
from slth.training import SGD, Cosine, Examples, Recipe, split

# %% [markdown]
# ## The worst case near the data
#
# An ordinary search minimises the mean loss. A robust one minimises what the loss would be if somebody could shift
# weight to hard examples, at a price: lambda times the divergence from uniform weights. The worst weights are known in
# closed form. A large lambda gives the mean, a small one the hardest example alone.

# %%
losses = torch.tensor([0.1, 0.5, 2.0])
for kl_weight in (math.inf, 10.0, 1.0, 0.1):
    print(f"lambda {kl_weight:6}: weights {worst_case_weights(losses, kl_weight).numpy().round(3)}")

# %% [markdown]
# ## Four of equal density
#
# An ensemble of three masks that keep a sixth of the weights each costs what one mask that keeps half costs. Two robust
# ensembles differ in their lambdas, the third one minimises ordinary means. Each lambda falls to nothing along the
# search; its start says how long the hard examples are in charge.

# %%
inputs = Standardised.of(data_of("digits", Context()), (64,))
some, held = split(inputs.examples("train"), 0.7, seed=0)
test = inputs.examples("test")
module = lenet300(features=64)
recipe = Recipe(epochs=40, batch_size=64, schedule=Cosine(0.5), optimizer=SGD(weight_decay=1e-4))
sixth, half = slth.EdgePopup(density=1 / 6), slth.EdgePopup(density=1 / 2)
methods = {
    "lambda 1, 10, inf": slth.RobustEnsemble((1.0, 10.0, math.inf), sixth),
    "lambda 10, 500, inf": slth.RobustEnsemble((10.0, 500.0, math.inf), sixth),
    "means": slth.RobustEnsemble((math.inf, math.inf, math.inf), sixth),
    "single mask": slth.RobustEnsemble((math.inf,), half),
}
found = {name: method.train(module, some, recipe=recipe, scale="kept", seed=0) for name, method in methods.items()}
predicted = {name: one.predictions(test) for name, one in found.items()}
for name, one in predicted.items():
    print(
        f"{name:19} density {found[name].density:.2f}: accuracy {one.accuracy:.2%}, confidence "
        f"{one.confidences.mean():.2%}, where wrong {one.wrong_confidence or 0.0:.2%}, "
        f"calibration error {one.calibration_error(bins=10):.3f}"
    )

# %% [markdown]
# The smaller the lambdas, the less sure is the ensemble, above all where it is wrong. Whether that is better depends on
# how sure it was: an ensemble that was calibrated becomes too modest. A reliability diagram shows which it is. Points
# below the line are answers that were surer of themselves than they should have been; 360 test images say little about
# a calibration error below 0.03.

# %%
with style():
    drawing = figure(7.4, 2.8)
    colors = (ORANGE, PINK, GREEN, BLUE)
    for axes, (name, one), color in zip(drawing.subplots(1, 4, sharey=True), predicted.items(), colors, strict=True):
        bins = [part for part in one.reliability(bins=10) if part.examples]
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--")
        axes.plot([part.confidence for part in bins], [part.accuracy for part in bins], "o-", color=color)
        axes.set(title=name, xlabel="confidence", xlim=(0.0, 1.0), ylim=(0.0, 1.05))
        light_grid(axes)
    drawing.axes[0].set_ylabel("share that is right")
drawing

# %% [markdown]
# ## One number does much of it
#
# Dividing all logits by one temperature, fitted on examples that are held out, is the usual remedy: above 1 it makes a
# network less sure, below 1 surer. It changes no answer. An ensemble for calibration's sake must do better than that.

# %%
for name, one in found.items():
    temperature = one.predictions(held).temperature()
    scaled = predicted[name].scaled(temperature)
    print(f"{name:19} temperature {temperature:.2f}: calibration error {scaled.calibration_error(bins=10):.3f}")
    assert np.array_equal(scaled.classes, predicted[name].classes)
robust = found["lambda 10, 500, inf"]

# %% [markdown]
# ## Worse images
#
# Noise of growing deviation: accuracy falls, and a calibrated network is less sure then. Images of inverted brightness
# are no digits as they were learnt, and yet the ensemble is surer of them than of digits (0.5 is chance): to be
# calibrated where one was trained says nothing about elsewhere.

# %%
images = data_of("digits", Context()).inputs("test").reshape(-1, 1, 8, 8)
for severity in (1, 3, 5):
    worse = (corrupt(images, "gaussian-noise", severity).numpy().reshape(-1, 64) - inputs.mean) / inputs.deviation
    one = robust.predictions(Examples(worse, test.targets))
    print(f"severity {severity}: accuracy {one.accuracy:.2%}, mean confidence {one.confidences.mean():.2%}")
strange = Examples(((1.0 - images).reshape(-1, 64) - inputs.mean) / inputs.deviation, test.targets)
told = detection(robust.predictions(test).confidences, robust.predictions(strange).confidences)
print(f"digits told from inverted ones: area under the curve {told.auroc:.2f}")

# %% [markdown]
# ## The file
#
# All masks are of one random network, so that one seed is enough, and what they have in common is coded once.

# %%
with TemporaryDirectory() as folder:
    path = Path(folder) / "digits.ticket"
    robust.ensemble.save(path)
    again = load_ensemble(path).to_module(lenet300(features=64, seed=99))
    size = path.stat().st_size
alone = sum(len(ticket.to_bytes()) for ticket in robust.ensemble.tickets)
assert Predictions.of(again, test).accuracy == robust.predictions(test).accuracy
print(f"{size:,} bytes for three masks, {alone:,} in files of their own")
