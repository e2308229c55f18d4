"""Files of masks by the names of their weights, our own and those of other packages."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save
from torch import Tensor, nn

from slth.errors import DataError
from slth.files import write_bytes
from slth.networks import maskable
from slth.networks.own import read_tensors
from slth.training.method import Tensors

_PRUNE, _OPEN_LTH, _INNER = "_mask", "mask_", "___"


def write_masks(path: Path, masks: Tensors) -> None:
    """Write masks as a safetensors file of bool tensors."""
    write_bytes(path, save({name: mask.contiguous() for name, mask in masks.items()}))


def load_masks(path: str | Path, module: nn.Module) -> dict[str, Tensor]:
    """Read masks for the weights of a module, for :class:`slth.training.FixedMasks` or ``slth.networks.attach_masks``.

    Parameters
    ----------
    path : str or Path
        A ``.safetensors`` file, or one of tensors alone that ``torch.save`` wrote; nothing in it is executed. Masks of
        ones and zeros stand under the names of their weights (``conv1.weight``), under those of
        ``torch.nn.utils.prune`` (``conv1.weight_mask``, other tensors of the state beside them), or under those of
        open_lth (``mask_conv1___weight``).
    module : torch.nn.Module
        Names and shapes must be those of its maskable weights.

    Returns
    -------
    dict of str to Tensor
        Of bool, by the names of the weights.

    Raises
    ------
    slth.errors.DataError
        The file cannot be read, has no mask, or one that fits no weight or has other numbers.

    Notes
    -----
    Source for the name in open_lth: its class PrunedModel (facebookresearch/open_lth, 2ce732f).

    Examples
    --------
    >>> import torch
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     torch.save({"weight_mask": torch.tensor([[1.0, 0.0]])}, Path(folder) / "masks.pt")
    ...     slth.trainable.load_masks(Path(folder) / "masks.pt", torch.nn.Linear(2, 1))
    {'weight': tensor([[ True, False]])}
    """
    file, axes = Path(path), maskable(module)
    found = read_tensors(file)
    named = {weight: tensor for name, tensor in found.items() if (weight := _weight(name)) is not None}
    masks = named or found
    for name, mask in masks.items():
        if name not in axes or tuple(mask.shape) != tuple(axes[name].shape):
            rule = f"fits no weight of the module, which are {', '.join(axes)}"
            rule = rule if name not in axes else f"has another shape than its weight, {list(axes[name].shape)}"
            raise DataError(f"{file}: the mask {name} {list(mask.shape)} {rule}")
        if not bool(((mask == 0) | (mask == 1)).all()):
            raise DataError(f"{file}: {name} has other numbers than 0 and 1, and is no mask")
    if not masks:
        raise DataError(f"{file}: holds no mask")
    return {name: mask != 0 for name, mask in masks.items()}


def _weight(name: str) -> str | None:
    """Return the weight that a name of another package has a mask for; None for a name of no mask."""
    if name.startswith(_OPEN_LTH):
        return name.removeprefix(_OPEN_LTH).replace(_INNER, ".")
    return name.removesuffix(_PRUNE) if name.endswith(_PRUNE) else None
