"""Targets that several cells of an experiment share: trained once, kept in a cache, found again by what made them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slth.arrays import Floats
from slth.constructions.fresh_lists import weighted_steps
from slth.data.datasets import DataSet, load
from slth.errors import DataError
from slth.files import dumps
from slth.graphs import Graph
from slth.graphs.file import load_graph, save_graph
from slth.grids.context import Context

if TYPE_CHECKING:
    from slth.jobs.models import Model


def data_of(name: str, context: Context) -> DataSet:
    """Load a data set from the folders of a context, once for all cells that one process works on."""
    return _loaded(name, context.folders)


def dense_target(
    data: DataSet, context: Context, *, hidden: Sequence[int], epochs: int, seed: int, bias: bool = False
) -> Graph:
    """Train a fully connected classifier by SGD (rate 0.1, batches of 128), or read it from the cache."""
    from slth.training import Cosine, Recipe
    from slth.training.checkpoint import described

    training = Recipe(epochs=epochs, batch_size=128, schedule=Cosine(0.1))
    sizes = (data.features, *hidden, data.classes)
    recipe = {"kind": "dense", "sizes": sizes, "bias": bias, "training": described(training), "seed": seed}

    def make() -> Graph:
        from slth.networks import describe, mlp
        from slth.networks.threads import threads_for
        from slth.training import Examples, train

        module = mlp(sizes, bias=bias, seed=seed)
        with threads_for(0):
            train(module, Examples(data.inputs("train"), data.labels("train")), training, seed=seed)
        return describe(module, (data.features,))

    return _kept(recipe, data, context.cache, make)


def lenet_target(data: DataSet, context: Context, *, epochs: int, seed: int) -> Graph:
    """Train LeNet-5 by Adam (rate 0.001, batches of 64, no decay), or read it from the cache."""
    from slth.networks import lenet5
    from slth.training import Adam, Constant, Recipe

    training = Recipe(epochs=epochs, batch_size=64, schedule=Constant(1e-3), optimizer=Adam())
    return _image_target("lenet5", lenet5, {}, training, data, context, seed)


def cnn_target(data: DataSet, context: Context, *, channels: Sequence[int], epochs: int, seed: int) -> Graph:
    """Train the small convolutional network by SGD (rate 0.05, batches of 64), or read it from the cache."""
    from slth.networks import small_cnn
    from slth.training import Cosine, Recipe

    training = Recipe(epochs=epochs, batch_size=64, schedule=Cosine(0.05))
    return _image_target("small-cnn", small_cnn, {"channels": list(channels)}, training, data, context, seed)


def model_target(
    model: Model, data: DataSet, context: Context, *, epochs: int | None, seed: int, limit: int | None
) -> Graph:
    """Train a model by its usual recipe, or read it from the cache, but for models of the user's own, which change."""
    from slth.jobs.models import MODELS, train_target
    from slth.training.checkpoint import described

    usual = model.recipe(data)
    training = usual if epochs is None else replace(usual, epochs=epochs)
    recipe = {"kind": model.name, **model.options, "training": described(training), "seed": seed, "examples": limit}
    cache = context.cache if model.name in MODELS else None
    return _kept(recipe, data, cache, lambda: train_target(model, data, recipe=training, seed=seed, limit=limit))


def _image_target(
    kind: str, model: Callable[..., Any], sizes: Mapping[str, Any], training: Any, data: DataSet, context: Context,
    seed: int,
) -> Graph:  # fmt: skip
    """Train a model of images, or read it from the cache."""
    from slth.training.checkpoint import described

    recipe = {"kind": kind, **sizes, "training": described(training), "seed": seed}

    def make() -> Graph:
        from slth.networks import describe
        from slth.training import Examples, train

        module = model(input_shape=data.shape, classes=data.classes, seed=seed, **sizes)
        train(module, Examples(data.inputs("train"), data.labels("train"), shape=data.shape), training, seed=seed)
        return describe(module, data.shape)

    return _kept(recipe, data, context.cache, make)


def parameters_of(network: Graph) -> Floats:
    """Return all weights and biases, in order."""
    arrays = [array for conv in weighted_steps(network) for array in (conv.weight, conv.bias) if array is not None]
    return np.concatenate([array.ravel() for array in arrays])


def digest_of(network: Graph) -> str:
    """Return 12 hexadecimal digits that tell one set of weights from another."""
    return hashlib.sha256(parameters_of(network).tobytes()).hexdigest()[:12]


def _kept(
    recipe: dict[str, object],
    data: DataSet,
    cache: Path | None,
    make: Callable[[], Graph],
) -> Graph:
    """Make a target, or read the one that the same recipe made; a damaged file is made again."""
    if cache is None:
        return make()
    words = dumps({**recipe, "data": data.provenance["arrays_sha256"]})
    path = cache / f"target-{hashlib.sha256(words.encode()).hexdigest()[:24]}.safetensors"
    try:
        return load_graph(path)
    except DataError:
        pass
    save_graph(make(), path)
    return load_graph(path)


@lru_cache(maxsize=2)
def _loaded(name: str, folders: tuple[Path, ...]) -> DataSet:
    return load(name, data_dir=folders or None)
