"""``slth bound compare``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from inspect import signature
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.bound import claim
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, key_value_table, number, table_of
from slth.errors import ArgumentError
from slth.extensions import is_own

if TYPE_CHECKING:
    from slth.theory import Demand, Layer

NOTES = (
    "layer: units or channels of the largest random layer; weights: random ones in all;",
    "times: those over the weights of the target. C: assumed for a constant that no",
    "paper gives; u: recalled, unverified. `slth bound show KEY` says more.",
)
"""What the columns are."""


def compare(
    *,
    network: Annotated[
        str, Parameter(help="Widths such as 784-500-10, input first, or your module, package.module:factory.")
    ],
    eps: Annotated[float, Parameter(help="Error of the output that theorems shall keep to.")],
    delta: Annotated[float | None, Parameter(help="Probability of failure; eps by default.")] = None,
    density: Annotated[float, Parameter(help="Of tickets, and of a mask that a source comes with.")] = 0.1,
    perturbation: Annotated[float, Parameter(help="How far random weights may move, where they may.")] = 1.0,
    constant: Annotated[float, Parameter(help="What every unspecified constant is assumed to be.")] = 1.0,
    input_shape: Annotated[str | None, Parameter(help="Of one input of your module, as 3,32,32.")] = None,
    classes: Annotated[int | None, Parameter(help="Given to your module, if it takes them.")] = None,
    common: Common = COMMON,
) -> Outcome:
    """What every theorem on a whole network demands for yours, in one table: sizes of random layers, weights in all.

    A module is called with input_shape and classes as far as it takes them, and its layers with weights are taken in
    order; convolutions are served by theorems on those alone, which take linear layers as convolutions of size 1.
    """
    from slth.theory import demands

    given = {"network": network, "eps": eps, "delta": delta, "density": density, "perturbation": perturbation}
    given |= {"constant": constant, "input_shape": input_shape, "classes": classes}
    command = claim("compare", {name: value for name, value in given.items() if value is not None}, common)
    layers = _layers(network, input_shape, classes, common.seed)
    found = demands(layers, eps=eps, delta=delta, density=density, perturbation=perturbation, constant=constant)
    target = sum(layer.weights for layer in layers)
    data: dict[str, Any] = {
        "network": network,
        "layers": [asdict(layer) for layer in layers],
        "weights": target,
        "eps": eps,
        "delta": eps if delta is None else delta,
        "demands": [_plain(one) for one in found],
        "command": command,
    }

    def show() -> list[RenderableType]:
        said = sorted((one for one in found if not one.reason), key=lambda one: (one.direction, one.weights))
        lines = [
            (one.key, one.direction, _assumed(one), *map(_brief, (max(one.sizes), one.weights, one.overhead)))
            for one in said
        ]
        silent = [f"{one.key} says nothing here: {one.reason}" for one in found if one.reason]
        head = {"network": network, "weights": f"{target:,} in {len(layers)} layers"}
        head |= {name: data[name] for name in ("eps", "delta")}
        headings = ("bound", "is", "C", "layer", "weights", "times")
        return [key_value_table(head), "", table_of(lines, headings, whole=headings), *silent, "", *NOTES]

    return Outcome("bound compare", common, data, show)


def _plain(one: Demand) -> dict[str, Any]:
    """A demand as JSON has it, which knows no number that is none."""
    return {**asdict(one), **({"weights": None, "overhead": None} if one.reason else {})}


def _assumed(one: Demand) -> str:
    unverified = " u" * (one.provenance == "recalled")
    return f"{'-' if one.constant is None else number(one.constant)}{unverified}"


def _brief(value: float) -> str:
    return f"{value:,.0f}" if 100.0 <= value < 1e6 else f"{value:.3g}"


def _layers(network: str, input_shape: str | None, classes: int | None, seed: int) -> list[Layer]:
    if is_own("slth.models", network):
        return _of_module(network, _shape(network, input_shape), classes, seed)
    from slth.theory import Layer

    try:
        widths = [int(part) for part in network.split("-")]
    except ValueError:
        widths = []
    if len(widths) < 2 or min(widths) < 1:
        remedy = "write 784-500-10, or package.module:factory with --input-shape"
        raise ArgumentError("network", network, "is neither widths nor a module", remedy)
    return [Layer(low, high) for low, high in pairwise(widths)]


def _shape(network: str, text: str | None) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in (text or "").split(","))
    except ValueError:
        remedy = f"say what {network} takes, as --input-shape 3,32,32"
        raise ArgumentError("input_shape", text, "is no shape", remedy) from None
    return shape


def _of_module(name: str, shape: tuple[int, ...], classes: int | None, seed: int) -> list[Layer]:
    """The layers with weights; those of groups are convolutions some of whose entries are zero."""
    from slth.networks import describe
    from slth.networks.own import factory_of, made_by
    from slth.theory import Layer

    factory = factory_of(name)
    known: dict[str, Any] = {"input_shape": shape}
    if classes is not None:
        known["classes"] = classes
    elif _needs_classes(factory):
        raise ArgumentError("classes", None, f"is what {name} takes", "give it, as --classes 10")
    graph = describe(made_by(factory, known, {}, seed=seed), shape)
    shapes = [node.step.geometry for node in graph.weighted]
    if not shapes:
        raise ArgumentError("network", name, "has no layer with weights", "name another")
    return [Layer(one.inputs, one.outputs, max(one.window.kernel)) for one in shapes]


def _needs_classes(factory: Callable[..., Any]) -> bool:
    """Whether a factory cannot be called without classes; one without a signature is asked when it is called."""
    try:
        taken = signature(factory).parameters.get("classes")
    except (TypeError, ValueError):
        return False
    return taken is not None and taken.default is taken.empty
