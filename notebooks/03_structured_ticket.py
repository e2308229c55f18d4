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
# # A structured ticket of a CNN
#
# We train a small CNN, then look for it inside a large random one. Only whole channels of the random network are
# removed, and no weight of it is ever trained. What is left computes nearly the same as the trained CNN. It is stored
# as a seed and a mask.

# %%
# %matplotlib inline
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

import slth
from slth.figures.style import BLUE, INK, figure, light_grid, style
from slth.grids.context import Context
from slth.jobs.shrinking import shrink_ticket
from slth.networks import small_cnn
from slth.studies.trained_targets import data_of
from slth.training import Cosine, Examples, Recipe, train

# %% [markdown]
# ## The target
#
# Two convolutions and a linear layer, for the digits that come with scikit-learn: images of 8 x 8 pixels.

# %%
data = data_of("digits", Context())
module = small_cnn(input_shape=data.shape, classes=data.classes, bias=True, seed=0)
recipe = Recipe(epochs=10, batch_size=32, schedule=Cosine(0.05))
train(module, Examples(data.inputs("train"), data.labels("train"), shape=data.shape), recipe)
target = slth.describe(module, input_shape=data.shape)

images = data.inputs("test").reshape(-1, *data.shape)
labels = data.labels("test")
wanted = target.forward(images)
print(module)
print(f"{target.parameters} parameters, accuracy {(wanted.argmax(axis=1) == labels).mean():.2%}")

# %% [markdown]
# ## The ticket
#
# Each input channel of a layer has kernels to all outputs: together they are one long vector. The biases are the vector
# of one more input. For each of these vectors the random network offers 4000 random channels, and each channel is a
# random vector. Which of them add up to the wanted one? This is a subset-sum problem in up to 144 dimensions.

# %%
made = slth.construct(target, method=slth.Structured(channels=2000), seed=0)
print("layer    vectors   dimensions   channels kept     relative error")
for row in made.table:
    share = f"{row.kept} of {row.open_positions}"
    print(f"{row.path:6}   {row.instances:7d}   {row.dimensions:10d}   {share:>15}   {row.relative_error:.2g}")

# %% [markdown]
# ## The certificate
#
# How far can the ticket be from the target, for the worst of all images with pixels from 0 to 1? The certificate bounds
# it from above. Gradient ascent looks for a bad image, which bounds it from below. The truth lies between.

# %%
got = made.ticket.forward(images)
worst = slth.attack(target, made.ticket, input_box=made.certificate.input_box)
print(f"certified for every image     {made.certificate.error:.3f}")
print(f"by products of norms alone    {made.certificate.norm_bound:.3f}")
print(f"worst found by an attack      {worst.error:.3f}")
print(f"largest on the test images    {np.abs(got - wanted).max():.3f}")
print(f"largest output of the target  {np.abs(wanted).max():.3f}")
print(f"accuracy of the ticket        {(got.argmax(axis=1) == labels).mean():.2%}")
proved = made.certificate.error + made.certificate.float64_allowance
assert max(worst.error, np.abs(got - wanted).max()) <= proved

# %%
with style():
    drawing = figure(7.4, 3.4)
    left, right = drawing.subplots(1, 2)
    left.plot(wanted.ravel(), got.ravel(), "o", color=BLUE, markersize=2, rasterized=True)
    left.axline((0.0, 0.0), slope=1.0, color=INK, linewidth=0.8)
    left.set(title="each output of each test image", xlabel="target", ylabel="ticket")
    right.hist(np.abs(got - wanted).max(axis=1), bins=30, color=BLUE)
    right.axvline(worst.error, color=INK, linestyle="--")
    right.annotate("worst found \nby an attack ", (worst.error, 0.8), xycoords=("data", "axes fraction"), ha="right")
    right.set(title="largest difference", xlabel="over the outputs of one image", ylabel="test images")
    light_grid(left)
    light_grid(right)
drawing

# %% [markdown]
# ## The file
#
# The file holds the architecture, the seed, the mask and one gain for each layer, and nothing else. Whoever loads it
# draws the weights again and gets the same bits. A damaged file is refused.

# %%
with TemporaryDirectory() as folder:
    path = Path(folder) / "net.ticket"
    made.ticket.save(path)
    content = path.read_bytes()
    loaded = slth.load_ticket(path)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        slth.load_ticket(path)
    except slth.TicketError as refusal:
        print("one bit changed:", refusal.args[0].replace(folder, "..."))

statistics = loaded.statistics()
print(f"{len(content):,} bytes instead of {4 * statistics.random_parameters:,} for the random network in float32")
assert loaded.kept_weights_sha256() == made.ticket.kept_weights_sha256()

# %% [markdown]
# ## In torch
#
# A ticket becomes an ordinary module of those channels alone that are kept. Channels that are removed need no memory
# and no time.

# %%
small = slth.to_torch(loaded)
with torch.no_grad():
    outputs = small(torch.from_numpy(images)).numpy()
print(f"largest difference of the module in float32 from the ticket in float64: {np.abs(outputs - got).max():.1e}")
print(f"accuracy {(outputs.argmax(axis=1) == labels).mean():.2%}")

# %% [markdown]
# ## Shrink it
#
# `shrink_ticket`, or `slth ticket shrink`, writes the small network for others to use, and says what was gained and
# what it cost.

# %%
with TemporaryDirectory() as folder:
    made.ticket.save(Path(folder) / "net.ticket")
    facts = shrink_ticket(Path(folder) / "net.ticket", Path(folder), fold=True)
print(f"random network  {facts['random_parameters']:>12,} parameters")
print(f"small network   {facts['small_parameters']:>12,}, never trained; {facts['speedup']:.1f} times as fast")
print(f"folded          {facts['folded_parameters']:>12,}, each pair of layers multiplied out: no subnetwork any more")
print(f"target          {facts['target_parameters']:>12,}")

# %% [markdown]
# The small network is far smaller than the random one and far larger than the target. That is the price of never
# training a weight: the wanted kernels are sums of many random ones. The file stays small all the same, because the
# random weights are not in it.
