"""Jobs on convolutional networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slth.constructions import Construction, Conv, Structured, construct_conv, construct_structured
from slth.data.datasets import DataSet
from slth.errors import ArgumentError
from slth.jobs.conv_record import conv_layer_records, overparameterisation, small_difference, small_parameters
from slth.jobs.pipeline import Delivery, Floats, Measured, Progress
from slth.networks import attack_difference, describe_module, folded_outputs
from slth.tickets import ConvNetwork, ConvPair
from slth.training import TARGETS, Cosine, Examples, Recipe, train

SMALL_EXAMPLES = 64
"""Images that the small network itself is run on: its many channels take long, and its folded kernels do not."""


@dataclass(frozen=True)
class ConvJob:
    """What to train and how to construct its ticket.

    Parameters
    ----------
    model : str
        A name of :data:`slth.training.TARGETS`: small-cnn, lenet5 or cnn6.
    method : Structured or Conv
    training : Recipe, optional
        The recipe's own by default.
    options : dict, optional
        Passed on to the model: ``channels``, ``bias``, ``batch_norm``.
    seed : int
        Of the training and of the random network.
    device : str
        Where the channels of a structured ticket are searched.

    Raises
    ------
    slth.errors.ArgumentError
        There is no such model.
    """

    model: str
    method: Structured | Conv
    training: Recipe | None = None
    options: dict[str, Any] | None = None
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse a model that there is none of."""
        if self.model not in TARGETS:
            raise ArgumentError("model", self.model, "is not a known model", f"choose one of {', '.join(TARGETS)}")

    def train(
        self, data: DataSet, *, limit: int | None = None, device: str = "cpu", progress: Progress | None = None
    ) -> ConvNetwork:
        """Train the model by its recipe, on at most ``limit`` examples; images alone will do."""
        standard = TARGETS[self.model]
        if len(data.shape) != 3:
            remedy = "use digits, mnist, fashion-mnist or cifar10"
            raise ArgumentError("data", data.name, f"holds inputs of shape {list(data.shape)} and no images", remedy)
        options = {"batch_norm": standard.batch_norm, **(self.options or {})}
        module = standard.model(input_shape=data.shape, classes=data.classes, seed=self.seed, **options)
        examples = Examples(data.inputs("train", limit=limit), data.labels("train", limit=limit), shape=data.shape)
        train(
            module,
            examples,
            self.training or standard.recipe,
            seed=self.seed,
            device=device,
            progress=progress,
        )
        network = describe_module(module, input_shape=data.shape)
        assert isinstance(network, ConvNetwork), "the recipes have convolutions"
        return network

    def construct(self, target: ConvNetwork, *, progress: Progress | None = None) -> Construction:
        """Construct by whichever of the two methods it is, over inputs from 0 to 1."""
        if isinstance(self.method, Structured):
            return construct_structured(
                target, self.method, input_box=(0.0, 1.0), seed=self.seed, device=self.device, progress=progress
            )
        return construct_conv(target, self.method, input_box=(0.0, 1.0), seed=self.seed, progress=progress)

    def measure(self, delivery: Delivery[ConvNetwork], inputs: Floats) -> Measured:
        """Measure the ticket on test inputs, float64[examples, features].

        The ticket's outputs come from its kernels folded in float64, which is the same function up to rounding;
        ``small_difference`` says how far the small network itself, in float32, is from them on some images.
        """
        target, made, ticket = delivery.target, delivery.construction, delivery.ticket
        images = inputs.reshape(-1, *target.input_shape)
        outputs = folded_outputs(ticket, images)
        attack = attack_difference(target, ticket, input_box=made.certificate.input_box)
        removals = {layer.removal for layer in ticket.description.random_layers if isinstance(layer, ConvPair)}
        facts = {
            "model": self.model,
            "removal": "/".join(sorted(removals)),
            "overparameterisation": overparameterisation(ticket, target.parameters),
            "small_parameters": small_parameters(ticket),
            "small_examples": min(SMALL_EXAMPLES, len(images)),
            "small_difference": small_difference(ticket, images[:SMALL_EXAMPLES], outputs),
            "solve_seconds": sum(row.seconds for row in made.table),
        }
        wanted = target.forward(images).reshape(len(images), -1)
        return Measured(conv_layer_records(target, made, ticket), wanted, outputs, attack.error, facts)


def demo_conv_job(*, seed: int = 0, channels: int = 2000) -> ConvJob:
    """Give the job of ``slth demo``: the reference network on digits, a few seconds of training.

    Parameters
    ----------
    seed : int
    channels : int
        The theorem's n, for every layer.

    Returns
    -------
    ConvJob

    Examples
    --------
    >>> demo_conv_job().model
    'small-cnn'
    """
    training = Recipe(epochs=20, batch_size=32, schedule=Cosine(0.05))
    return ConvJob("small-cnn", Structured(channels=channels), training, {"bias": True}, seed)
