"""What the verbs of ``slth construct`` share: which network to train on which data, and how the call is repeated."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from cyclopts import Parameter

from slth.cli.checks import check_file, load_data
from slth.cli.options import DataDir, Device
from slth.cli.places import data_folders
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.data.datasets import DataSet
    from slth.jobs.models import Model
    from slth.training import Recipe


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Module:
    """A network by its name or the user's own, and the data that it is for."""

    model: Annotated[
        str,
        Parameter(
            help="mlp, lenet-300-100, small-cnn, lenet5, cnn6, conv-2, -4, -6, -8, resnet-18, -20, -32, -56, "
            "vgg-16, attention, vit, or your own as "
            "package.module:factory, which is called with input_shape, classes and, of token indices, vocabulary, or "
            "with nothing."
        ),
    ] = ""
    data: Annotated[
        str | None,
        Parameter(
            help="digits, synthetic, mnist, fashion-mnist, cifar10, or your own FILE.npz with x_train, y_train, "
            "x_test, y_test (bytes, floats in [0, 1], or token indices); by default what the model is for."
        ),
    ] = None
    hidden: Annotated[str | None, Parameter(help="Hidden layers of mlp, or of attention's read-out, as 64,32.")] = None
    bias: Annotated[bool | None, Parameter(help="Whether the model's layers have biases.")] = None
    tokens: Annotated[int | None, Parameter(help="Tokens that attention cuts an input into; rows by default.")] = None
    patch: Annotated[int | None, Parameter(help="Height and width of vit's patches; 16 of an image by default.")] = None
    width: Annotated[int | None, Parameter(help="Numbers of an embedded token of attention and vit.")] = None
    depth: Annotated[int | None, Parameter(help="Blocks of vit.")] = None
    heads: Annotated[int | None, Parameter(help="Heads of attention and vit.")] = None
    shared_layers: Annotated[
        Literal["weights", "masks"] | None,
        Parameter(
            help="All blocks of vit are one: its random weights, of which each block has a mask of its own, or its "
            "mask too."
        ),
    ] = None
    residual: Annotated[bool | None, Parameter(help="Whether tokens are added to what attention gives.")] = None
    embedding: Annotated[str | None, Parameter(help="relu or identity, behind attention's embedding.")] = None
    block: Annotated[
        int | None,
        Parameter(
            help="Each linear layer and convolution becomes two, with so many hidden channels for each input channel, "
            "which sees it alone: the structured theorem's block mask."
        ),
    ] = None
    activations: Annotated[
        Literal["relu", "elu", "sign"] | None,
        Parameter(help="What takes the place of the model's nn.ReLU layers; sign: binary activations, as biprop's."),
    ] = None
    limit: Annotated[int | None, Parameter(help="At most so many training and test examples, for a quick look.")] = None
    data_dir: DataDir = None

    def options(self) -> dict[str, Any]:
        """Return the options that were given to the model."""
        names = {field.name for field in fields(Module)} - {"model", "data", "limit", "data_dir"}
        given = {name: getattr(self, name) for name in sorted(names) if getattr(self, name) is not None}
        return given | ({} if self.hidden is None else {"hidden": hidden_sizes(self.hidden)})

    def described(self) -> Model:
        """Return the model, with the options that were given; those that it does not take are refused."""
        from slth.jobs.models import blocked, model_of, with_activations

        given = self.options()
        block, activations = given.pop("block", None), given.pop("activations", "relu")
        odd = sorted(set(given) - _TAKES.get(self.model, set(given)))
        if odd:
            shown = ", ".join(f"--{name.replace('_', '-')}" for name in odd)
            raise ArgumentError("model", self.model, f"takes no {shown}", "leave it out, or choose another model")
        model = with_activations(model_of(self.model, given), activations)
        return model if block is None else blocked(model, block)

    def load(self, model: Model, *, seed: int) -> DataSet:
        """Return the data set: the one that was named, or what the model is for."""
        return load_data(self.data or model.data, data_folders(self.data_dir), seed=seed)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Trained(Module):
    """A network that is trained or searched, and how."""

    epochs: Annotated[int | None, Parameter(help="Of training; the model's recipe by default.")] = None
    batch_size: Annotated[int | None, Parameter(help="Examples of a step.")] = None
    learning_rate: Annotated[float | None, Parameter(help="Largest, of a cosine schedule.")] = None
    bfloat16: Annotated[bool, Parameter(help="Products in bfloat16 while training, where that is safe.")] = False
    cuda_graphs: Annotated[
        bool, Parameter(help="Capture training steps as CUDA graphs, which small networks gain most by.")
    ] = False
    compiled: Annotated[bool, Parameter(help="Compile the network by torch.compile while training.")] = False
    device: Device = "auto"

    def chosen(self, default: str) -> Self:
        """Return the same with the model that a verb has by default."""
        return self if self.model else replace(self, model=default)

    def recipe(self, model: Model, data: DataSet) -> Recipe:
        """Return the recipe of training, the model's own but for what was given."""
        return self.changed(model.recipe(data))

    def changed(self, recipe: Recipe) -> Recipe:
        """Return a recipe with what was given in the place of its own."""
        from slth.training import Cosine

        changes: dict[str, Any] = {"epochs": self.epochs, "batch_size": self.batch_size}
        if self.learning_rate is not None:
            changes["schedule"] = Cosine(self.learning_rate)
        changes |= {name: getattr(self, name) or None for name in ("bfloat16", "cuda_graphs", "compiled")}
        return replace(recipe, **{name: value for name, value in changes.items() if value is not None})


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Target(Trained):
    """The network to approximate, the data that it is trained on, and how; or the weights that it has."""

    weights: Annotated[
        Path | None,
        Parameter(help="Weights of the model (.safetensors, or .pt of tensors alone): nothing is trained then."),
    ] = None

    def described(self) -> Model:
        """Return the model, and refuse weights that are not there."""
        if self.weights is not None:
            check_file("weights", self.weights)
        return super().described()


_TAKES = {
    "mlp": {"hidden", "bias"},
    "small-cnn": {"bias"},
    "lenet5": {"bias"},
    "cnn6": {"bias"},
    "lenet-300-100": {"bias"},
    **{f"conv-{depth}": {"bias"} for depth in (2, 4, 6, 8)},
    **{name: set() for name in ("resnet-18", "resnet-20", "resnet-32", "resnet-56", "vgg-16")},
    "attention": {"hidden", "tokens", "width", "heads", "residual", "embedding"},
    "vit": {"patch", "width", "depth", "heads", "shared_layers"},
}
"""Options of the named models; the user's own takes whatever it is given."""


def command_text(verb: str, target: Module, values: Mapping[str, Any], *, seed: int, file: Path | None = None) -> str:
    """Return what to type to make the same again: every option that was given."""
    words = ["slth", *verb.split(), *([] if file is None else [str(file)])]
    for field in fields(target):
        value = getattr(target, field.name)
        if value != field.default and field.name not in ("data_dir", "device"):
            words += _option(field.name, value)
    for name, value in values.items():
        if name != "tensorboard" and (value is not None or name == "density"):  # which is not none unless it is said
            words += _option(name, "none" if value is None else value)
    if getattr(target, "device", "") == "cuda":
        words += ["--device", "cuda"]
    return shlex.join([*words, "--seed", str(seed)])


def _option(name: str, value: Any) -> list[str]:
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    return [f"--{option}", _number(value) if isinstance(value, float) else str(value)]


def _number(value: float) -> str:
    """Return the shortest text that is read as the number again."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def hidden_sizes(text: str) -> tuple[int, ...]:
    """Hidden layer sizes, as 64,32; none for an empty text."""
    if not text.strip():
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ArgumentError("hidden", text, "must be numbers with commas", "write sizes such as 64,32") from None
