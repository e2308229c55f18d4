"""Masks over weights that somebody trained: they are searched as any, and what comes out is no ticket."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from safetensors.torch import save
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.files import write_bytes
from slth.networks import Kept, Selection, densities, layout_of, maskable, totals
from slth.networks.given import instance, module_given
from slth.networks.handover import masks as masks_of
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches.journal import Journal
from slth.searches.method import RECIPE, Searched, Selected, check_spared
from slth.searches.random_source import RandomSource
from slth.searches.search import check_record
from slth.training import CrossEntropy, Evaluation, Examples, Recipe, Record, TrainingRun, evaluate
from slth.training.checkpoint import digest, file_of
from slth.training.examples import Normalisation
from slth.training.long_epochs import records_told
from slth.training.method import MethodState
from slth.training.recipe import Loss
from slth.training.tokens import check_tokens

FORMAT = "slth masks/1"
NATURE = "masks over trained weights: neither a strong ticket nor one of a seed"


@dataclass(frozen=True, eq=False)
class PretrainedMasks:
    """Masks over trained weights. No seed gives these weights, so this is neither strong nor a ticket.

    Parameters
    ----------
    masks : mapping of str to Tensor
        Bool, or int8 of -1, 0 and 1 where they are signed; by name and in the shape of each maskable weight.
    module : torch.nn.Module
        A copy of the trained module under these masks, in evaluation mode.
    scores : mapping of str to Tensor
        As they were at the end.
    trace : tuple of Record
        One for each epoch.
    density : mapping of str to Kept
    loss, normalisation
        Of the recipe: what :meth:`evaluate` measures, and of which inputs.
    """

    masks: Mapping[str, Tensor]
    module: nn.Module
    scores: Mapping[str, Tensor]
    trace: tuple[Record, ...]
    density: Mapping[str, Kept]
    loss: Loss = field(default_factory=CrossEntropy)
    normalisation: Normalisation | None = None

    def __repr__(self) -> str:
        """Say what this is, and what it is not."""
        kept, total = (sum(getattr(one, count) for one in self.density.values()) for count in ("kept", "total"))
        return f"PretrainedMasks({NATURE}; {kept} of {total} weights kept)"

    def evaluate(self, examples: Examples) -> Evaluation:
        """Return loss and accuracy of the masked module."""
        return evaluate(
            self.module,
            examples.normalised(self.normalisation).to(next(self.module.parameters()).device),
            loss=self.loss,
        )

    def save(self, path: str | Path) -> None:
        """Write the masks as safetensors by the names of the weights; the trained weights are not in the file.

        ``slth.networks.attach_masks(module, safetensors.torch.load_file(path))`` puts them on the trained module.
        """
        header = {"format": FORMAT, "nature": NATURE}
        # One entry alone: the writer orders several at random.
        content: bytes = save(dict(self.masks), metadata={"slth": json.dumps(header)})
        try:
            write_bytes(Path(path), content)
        except (OSError, TypeError) as problem:
            raise ArgumentError("path", path, f"cannot be written ({problem})", "pass the name of a file") from None


def mask_pretrained(
    module: nn.Module,
    data: Examples,
    method: Selection,
    *,
    recipe: Recipe | None = None,
    validation: Examples | None = None,
    seed: int = 0,
    device: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> PretrainedMasks:
    r"""Search a mask over the weights that a module has, which stay as they are, from scores that begin as magnitudes.

    First scores are :math:`\sum |w|` over what has one score: without an epoch this is magnitude pruning. The result is
    masks, never a ticket: what they keep was trained.

    Parameters
    ----------
    module : torch.nn.Module
        Trained; it stays as it is. Biases and norms are not trained on, but for running statistics.
    data : Examples
    method : Selection
        Such as :class:`EdgePopup`.
    recipe : Recipe, optional
        20 epochs of batches of 128, SGD with momentum 0.9 and weight decay 1e-4, cosine from 0.1 by default.
    validation : Examples, optional
        Held-out examples, evaluated after each epoch.
    seed : int
        Of the order of the examples.
    device : {"auto", "cpu", "cuda"}, optional
        Where the module is by default.
    folder : str or Path, optional
        Where each epoch is written: the same search of the same weights in the same folder goes on from there.
    progress : callable, optional
        Called with ("masks", epochs done, epochs).

    Returns
    -------
    PretrainedMasks

    Raises
    ------
    slth.errors.ArgumentError
        The method is no selection, the module has masks or nothing to mask, or as :class:`~slth.training.TrainingRun`.
    slth.errors.ConstructionError
        Scores or loss are no longer finite, or no weight of a layer is kept (the layer is named).

    Notes
    -----
    Source: Zhang et al., "Lottery Jackpots Exist in Pre-trained Models", 2021 (unverified).

    Examples
    --------
    >>> from slth.training import Recipe
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0], [1.0]]), [0, 1])
    >>> layer = torch.nn.Linear(1, 2)
    >>> with torch.no_grad():
    ...     _ = layer.weight.copy_(torch.tensor([[-2.0], [1.0]]))
    >>> found = slth.searches.mask_pretrained(layer, data, slth.EdgePopup(density=0.5), recipe=Recipe(epochs=0))
    >>> found.masks["weight"].tolist(), found.module.weight.tolist()
    ([[True], [False]], [[-2.0], [0.0]])
    """
    wanted = "use slth.EdgePopup(density=0.1); methods with a state search random networks"
    instance(method, Selection, "method", wanted)
    axes = maskable(module_given(module, ready=True))
    if not axes or masks_of(module):
        rule = "has masks already" if axes else "has no weight that a mask is for"
        raise ArgumentError("module", type(module).__name__, rule, "pass a trained module as it is")
    check_spared(method.spared, axes)
    network = copy.deepcopy(module)
    # A random network in name alone: nothing of its law and its seed is drawn.
    gains = dict.fromkeys(axes, 1.0)
    source = RandomSource(network, layout_of(network), WeightLaw("normal"), 0, gains, axes, "none")
    recipe = RECIPE if recipe is None else recipe
    check_tokens(network, recipe, data, validation)
    searched = Searched(_ByMagnitude(method), source)
    run = TrainingRun(network, data, recipe, method=searched, validation=validation, seed=seed, device=device)
    said = {"weights": digest({name: tensor.detach().cpu() for name, tensor in module.state_dict().items()})}
    journal = None if folder is None else Journal(file_of(folder, "folder"), run, said)
    trace = [] if journal is None else journal.resume()
    for record in records_told(run, progress):
        check_record(run, record, searched.method.collapsed)
        trace.append(record)
        if journal is not None:
            journal.write(trace, better=False)
        if progress is not None:
            progress("masks", record.epoch, run.recipe.epochs)
    masks = {name: mask.cpu() for name, mask in run.masks().items()}
    run.write_weights()
    scores = {name: one.detach().clone() for name, one in run.state.trained.items()}
    return PretrainedMasks(
        masks, network.eval(), scores, tuple(trace), densities(masks), run.recipe.loss, run.recipe.normalisation
    )


@dataclass(frozen=True)
class _ByMagnitude(Selected):
    """A selection whose first scores are the magnitudes of the weights."""

    def begin(self, source: RandomSource) -> MethodState:
        """Return the sums of absolute weights of each group."""
        structure, spared = self.selection.structure, self.selection.spared
        return MethodState(
            {
                name: totals(structure, source.module.get_parameter(name).detach().abs(), one)
                for name, one in source.axes.items()
                if not any(fnmatchcase(name, word) for word in spared)
            }
        )
