"""A search: the one training loop over scores of a random network, and the ticket that it ends with."""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slth.arrays import one_of, whole
from slth.errors import ArgumentError, ConstructionError
from slth.networks import Kept, Selection, apply_ticket, densities, maskable
from slth.networks.given import instance
from slth.resources import Progress, reporter
from slth.rng import WeightLaw
from slth.searches.journal import Journal
from slth.searches.method import Searched, SearchMethod, Selected, check_spared
from slth.searches.random_source import RandomSource, Scale, random_source
from slth.tickets import Ticket
from slth.training import CrossEntropy, Evaluation, Examples, Recipe, Record, TrainingRun
from slth.training.checkpoint import file_of
from slth.training.evaluation import evaluate
from slth.training.examples import Normalisation
from slth.training.long_epochs import steps_told
from slth.training.method import MethodState
from slth.training.recipe import Loss
from slth.training.tokens import check_tokens
from slth.training.turns import finished


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found.

    Parameters
    ----------
    ticket : Ticket
        Seed, mask and declared numbers; :func:`slth.apply_to` writes it into the user's own module.
    module : torch.nn.Module
        A copy of the user's module that computes what the ticket says, in evaluation mode.
    scores : mapping of str to Tensor
        As they were when the mask was kept.
    trace : tuple of Record
        One for each epoch.
    epoch : int
        Epochs that were over when the mask was kept: all, or those of the best validation accuracy.
    density : mapping of str to Kept
        kept / total of each weight.
    selection : Selection or None
        What makes the masks of the scores; None where the masks have no scores.
    last : Ticket or None
        That of the last epoch, which is the same unless the best one was kept; None where nothing was trained.
    fixed : mapping of str to Tensor
        What the method knew then beside its scores, such as the flags of :class:`GemMiner`.
    loss, normalisation
        Of the recipe: what :meth:`evaluate` measures, and of which inputs.
    inverted : Ticket or None
        Of a method with a state: the ticket of smallest scores, for :func:`sanity_checks`; None where there is none.
    """

    ticket: Ticket
    module: nn.Module = field(repr=False)
    scores: Mapping[str, Tensor] = field(repr=False)
    trace: tuple[Record, ...] = field(repr=False)
    epoch: int
    density: Mapping[str, Kept]
    selection: Selection | None = None
    last: Ticket | None = None
    fixed: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    loss: Loss = field(default_factory=CrossEntropy)
    normalisation: Normalisation | None = None
    inverted: Ticket | None = None

    def evaluate(self, examples: Examples) -> Evaluation:
        """Return loss and accuracy of the ticket."""
        return evaluate(
            self.module,
            examples.normalised(self.normalisation).to(next(self.module.parameters()).device),
            loss=self.loss,
        )


def search(
    module: nn.Module,
    data: Examples,
    method: Selection | SearchMethod,
    *,
    recipe: Recipe | None = None,
    validation: Examples | None = None,
    keep: Literal["last", "best"] = "last",
    law: WeightLaw | None = None,
    scale: Scale = "kaiming",
    seed: int = 0,
    order: int | None = None,
    device: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | bool | None = None,
) -> SearchResult:
    r"""Find a strong ticket in a random network of a module's architecture: weights of a seed, never trained, masked.

    Parameters
    ----------
    module : torch.nn.Module
        Gives the architecture; it stays as it is. Its biases are taken as zero, and norm layers and parameters that no
        mask is for as the module has them; none of these is trained, and the ticket declares them.
    data : Examples
        What the scores are trained on.
    method : Selection or SearchMethod
        From scores to masks, such as :class:`EdgePopup`, ``slth.networks.Threshold``, or a subclass of one's own; or a
        method with a state and a schedule, such as :class:`GemMiner`.
    recipe : Recipe, optional
        How the scores are trained, with any loss of outputs and targets; by default the method's ``usual`` recipe: of a
        selection 20 epochs of batches of 128, SGD with momentum 0.9 and weight decay 1e-4, cosine from 0.1.
    validation : Examples, optional
        Held-out examples, evaluated after each epoch.
    keep : {"last", "best"}
        Whether the ticket has the last mask, or that of the epoch that was best on the held-out examples.
    law : WeightLaw, optional
        Of the weights; signed constant by default.
    scale : {"kaiming", "elu", "kept", "local", "removed", "none"}
        Standard deviation of a layer's weights: :math:`\sqrt{2/m}` for m inputs of an output; :math:`\sqrt{3/m}`;
        :math:`\sqrt{2/(m \cdot density)}`, of the density asked for or of the layer's mask as it stands ("local");
        :math:`\sqrt{2/(m (1 - density))}`, which the published code has for "kept"; or the law's own.
    seed : int
        Of weights, scores and the order of the examples; 0 <= seed < 2**64.
    order : int, optional
        Seed of the order of the examples and of their augmentation, where it is another one: members of an ensemble
        are masks of the same weights.
    device : {"auto", "cpu", "cuda"}, optional
        Where to search; where the module is by default.
    folder : str or Path, optional
        Where each epoch is written: the same search in the same folder goes on from there, on the CPU to the same bits.
        Without one nothing is written.
    progress : callable or bool, optional
        True for a line on stderr; or called with ("search", epochs done, epochs), and where an
        epoch takes long with ("steps of the epoch", steps done, steps).

    Returns
    -------
    SearchResult

    Raises
    ------
    slth.errors.ArgumentError
        The module has nothing to mask, the density keeps nothing of a layer, the module does not take the examples, the
        folder holds another search, or an argument breaks a rule.
    slth.errors.DataError
        A file in the folder is damaged.
    slth.errors.ConstructionError
        Scores or loss are no longer finite, or no weight of a layer is kept (the layer is named).

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> found = slth.search(net, data, slth.EdgePopup(density=0.5), seed=1)
    >>> found.ticket.family, round(found.ticket.mask.density, 2), found.evaluate(data).accuracy
    ('strong', 0.5, 1.0)
    """
    taken = searching(
        module, data, method, recipe=recipe, validation=validation, keep=keep, law=law, scale=scale, seed=seed,
        order=order, device=device, folder=folder, progress=reporter(progress),
    )  # fmt: skip
    return finished(taken)


def searching(
    module: nn.Module,
    data: Examples,
    method: Selection | SearchMethod,
    *,
    recipe: Recipe | None,
    validation: Examples | None,
    keep: Literal["last", "best"],
    law: WeightLaw | None,
    scale: Scale,
    seed: int,
    order: int | None = None,
    device: str | None,
    folder: str | Path | None,
    progress: Progress | None,
) -> Generator[None, None, SearchResult]:
    """Search as :func:`search` does, step by step: several searches can take turns."""
    if not one_of(keep, ("last", "best")) or (keep == "best" and validation is None):
        rule = 'must be "last", or "best" with held-out examples'
        raise ArgumentError("keep", keep, rule, "pass validation=; slth.training.split() sets examples apart")
    wanted = "use slth.EdgePopup(density=0.5); baselines go to slth.searches.prune"
    chosen = Selected(method) if isinstance(method, Selection) else instance(method, SearchMethod, "method", wanted)
    law = WeightLaw("signed-constant") if law is None else law
    order = seed if order is None else whole(order, "order", 0, 2**64 - 1, remedy="leave it out for that of the seed")
    source = random_source(module, law=law, seed=seed, scale=scale, density=_shares(method, module))
    recipe = chosen.usual if recipe is None else recipe
    check_tokens(source.module, recipe, data, validation)
    run = TrainingRun(
        source.module,
        data,
        recipe,
        method=Searched(chosen, source),
        validation=validation,
        seed=order,
        device=device,
    )
    kept = _Kept(run, chosen, source)
    _check_gains(kept.gains, chosen.collapsed)
    kept.ticket()  # refuses numbers that no ticket holds before anything is searched
    said = {"law": law.describe(), "scale": scale, "gains": source.gains, "keep": keep, "seed": seed}
    journal = None if folder is None else Journal(file_of(folder, "folder"), run, said)
    kept = kept if journal is None else _Kept(run, chosen, source, journal.best())
    trace = [] if journal is None else journal.resume()
    if keep == "last" and trace:
        kept = _Kept(run, chosen, source, trace[-1])
    if trace and progress is not None:
        progress("search", trace[-1].epoch, run.recipe.epochs)
    for record in steps_told(run, progress):
        if record is None:
            yield
            continue
        check_record(run, record, chosen.collapsed)
        trace.append(record)
        better = keep == "last" or (chosen.settled(run.step) and kept.is_better(record))
        if better:
            kept = _Kept(run, chosen, source, record)
        if journal is not None:
            journal.write(trace, better=better and keep == "best")
        if progress is not None:
            progress("search", record.epoch, run.recipe.epochs)
    found = kept.result(module, method if isinstance(method, Selection) else None, tuple(trace))
    last = found.last if keep == "last" else _Kept(run, chosen, source).ticket()
    return replace(found, last=last, loss=run.recipe.loss, normalisation=run.recipe.normalisation)


def _shares(method: Selection | SearchMethod, module: nn.Module) -> float | Mapping[str, float] | None:
    """Return the density that is asked for, of each weight where they differ; None where none is."""
    density, axes = getattr(method, "density", None), maskable(module)
    check_spared(method.spared, axes)
    if not isinstance(density, Mapping):
        return density
    unknown = sorted(set(density) - set(axes))
    if unknown:
        remedy = f"the weights are {', '.join(axes)}"
        raise ArgumentError("density", unknown[0], "is no weight of the module", remedy)
    return {name: 1.0 for name in axes if any(fnmatchcase(name, word) for word in method.spared)} | dict(density)


class _Kept:
    """The state of a search that its ticket is made of."""

    def __init__(
        self, run: TrainingRun, method: SearchMethod, source: RandomSource, record: Record | None = None
    ) -> None:
        self.source, self.record, self.law, self.reading = source, record, method.law(source.law), method.reading
        self.method, self.step = method, run.step
        state, step = run.state, run.step
        with torch.no_grad():
            self.entries = {name: found.cpu() for name, found in method.entries(state, source, step).items()}
            self.gains = dict(method.gains(method.masks(state, source, step), state, source))
        self.scores = {name: scores.detach().clone() for name, scores in state.trained.items()}
        self.fixed = {name: tensor.clone() for name, tensor in state.fixed.items()}  # captured steps write into theirs
        self.stored: dict[str, NDArray[Any]] = source.stored()

    def is_better(self, record: Record) -> bool:
        """Whether a later epoch is better on the held-out examples; the earlier of equals stays."""
        return self.record is None or _merit(record) > _merit(self.record)

    def ticket(self) -> Ticket:
        """Make the ticket."""
        return self.source.ticket(self.entries, self.stored, gains=self.gains, law=self.law, reading=self.reading)

    def result(self, module: nn.Module, selection: Selection | None, trace: tuple[Record, ...]) -> SearchResult:
        """Make the ticket, and write it into a copy of the user's module."""
        ticket = self.ticket()
        found = apply_ticket(copy.deepcopy(module), ticket).eval()
        epoch = 0 if self.record is None else self.record.epoch
        kept = densities(self.entries)
        inverted = self._inverted() if selection is None else None
        return SearchResult(
            ticket, found, self.scores, trace, epoch, kept, selection, ticket, self.fixed, inverted=inverted
        )

    def _inverted(self) -> Ticket | None:
        """Make the ticket of the smallest scores, if the method has an order of them."""
        state = MethodState(self.scores, self.fixed)
        with torch.no_grad():
            entries = self.method.inverted(state, self.source, self.step)
            if entries is None:
                return None
            gains = dict(self.method.gains({name: one != 0 for name, one in entries.items()}, state, self.source))
        entries = {name: one.cpu() for name, one in entries.items()}
        return self.source.ticket(entries, self.stored, gains=gains, law=self.law, reading=self.reading)


def _check_gains(gains: Mapping[str, float], remedy: str) -> None:
    """Name the layer of which nothing is kept before anything is searched, where that leaves it without a gain."""
    for name, gain in gains.items():
        if not gain > 0.0:
            raise ConstructionError(f"no weight of {name} is kept by the first scores: {remedy}")


def _merit(record: Record) -> float:
    """Accuracy on the held-out examples, or the negative loss where targets are no classes."""
    assert record.validation is not None, "there are held-out examples"
    return -record.validation.loss if record.validation.accuracy is None else record.validation.accuracy


def check_record(run: TrainingRun, record: Record, remedy: str) -> None:
    """Stop a search that can no longer go on, and say where."""
    for name, scores in run.state.trained.items():
        if not bool(torch.isfinite(scores).all()):
            raise ConstructionError(f"scores of {name} are no longer finite in epoch {record.epoch}: lower the rate")
    if not np.isfinite(record.loss):
        raise ConstructionError(f"the loss is {record.loss} in epoch {record.epoch}: lower the rate, or clip gradients")
    for name, mask in run.masks().items():
        if not bool(mask.any()):
            rule = f"no weight of {name} is kept after epoch {record.epoch}: the network has collapsed"
            raise ConstructionError(f"{rule}; {remedy}")
