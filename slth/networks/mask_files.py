"""Masks by the names of tensors in a file, as this package and others write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.networks.given import module_given
from slth.networks.masking import maskable
from slth.networks.own import read_tensors

_ENDINGS = ("_mask", ".mask")  # of torch.nn.utils.prune, as in "conv1.weight_mask", and of layers that hold their mask


def read_masks(path: str | Path, module: nn.Module) -> dict[str, Tensor]:
    """Read masks of a module's weights from a file: what other tools found, for training, fine-tuning or a ticket.

    The file is a dictionary of tensors of 0 and 1 (or false and true), in safetensors or in what ``torch.save`` wrote
    of tensors alone; nothing in it is executed. A name is that of the weight, such as ``"conv1.weight"`` (open_lth,
    lth_diet); or it ends in ``"_mask"`` (``torch.nn.utils.prune`` in a state dictionary, whose other tensors are left
    aside then), or is that of the layer and ``".mask"``.

    Parameters
    ----------
    path : str or Path
    module : torch.nn.Module
        Whose weights are masked.

    Returns
    -------
    dict of str to Tensor of bool
        By name of the weight, in its shape: what ``FixedMasks`` takes.

    Raises
    ------
    slth.errors.DataError
        There is no such file, or it holds other things than tensors.
    slth.errors.ArgumentError
        There is no mask in it, one is for no weight, has another shape, or other numbers than 0 and 1.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> file = Path(tempfile.mkdtemp()) / "masks.pt"
    >>> torch.save({"weight_mask": torch.tensor([[1.0, 0.0]]), "weight_orig": torch.zeros(1, 2)}, file)
    >>> read_masks(file, nn.Linear(2, 1))
    {'weight': tensor([[ True, False]])}
    """
    file = Path(path)
    tensors, axes = read_tensors(file), maskable(module_given(module))
    named = {name: one for name, one in tensors.items() if name.endswith(_ENDINGS)} or tensors
    found = {_weight_of(name): one for name, one in named.items()}
    if not found:
        raise ArgumentError(
            "path", str(file), "holds no mask", "save a dictionary of masks by the names of the weights"
        )
    _check(file, found, {name: tuple(one.shape) for name, one in axes.items()})
    return {name: one != 0 for name, one in found.items()}


def _weight_of(name: str) -> str:
    """Return the name of the weight that a mask is for."""
    if name == "mask" or name.endswith(".mask"):
        return f"{name[: -len('mask')]}weight"
    return name.removesuffix("_mask")


def _check(file: Path, masks: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse what is no mask of one of the weights."""
    for name, mask in masks.items():
        if name not in shapes:
            rule = f"holds a mask for {name}, which is no weight of the module"
            raise ArgumentError("path", str(file), rule, f"the weights are {', '.join(shapes)}")
        if tuple(mask.shape) != shapes[name]:
            rule = f"has a mask of shape {list(mask.shape)} for {name}, whose shape is {list(shapes[name])}"
            raise ArgumentError("path", str(file), rule, "read it for the module that it was made for")
        if mask.is_complex() or not bool(((mask == 0) | (mask == 1)).all()):
            rule = f"has other numbers than 0 and 1 for {name}"
            raise ArgumentError("path", str(file), rule, "save masks, not weights or scores")
