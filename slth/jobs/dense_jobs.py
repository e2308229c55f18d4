"""Jobs on fully connected networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from slth.constructions import Construction, Dense, construct_dense
from slth.constructions.solving import MOST_CANDIDATES
from slth.data.datasets import DataSet
from slth.errors import ArgumentError, ConstructionError
from slth.jobs.dense_record import dense_layer_records, information_bits
from slth.jobs.pipeline import Delivery, Floats, Measured, Progress
from slth.networks import attack_difference, describe_module, mlp
from slth.resources import thread_count
from slth.tickets import DenseNetwork
from slth.training import Examples, Recipe, train

SECONDS_A_STEP = 2e-8
"""Of one core, for each of the 2**(candidates / 2) steps that one weight takes: measured 1e-8 to 3e-8 up to 48."""


@dataclass(frozen=True)
class DenseJob:
    """What to train and how to construct its ticket.

    Parameters
    ----------
    hidden : sequence of int
        Hidden neurons of the target.
    method : Dense
    training : Recipe
    bias : bool
        Whether the target has biases.
    seed : int
        Of the training and of the random network.

    Raises
    ------
    slth.errors.ArgumentError
        A hidden layer without neurons, or more candidates than are ever searched.
    """

    hidden: Sequence[int]
    method: Dense
    training: Recipe
    bias: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what would fail, or take no end, after the training."""
        for size in self.hidden:
            if size < 1:
                raise ArgumentError(
                    "hidden", tuple(self.hidden), "must be positive numbers", "pass sizes such as 64,32"
                )
        candidates = self.method.candidates
        if candidates is not None and candidates > MOST_CANDIDATES:
            rule = f"is more than the {MOST_CANDIDATES} that exact search takes, and its time doubles with every two"
            raise ArgumentError("candidates", candidates, rule, "20 to 36 take seconds to minutes")

    def train(
        self, data: DataSet, *, limit: int | None = None, device: str = "cpu", progress: Progress | None = None
    ) -> DenseNetwork:
        """Train the target, on at most ``limit`` examples."""
        module = mlp((data.features, *self.hidden, data.classes), bias=self.bias, seed=self.seed)
        examples = Examples(data.inputs("train", limit=limit), data.labels("train", limit=limit))
        train(module, examples, self.training, seed=self.seed, device=device, progress=progress)
        return describe_module(module)

    def construct(self, target: DenseNetwork, *, progress: Progress | None = None) -> Construction:
        """Construct; whatever cannot be reached is said of the error that was asked for."""
        try:
            return construct_dense(target, self.method, input_box=(0.0, 1.0), seed=self.seed, progress=progress)
        except ConstructionError as problem:
            if self.method.eps is None or str(problem).startswith("eps="):
                raise
            rule = "could not be certified: subset sums of the random weights do not come that close"
            raise ConstructionError(f"eps={self.method.eps} {rule}; allow a larger eps, such as 0.01") from problem

    def measure(self, delivery: Delivery[DenseNetwork], inputs: Floats) -> Measured:
        """Measure the ticket on test inputs, float64[examples, features]."""
        target, made, ticket = delivery.target, delivery.construction, delivery.ticket
        layers = dense_layer_records(target, made, ticket)
        attack = attack_difference(target, ticket, input_box=made.certificate.input_box)
        facts = {
            "eps": self.method.eps,
            "information_bits_per_weight": information_bits(layers, worst=True),
            "information_bits_mean": information_bits(layers, worst=False),
            "layers": [{**layer.row(), **row.as_dict()} for layer, row in zip(layers, made.table, strict=True)],
        }
        return Measured(layers, target.forward(inputs), ticket.forward(inputs), attack.error, facts)


def expected_seconds(job: DenseJob, data: DataSet) -> float:
    """Forecast roughly how long the construction takes on all cores, from the number of weights and candidates.

    Parameters
    ----------
    job : DenseJob
    data : DataSet

    Returns
    -------
    float
        0.0 where an error is asked for rather than a number of candidates.

    Examples
    --------
    >>> from slth.data.datasets import load
    >>> expected_seconds(DenseJob((64, 32), Dense(candidates=10), Recipe()), load("digits")) < 1.0
    True
    """
    if job.method.candidates is None:
        return 0.0
    widths = (data.features, *job.hidden, data.classes)
    weights = sum((inputs + job.bias) * outputs for inputs, outputs in pairwise(widths))
    return float(weights * 2.0 ** (job.method.candidates / 2) * SECONDS_A_STEP / thread_count(None))
