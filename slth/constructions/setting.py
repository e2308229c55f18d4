"""What is the same for all layers of a construction, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from numpy.typing import ArrayLike

from slth.arrays import Floats
from slth.certificates.certificate import as_box
from slth.errors import ArgumentError
from slth.graphs import Conv, Graph
from slth.resources import Progress
from slth.rng import Stream, WeightLaw
from slth.subset_sum import Solver

_SCALES = 1e-75, 1e75  # fourth powers, the second moments of products, stay clear of underflow and overflow


@dataclass(frozen=True, eq=False)
class Setting:
    """What all layers have in common.

    Shapes: box (float64[*input_shape], float64[*input_shape]).
    """

    law: WeightLaw
    seed: int
    box: tuple[Floats, Floats]
    device: str = "cpu"
    progress: Progress | None = None
    solver: Solver | None = None
    folder: Path | None = None

    @property
    def nonnegative(self) -> bool:
        """Whether no input is ever negative."""
        return bool((self.box[0] >= 0.0).all())


def checked_setting(
    target: object,
    *,
    input_box: tuple[ArrayLike, ArrayLike],
    seed: int,
    law: object,
    device: object,
    progress: Progress | None,
    folder: str | Path | None = None,
) -> Setting:
    """Return the setting, from arguments whose types nothing has checked yet."""
    if not isinstance(target, Graph):
        raise ArgumentError(
            "target", target, "must be a Graph", "describe the module first: slth.describe(module, ...)"
        )
    if not target.weighted:
        raise ArgumentError("target", target.input_shape, "has no weights", "put a convolution or linear layer into it")
    for node in target.weighted:
        if not isinstance(node.step, Conv):
            rule = f"has weights of a kind that no method approximates ({type(node.step).__name__})"
            raise ArgumentError(f"node {node.name}", node.step, rule, "build the target of convolutions")
    if not isinstance(law, WeightLaw):
        raise ArgumentError("law", law, "is not a law of weights", 'pass slth.rng.WeightLaw("uniform", 1.0), or None')
    if law.name == "signed-constant":
        rule = "has no density: sums of its weights, and of their products, are multiples of one number"
        raise ArgumentError("law", law, rule, "use the uniform or the normal law, or train a mask")
    if not _SCALES[0] <= law.scale <= _SCALES[1]:
        rule = f"must have a scale from {_SCALES[0]} to {_SCALES[1]}: products of its weights leave the doubles"
        raise ArgumentError("law", law, rule, "use a scale near 1, for gains do the rest")
    if not isinstance(device, str):
        raise ArgumentError("device", device, "must be a string", 'pass "cpu", "cuda" or "auto"')
    if folder is not None and not isinstance(folder, str | Path):
        raise ArgumentError("folder", folder, "is no path", "name a folder that layers are kept in")
    box = as_box(input_box, target.input_shape)
    place = None if folder is None else Path(folder)
    seed = Stream(seed, "seed").seed  # a stream knows the rule of seeds
    return Setting(law, seed, box, device, progress, folder=place)
