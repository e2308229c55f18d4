"""What can be trained into a target: the standard models by name, and the user's own module by where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slth.arrays import whole
from slth.data.data_set import DataSet
from slth.errors import ArgumentError, DataError, did_you_mean
from slth.extensions import installed, is_own
from slth.graphs import Graph
from slth.networks import channel_blocked, conv_n, describe, lenet300, mlp, resnet, resnet_cifar, untied, vgg, vit
from slth.networks.activations import ACTIVATIONS, activated
from slth.networks.models_attention import AttentionClassifier
from slth.networks.own import factory_of, load_weights, made_by
from slth.resources import Progress
from slth.training import TARGETS, Adam, Cosine, Examples, Recipe, TrainingRun
from slth.training.long_epochs import records_told
from slth.training.tokens import check_tokens

if TYPE_CHECKING:
    from torch import nn

_LARGE = 10_000  # examples from which a larger attention network is trained for fewer epochs


@dataclass(frozen=True)
class Model:
    """A module to train into a target, and how."""

    name: str
    make: Callable[..., nn.Module]
    recipe: Callable[[DataSet], Recipe]
    data: str = "digits"
    flat: bool = False
    narrows: bool = False  # whether it takes a ``width`` in (0, 1], a factor of the sizes of its layers
    options: Mapping[str, Any] = field(default_factory=dict)

    def input_shape(self, data: DataSet) -> tuple[int, ...]:
        """Return the shape of one input of the module."""
        return (data.features,) if self.flat else data.shape


def _mlp(
    data: DataSet, seed: int, *, hidden: tuple[int, ...] = (64, 32), bias: bool = True, width: float = 1.0
) -> nn.Module:
    for size in hidden:
        if size < 1:
            raise ArgumentError("hidden", tuple(hidden), "must be positive numbers", "pass sizes such as 64,32")
    sizes = (max(1, round(width * size)) for size in hidden)
    return mlp((data.features, *sizes, data.classes), bias=bias, seed=seed)


def _attention(
    data: DataSet, seed: int, *, tokens: int | None = None, width: int | None = None, hidden: Any = None, **options: Any
) -> nn.Module:
    """Cut images into tokens, by default their rows; sizes follow the number of examples where they are not given."""
    count = data.shape[-2] if tokens is None and len(data.shape) > 1 else tokens
    if count is None or isinstance(count, bool) or count < 1 or data.features % count:
        rule = f"must divide the {data.features} inputs of {data.name}"
        raise ArgumentError("tokens", count, rule, "pass a divisor, such as the number of rows of an image")
    small = len(data.train_labels) < _LARGE
    return AttentionClassifier(
        (count, data.features // count),
        width=(24 if small else 32) if width is None else width,
        hidden=((32,) if small else (64,)) if hidden is None else hidden,
        classes=data.classes,
        seed=seed,
        **options,
    )


def _attention_recipe(data: DataSet) -> Recipe:
    small = len(data.train_labels) < _LARGE
    optimizer = Adam(weight_decay=0.3 if small else 0.1)
    return Recipe(80 if small else 12, 64 if small else 128, optimizer=optimizer, schedule=Cosine(0.01))


def _vit(
    data: DataSet,
    seed: int,
    *,
    patch: int | None = None,
    width: int | None = None,
    depth: int = 4,
    heads: int = 4,
    shared_layers: Literal["weights", "masks"] | None = None,
) -> nn.Module:
    """Cut square images into patches, by default 4 x 4; all blocks may be one, with a mask for each use or for all."""
    if len(data.shape) != 3 or data.shape[1] != data.shape[2]:
        rule = f"holds inputs of shape {list(data.shape)} and no square images"
        raise ArgumentError("data", data.name, rule, "use digits, mnist, fashion-mnist or cifar10")
    if shared_layers not in (None, "weights", "masks"):
        raise ArgumentError("shared_layers", shared_layers, "is not known", "use weights, or masks")
    module = vit(
        channels=data.shape[0],
        size=data.shape[1],
        patch=data.shape[1] // 4 if patch is None else patch,
        width=width or (32 if len(data.train_labels) < _LARGE else 64),
        depth=depth,
        heads=heads,
        classes=data.classes,
        shared=shared_layers is not None,
        seed=seed,
    )
    return untied(module) if shared_layers == "weights" and depth > 1 else module


def _image_shape(data: DataSet) -> tuple[int, int, int]:
    if len(data.shape) != 3:
        remedy = "use digits, mnist, fashion-mnist or cifar10"
        raise ArgumentError("data", data.name, f"holds inputs of shape {list(data.shape)} and no images", remedy)
    channels, height, width = data.shape
    return channels, height, width


def _images(name: str) -> Model:
    target = TARGETS[name]

    def make(data: DataSet, seed: int, **options: Any) -> nn.Module:
        chosen = {"batch_norm": target.batch_norm, **options}
        return target.model(input_shape=_image_shape(data), classes=data.classes, seed=seed, **chosen)

    return Model(name, make, lambda data: target.recipe, target.data)


def _lenet300(data: DataSet, seed: int, *, bias: bool = True, width: float = 1.0) -> nn.Module:
    if width != 1.0:
        return _mlp(data, seed, hidden=(300, 100), bias=bias, width=width)
    return lenet300(features=data.features, classes=data.classes, bias=bias, seed=seed)


def _of_cifar(name: str, network: Callable[..., nn.Module], *known: str) -> Model:
    """Return a model for images of 32 x 32 in three colours, with the options that it knows."""

    def make(data: DataSet, seed: int, **options: Any) -> nn.Module:
        if data.shape != (3, 32, 32):
            rule = f"holds inputs of shape {list(data.shape)}, and {name} takes [3, 32, 32]"
            raise ArgumentError("data", data.name, rule, "use cifar10, or your own images of that shape")
        if set(options) - set(known):
            raise TypeError(f"it takes {', '.join(known) or 'none'}")
        return network(classes=data.classes, seed=seed, **options)

    return Model(name, make, lambda data: Recipe(epochs=20, batch_size=128), "cifar10", narrows="width" in known)


def _residual(depth: int) -> Model:
    """Return the narrow residual network of a depth, for images of any size."""

    def make(data: DataSet, seed: int, *, width: float = 1.0, **options: Any) -> nn.Module:
        channels, _, _ = _image_shape(data)
        known: dict[str, Any] = {"channels": channels, "classes": data.classes, "seed": seed}
        return resnet_cifar(depth, width=max(1, round(16 * width)), **known, **options)

    recipe = Recipe(epochs=20, batch_size=128)
    return Model(f"resnet-{depth}", make, lambda data: recipe, "cifar10", narrows=True)


MODELS = {
    "mlp": Model("mlp", _mlp, lambda data: Recipe(epochs=20, schedule=Cosine(0.05)), flat=True, narrows=True),
    **{name: _images(name) for name in TARGETS},
    "lenet-300-100": Model("lenet-300-100", _lenet300, lambda data: Recipe(batch_size=128), flat=True, narrows=True),
    **{f"conv-{n}": _of_cifar(f"conv-{n}", partial(conv_n, n), "bias", "width") for n in (2, 4, 6, 8)},
    **{f"resnet-{n}": _residual(n) for n in (20, 32, 56)},
    "resnet-18": _of_cifar("resnet-18", partial(resnet, 18, images="small"), "affine"),
    "vgg-16": _of_cifar("vgg-16", vgg, "affine"),
    "attention": Model("attention", _attention, _attention_recipe, flat=True),
    "vit": Model("vit", _vit, _attention_recipe),
}
"""The models that have a name on the command line."""


def model_of(name: str, options: Mapping[str, Any] | None = None) -> Model:
    """Return a model by its name, or the user's own by ``package.module:factory`` or a name of ``slth.models``.

    The factory, a function or class, is called as factory(input_shape=..., classes=..., **options) as far as it has
    parameters of the first two names, and with vocabulary=... where inputs are token indices and it has that parameter;
    it is found on Python's path or in the folder that slth is run in.
    """
    given = {key: value for key, value in (options or {}).items() if value is not None}
    if name not in MODELS and is_own("slth.models", name):
        return Model(name, _own(name), lambda data: Recipe(), options=given)
    if name not in MODELS:
        remedy = did_you_mean(name, [*MODELS, *installed("slth.models")], own="package.module:factory")
        raise ArgumentError("model", name, "is not a known model", remedy)
    known = MODELS[name]
    return Model(
        known.name, known.make, known.recipe, known.data, known.flat, known.narrows, {**known.options, **given}
    )


def blocked(model: Model, block: int) -> Model:
    """Return a model with pairs of layers in the place of each: so many hidden channels for each input channel."""
    count = whole(block, "block", 1, 2**20, remedy="use 8")

    def make(data: DataSet, seed: int) -> nn.Module:
        return channel_blocked(made(model, data, seed), block=count, seed=seed)

    return replace(model, name=f"{model.name} in blocks of {count}", make=make, options={})


def with_activations(model: Model, name: str) -> Model:
    """Return a model with other activations in the place of its ReLUs, by a word; the model itself for ``relu``."""
    if name == "relu":
        return model
    if name not in ACTIVATIONS:
        raise ArgumentError("activations", name, "is not known", f"use {' or '.join(ACTIVATIONS)}")

    def make(data: DataSet, seed: int) -> nn.Module:
        return activated(made(model, data, seed), name)

    return replace(model, name=f"{model.name} with {name}", make=make, options={})


def made(model: Model, data: DataSet, seed: int) -> nn.Module:
    """Return an untrained module, or say that it has no such options, or takes no token indices."""
    if data.are_tokens and model.name in MODELS:
        rule = f"holds token indices (integers), and {model.name} takes numbers"
        remedy = "name a model of your own with an nn.Embedding, or save bytes (uint8) or floats"
        raise ArgumentError("data", data.name, rule, remedy)
    try:
        return model.make(data, seed, **model.options)
    except TypeError as problem:
        rule = f"do not fit {model.name} ({problem})"
        raise ArgumentError("options", sorted(model.options), rule, "leave out what it does not know") from problem


def _own(name: str) -> Callable[..., nn.Module]:
    factory = factory_of(name)

    def make(data: DataSet, seed: int, **options: Any) -> nn.Module:
        known = {"input_shape": data.shape, "classes": data.classes}
        if data.vocabulary is not None:
            known["vocabulary"] = data.vocabulary
        return made_by(factory, known, options, seed=seed)

    return make


def train_target(
    model: Model,
    data: DataSet,
    *,
    recipe: Recipe | None = None,
    weights: Path | None = None,
    seed: int = 0,
    limit: int | None = None,
    device: str = "cpu",
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Graph:
    """Make a module, train it or read its weights, and describe it; a training kept in a folder goes on from there."""
    shape = model.input_shape(data)
    module = made(model, data, seed)
    if weights is not None:
        load_weights(module, weights)
    else:
        inputs, labels = data.inputs("train", limit=limit), data.labels("train", limit=limit)
        examples = Examples(inputs, labels, shape=shape)
        chosen = recipe or model.recipe(data)
        check_tokens(module, chosen, examples)
        run = TrainingRun(module, examples, chosen, seed=seed, device=device)
        _train(run, None if folder is None else folder / "target.checkpoint", progress)
    return describe(module.to("cpu"), shape)


def _train(run: TrainingRun, path: Path | None, progress: Progress | None) -> None:
    """Train to the end, from where a file has the same run on; one of another run, or a damaged one, is replaced."""
    if path is not None and path.exists():
        with suppress(ArgumentError, DataError):
            run.resume(path)
    for record in records_told(run, progress):
        if progress is not None:
            progress("training", record.epoch, run.recipe.epochs)
        if path is not None:
            run.save(path)
    run.module.eval()
