"""Attention from end to end: train on images cut into tokens, construct, write, read back, certify, attack."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.constructions import Construction
from slth.constructions.attention import Attention, construct_attention
from slth.constructions.attention_certificate import AttentionCertificate
from slth.errors import ArgumentError, TicketError
from slth.experiments.attention_target import save_attention_target
from slth.experiments.datasets import DataSet
from slth.experiments.environment import package_versions
from slth.experiments.evaluation import accuracy
from slth.experiments.record import TicketRecord
from slth.networks.attention_attack import attack_attention
from slth.tickets import AttentionNetwork, Ticket, load_ticket
from slth.training import Training
from slth.training.attention import train_attention

Progress = Callable[[str, int, int], None]

TICKET_NAME = "net.ticket"
TARGET_NAME = "target.safetensors"
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
    training : Training
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
    training: Training
    tokens: int | None = None
    width: int = 24
    heads: int = 2
    hidden: Sequence[int] = (32,)
    embedding: str = "relu"
    residual: bool = True
    seed: int = 0


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
    >>> from slth.experiments.datasets import load
    >>> attention_job(load("digits")).method.candidates
    30
    """
    small = len(data.train_labels) < _LARGE
    training = Training(
        epochs=80 if small else 12,
        batch_size=64 if small else 128,
        learning_rate=0.01,
        optimizer="adam",
        weight_decay=0.3 if small else 0.1,
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


def run_attention_job(
    job: AttentionJob,
    data: DataSet,
    folder: Path,
    *,
    command: str = "",
    limit: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> TicketRecord:
    """Train a target, construct its ticket, write both, read the ticket back and measure what was read.

    Parameters
    ----------
    job : AttentionJob
    data : DataSet
    folder : Path
        Receives ``target.safetensors`` and ``net.ticket``; created where missing.
    command : str
        For the summary.
    limit : int, optional
        At most so many training and test examples.
    device : {"cpu", "cuda"}
        Where the target is trained.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    TicketRecord
        Its summary has accuracies, certified, sampled and attack error, softmax bounds, sizes, a row for each layer,
        and ``not_approximated``.

    Raises
    ------
    slth.errors.ArgumentError
        Sizes or options break a rule.
    slth.errors.TicketError
        The file that was just written does not give the same ticket back.
    """
    started = time.perf_counter()
    target = train_attention(
        tokens_of(job, data),
        data.inputs("train", limit=limit),
        data.labels("train", limit=limit),
        width=job.width,
        heads=job.heads,
        hidden=job.hidden,
        classes=data.classes,
        embedding=job.embedding,
        residual=job.residual,
        training=job.training,
        seed=job.seed,
        device=device,
        progress=progress,
    )
    trained = time.perf_counter()
    construction = construct_attention(target, job.method, input_box=(0.0, 1.0), seed=job.seed, progress=progress)
    constructed = time.perf_counter()
    ticket = _written(target, construction, folder)
    record = measure(target, construction, ticket, data, limit=limit, progress=progress)
    ticket_size, target_size = ((folder / name).stat().st_size for name in (TICKET_NAME, TARGET_NAME))
    summary = {
        **record.summary,
        "command": command,
        "ticket": str(folder / TICKET_NAME),
        "target": str(folder / TARGET_NAME),
        "ticket_bytes": ticket_size,
        "target_bytes": target_size,
        "bits_per_target_weight": 8.0 * ticket_size / target.parameters,
        "target_file_bits_per_weight": 8.0 * target_size / target.parameters,
        "verified": True,
        "train_seconds": trained - started,
        "construct_seconds": constructed - trained,
        "evaluate_seconds": time.perf_counter() - constructed,
    }
    return replace(record, summary=summary, command=command)


def measure(
    target: AttentionNetwork,
    construction: Construction,
    ticket: Ticket,
    data: DataSet,
    *,
    limit: int | None = None,
    progress: Progress | None = None,
) -> TicketRecord:
    """Measure a ticket against its target on the test set, and put together what is known of it.

    Parameters
    ----------
    target : AttentionNetwork
    construction : Construction
        Certificate and table.
    ticket : Ticket
        To measure: the one that was read back from its file.
    data : DataSet
    limit : int, optional
        At most so many test examples.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    TicketRecord
    """
    if progress is not None:
        progress("evaluation", 0, 1)
    inputs, labels = data.inputs("test", limit=limit).astype(np.float64), data.labels("test", limit=limit)
    wanted, found = target.forward(inputs), ticket.forward(inputs)
    certificate, statistics = construction.certificate, ticket.statistics()
    assert isinstance(certificate, AttentionCertificate), "a construction of attention"
    differences = np.abs(found - wanted).max(axis=1)
    worst = inputs[np.argsort(-differences, kind="stable")[:_WORST]]
    attack = attack_attention(target, ticket, input_box=certificate.input_box, points=worst)
    low, high = certificate.input_box
    bounds = zip(construction.table, certificate.layers, strict=True)
    rows = [{**row.as_dict(), "value": layer.value, "difference": layer.difference} for row, layer in bounds]
    if progress is not None:
        progress("evaluation", 1, 1)
    summary: dict[str, Any] = {
        "seed": ticket.seed,
        "family": ticket.family,
        "data": data.name,
        "examples": len(labels),
        "tokens": target.tokens,
        "token_size": target.token_size,
        "width": target.width,
        "heads": target.heads,
        "target_accuracy": accuracy(wanted, labels),
        "ticket_accuracy": accuracy(found, labels),
        "agreement": _agreement(wanted, found),
        "certified_error": certificate.error,
        "lemma_certified_error": certificate.norm_bound,
        "norm_bound": certificate.norm_bound,
        "eps": None,
        "float64_allowance": certificate.float64_allowance,
        "float32_allowance": certificate.float32_allowance,
        "sampled_error": float(differences.max()),
        "attack_error": max(attack.error, float(differences.max())),  # other batches round otherwise
        "softmax": certificate.softmax.as_dict(),
        "input_box": f"[{low.min():g}, {high.max():g}]",
        "density": statistics.density,
        "kept": statistics.kept,
        "open_positions": statistics.open_positions,
        "random_parameters": statistics.random_parameters,
        "target_weights": target.parameters,
        "counting_bits_per_weight": statistics.entropy_bound_bits / target.parameters,
        "kept_weights_sha256": ticket.kept_weights_sha256(),
        "layers": rows,
        "not_approximated": list(NOT_APPROXIMATED if target.residual else _without_residual()),
    }
    provenance = {"data": data.provenance, "packages": package_versions(), "law": ticket.law.describe()}
    title = f"{data.name}: a strong lottery ticket for an attention block"
    layers = tuple(AttentionLayerRecord(row) for row in rows)
    return TicketRecord(title, summary, layers, wanted, found, labels, "", provenance)


def _written(target: AttentionNetwork, construction: Construction, folder: Path) -> Ticket:
    """Write target and ticket, and return the ticket as it was read back."""
    folder.mkdir(parents=True, exist_ok=True)
    save_attention_target(target, folder / TARGET_NAME)
    construction.ticket.save(folder / TICKET_NAME)
    ticket = load_ticket(folder / TICKET_NAME)
    sample = np.linspace(0.0, 1.0, 4 * target.inputs).reshape(4, -1)
    if not np.array_equal(ticket.forward(sample), construction.ticket.forward(sample)):
        raise TicketError(f"{folder / TICKET_NAME}: gives other outputs than the ticket that was written")
    return ticket


def _agreement(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    return float(np.mean(wanted.argmax(axis=1) == found.argmax(axis=1)))


def _without_residual() -> tuple[str, ...]:
    return tuple(text for text in NOT_APPROXIMATED if not text.startswith("residual"))
