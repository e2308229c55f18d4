"""Fine-tuning: a strong ticket as the start of a training, behind which it is strong no longer."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.files import write_bytes
from slth.networks import apply_ticket
from slth.resources import Progress
from slth.searches.search import SearchResult
from slth.tickets import Ticket
from slth.training import SGD, Cosine, CrossEntropy, Evaluation, Examples, FixedMasks, Recipe, Record, TrainingRun
from slth.training.evaluation import evaluate
from slth.training.examples import Normalisation
from slth.training.long_epochs import records_told
from slth.training.recipe import Loss

FINE_TUNING = Recipe(epochs=20, batch_size=128, schedule=Cosine(0.01), optimizer=SGD(weight_decay=1e-4))
"""How kept weights are trained unless it is said otherwise."""


@dataclass(frozen=True, eq=False)
class FineTuned:
    """A network that began as a ticket and was trained.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode; what its masks remove is exactly zero.
    start : Ticket
        Where training began, of family "trainable": seed and masks, but not the trained weights, which no seed gives.
    trace : tuple of Record
        One for each epoch.
    loss, normalisation
        Of the recipe: what :meth:`evaluate` measures, and of which inputs.
    """

    module: nn.Module
    start: Ticket
    trace: tuple[Record, ...]
    loss: Loss = field(default_factory=CrossEntropy)
    normalisation: Normalisation | None = None

    def evaluate(self, examples: Examples) -> Evaluation:
        """Return loss and accuracy of the trained network."""
        return evaluate(
            self.module,
            examples.normalised(self.normalisation).to(next(self.module.parameters()).device),
            loss=self.loss,
        )

    def save(self, path: str | Path) -> None:
        """Write the trained weights, and all else that the module holds, as safetensors.

        Raises
        ------
        slth.errors.ArgumentError
            The path cannot be written.
        """
        held = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in self.module.state_dict().items()}
        try:
            write_bytes(Path(path), save(held))
        except (OSError, TypeError) as problem:
            raise ArgumentError("path", path, f"cannot be written ({problem})", "pass the name of a file") from None


def fine_tune(
    result: SearchResult,
    data: Examples,
    *,
    recipe: Recipe | None = None,
    masks: Mapping[str, Tensor] | None = None,
    validation: Examples | None = None,
    seed: int = 0,
    device: str | None = None,
    progress: Progress | None = None,
) -> FineTuned:
    """Train the kept weights of a ticket from their random values on; the removed ones stay exactly zero.

    What comes out is no strong ticket. All parameters that require a gradient are trained, biases and norms too.

    Parameters
    ----------
    result : SearchResult
        Left as it is.
    data : Examples
    recipe : Recipe, optional
        20 epochs, cosine from 0.01, SGD with momentum 0.9 and weight decay 1e-4 by default.
    masks : mapping of str to Tensor, optional
        Of bool [weight]: others than those of the ticket, such as :meth:`GemMiner.unfrozen`; one for each of its names.
    validation : Examples, optional
        Evaluated after each epoch.
    seed : int
        Of the order of the examples.
    device : {"auto", "cpu", "cuda"}, optional
    progress : callable, optional
        Called with ("fine-tuning", epochs done, epochs).

    Returns
    -------
    FineTuned

    Raises
    ------
    slth.errors.ArgumentError
        A mask is missing or has another shape than its weight, or as :class:`~slth.training.TrainingRun`.

    Notes
    -----
    Source: Sreenivasan et al., "Rare Gems", NeurIPS 2022, which fine-tunes all weights that were not frozen out.

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> found = slth.search(net, data, slth.EdgePopup(density=0.1))
    >>> tuned = slth.searches.fine_tune(found, data)
    >>> tuned.start.family, tuned.evaluate(data).loss < found.evaluate(data).loss
    ('trainable', True)
    """
    start = replace(result.ticket, family="trainable")
    if masks is not None:
        _check_names(masks, start)
        arrays = {name: _within(array, masks[name]) for name, array in start.mask.arrays.items()}
        start = replace(start, mask=replace(start.mask, arrays=arrays))
    module = apply_ticket(copy.deepcopy(result.module), start)
    kept = masks or {name: module.get_parameter(name).detach() != 0 for name in start.mask.arrays}
    run = TrainingRun(
        module,
        data,
        FINE_TUNING if recipe is None else recipe,
        method=FixedMasks(kept),
        validation=validation,
        seed=seed,
        device=device,
    )
    trace = []
    for record in records_told(run, progress):
        trace.append(record)
        if progress is not None:
            progress("fine-tuning", record.epoch, run.recipe.epochs)
    run.write_weights()
    return FineTuned(module.eval(), start, tuple(trace), run.recipe.loss, run.recipe.normalisation)


def _within(entries: NDArray[Any], kept: Tensor) -> NDArray[Any]:
    """Return the entries of a mask where another one keeps; 1 where the first one has none."""
    mask: NDArray[np.bool_] = kept.detach().cpu().numpy() != 0
    if mask.shape != entries.shape:
        return mask  # which is refused as one of another shape
    found: NDArray[Any] = np.where(entries != 0, entries, np.ones_like(entries)) * mask
    return found


def _check_names(masks: Mapping[str, Tensor], start: Ticket) -> None:
    """Refuse masks for other weights than the ticket has."""
    if set(masks) != set(start.mask.arrays):
        remedy = f"give one for each of {', '.join(start.mask.arrays)}"
        raise ArgumentError("masks", sorted(masks), "are not for the weights of the ticket", remedy)
