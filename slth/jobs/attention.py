"""Jobs on attention networks, trained on images cut into tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slth.constructions import Construction
from slth.constructions.attention import Attention, construct_attention
from slth.constructions.attention_certificate import AttentionCertificate
from slth.data.datasets import DataSet
from slth.errors import ArgumentError
from slth.jobs.pipeline import Delivery, Floats, Measured, Progress
from slth.networks.attention import AttentionClassifier, describe_attention
from slth.networks.attention_attack import attack_attention
from slth.tickets import AttentionNetwork
from slth.training import Adam, Cosine, Examples, Recipe, train

_LARGE = 10_000  # examples from which a larger network is trained for fewer epochs
_WORST = 4  # test inputs at which target and ticket differ most, from which the attack starts too

NOT_APPROXIMATED = (
    "tokens: the rows of an image, cut from the flat input; exact",
    "places: a one-hot number of each token, appended; exact (the embedding's weights on them are approximated)",
    "division by sqrt(d_k): merged into W_Q W_K^T before it is approximated; rounded once, in the target",
    "softmax: the same function in both networks; the certificate bounds how far it moves with its scores",
    "weighted sum of the values by the shares: the same operation in both networks",
    "residual connection: adds the embedded tokens; exact",
    "mean over the tokens: exact",
    "gains: one float64 a layer, stored in the ticket",
    "norm layers: there are none, as in the theorem",
)
"""What of an attention network no subset sum approximates."""


@dataclass(frozen=True)
class AttentionJob:
    """What to train and how to construct its ticket.

    Parameters
    ----------
    method : Attention
    training : Recipe
    tokens : int, optional
        Tokens of an input; the rows of an image by default.
    width, heads : int
    hidden : sequence of int
        Hidden layers of the read-out.
    embedding : {"relu", "identity"}
    residual : bool
    seed : int
        Of the training and of the random network.
    """

    method: Attention
    training: Recipe
    tokens: int | None = None
    width: int = 24
    heads: int = 2
    hidden: Sequence[int] = (32,)
    embedding: str = "relu"
    residual: bool = True
    seed: int = 0

    def train(
        self, data: DataSet, *, limit: int | None = None, device: str = "cpu", progress: Progress | None = None
    ) -> AttentionNetwork:
        """Train the target, on at most ``limit`` examples, whose inputs the tokens must divide."""
        tokens = tokens_of(self, data)
        module = AttentionClassifier(
            tokens,
            data.features // tokens,
            width=self.width,
            heads=self.heads,
            hidden=self.hidden,
            classes=data.classes,
            embedding=self.embedding,
            residual=self.residual,
            seed=self.seed,
        )
        examples = Examples(data.inputs("train", limit=limit), data.labels("train", limit=limit))
        train(module, examples, self.training, seed=self.seed, device=device, progress=progress)
        return describe_attention(module)

    def construct(self, target: AttentionNetwork, *, progress: Progress | None = None) -> Construction:
        """Construct its ticket, over inputs from 0 to 1."""
        return construct_attention(target, self.method, input_box=(0.0, 1.0), seed=self.seed, progress=progress)

    def measure(self, delivery: Delivery[AttentionNetwork], inputs: Floats) -> Measured:
        """Measure the ticket on test inputs, float64[examples, features]: also softmax bounds, ``not_approximated``."""
        target, made, ticket = delivery.target, delivery.construction, delivery.ticket
        certificate = made.certificate
        assert isinstance(certificate, AttentionCertificate), "a construction of attention"
        wanted, found = target.forward(inputs), ticket.forward(inputs)
        differences = np.abs(found - wanted).max(axis=1)
        worst = inputs[np.argsort(-differences, kind="stable")[:_WORST]]
        attack = attack_attention(target, ticket, input_box=certificate.input_box, points=worst)
        largest = max(attack.error, float(differences.max()))  # other batches round otherwise
        layers = tuple(
            AttentionLayerRecord({**row.as_dict(), "value": layer.value, "difference": layer.difference})
            for row, layer in zip(made.table, certificate.layers, strict=True)
        )
        facts = {
            "tokens": target.tokens,
            "token_size": target.token_size,
            "width": target.width,
            "heads": target.heads,
            "lemma_certified_error": certificate.norm_bound,
            "softmax": certificate.softmax.as_dict(),
            "not_approximated": [
                text for text in NOT_APPROXIMATED if target.residual or not text.startswith("residual")
            ],
        }
        return Measured(layers, wanted, found, largest, facts)


def attention_job(data: DataSet, *, seed: int = 0, candidates: int | None = None) -> AttentionJob:
    """Give the job of ``slth construct attention`` for a data set of images.

    Parameters
    ----------
    data : DataSet
    seed : int
    candidates : int, optional
        30 for small data sets, 34 for others: a larger network has heavier weights, and more of them.

    Returns
    -------
    AttentionJob

    Examples
    --------
    >>> from slth.data.datasets import load
    >>> attention_job(load("digits")).method.candidates
    30
    """
    small = len(data.train_labels) < _LARGE
    training = Recipe(
        epochs=80 if small else 12,
        batch_size=64 if small else 128,
        schedule=Cosine(0.01),
        optimizer=Adam(weight_decay=0.3 if small else 0.1),
    )
    method = Attention(candidates=(30 if small else 34) if candidates is None else candidates)
    if small:
        return AttentionJob(method, training, seed=seed)
    return AttentionJob(method, training, width=32, hidden=(64,), seed=seed)


def tokens_of(job: AttentionJob, data: DataSet) -> int:
    """Return the number of tokens of a job's inputs.

    Raises
    ------
    slth.errors.ArgumentError
        If it does not divide the inputs.
    """
    tokens = data.shape[-2] if job.tokens is None and len(data.shape) > 1 else job.tokens
    if tokens is None or isinstance(tokens, bool) or tokens < 1 or data.features % tokens:
        rule = f"must divide the {data.features} inputs of {data.name}"
        raise ArgumentError("tokens", tokens, rule, "pass a divisor, such as the number of rows of an image")
    return tokens


@dataclass(frozen=True)
class AttentionLayerRecord:
    """One layer of an attention network as a row of its report's table.

    Parameters
    ----------
    values : mapping
        Path, weights, candidates, density, gain and errors.
    """

    values: Mapping[str, Any]

    def row(self) -> dict[str, Any]:
        """Give the row."""
        return dict(self.values)
