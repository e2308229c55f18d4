"""The functions that users call: the only module that joins the floors, and it loads each when it is needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from slth.errors import ArgumentError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from slth.constructions import Attention, Construction, Conv, Dense, Structured
    from slth.rng import WeightLaw
    from slth.tickets import AttentionNetwork, ConvNetwork, DenseNetwork, Ticket

Progress = Callable[[str, int, int], None]


def construct(
    target: nn.Module | DenseNetwork | ConvNetwork | AttentionNetwork,
    *,
    method: Dense | Conv | Structured | Attention,
    input_shape: Sequence[int] | None = None,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    normalisation: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int = 0,
    law: WeightLaw | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Construction:
    r"""Find a subnetwork of a random network that computes nearly the same as a trained one.

    Each weight w of the target becomes a subset sum of random products,
    :math:`|w - g \sum_{k \in S} u_k v_k| \le \epsilon_w`, or each input channel's kernels a sum of random vectors, and
    the errors are folded through the layers into a bound over the whole input box.

    Parameters
    ----------
    target : torch.nn.Module, DenseNetwork, ConvNetwork or AttentionNetwork
        An ``nn.Sequential`` of ``Flatten``, ``Linear``, ``Conv2d``, ``BatchNorm2d``, pooling and ``ReLU`` (and
        :class:`slth.networks.Residual`), an ``AttentionClassifier`` of :mod:`slth.networks.attention`, or a described
        network.
    method : Dense, Conv, Structured or Attention
        What to build: ``Dense(candidates=20)``, ``Dense(eps=0.01, delta=0.01)``, ``Conv(candidates=20)``,
        ``Structured(channels=10_000)``, ``Attention(candidates=30)``.
    input_shape : sequence of int, optional
        Shape of one input, without the batch axis; convolutions need it, and where dense targets have one it is
        compared.
    input_box : tuple of two array_like
        Smallest and largest value of each raw input.
    normalisation : tuple of two array_like, optional
        Mean and standard deviation that the module expects to be applied to its inputs; folded into its first layer.
        The certificate bounds the difference from the folded network, whose first layer is rounded to float64; what
        that rounding changes from the module itself is not in it.
    seed : int
        Seed of the random network, 0 <= seed < 2**64.
    law : WeightLaw, optional
        Law of the random weights; uniform on (-1, 1) by default, for ``Structured`` the standard normal. ``Attention``
        has the theorem's.
    device : {"cpu", "cuda", "auto"} or str
        Where ``Structured`` searches its channels; the other methods run on processors.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    Construction
        ``ticket``, ``certificate`` (its ``error`` bounds every output over the box), ``table`` (a row for each layer).

    Raises
    ------
    ArgumentError
        The module cannot be described, shapes do not fit, or an option breaks its rule.
    ConstructionError
        What was asked of the method cannot be reached.

    Notes
    -----
    Sources: Pensia et al. 2020, "Optimal Lottery Tickets via SubsetSum" (arXiv 2006.07990); da Cunha, Natale and
    Viennot 2022, "Proving the Strong Lottery Ticket Hypothesis for Convolutional Neural Networks"; da Cunha, d'Amore
    and Natale 2023, "Polynomially Over-Parameterized Convolutional Neural Networks Contain Structured Strong Winning
    Lottery Tickets" (arXiv 2311.09858); Otsuka et al. 2025, "The Strong Lottery Ticket Hypothesis for Multi-Head
    Attention" (arXiv 2511.04217, title recalled).

    Examples
    --------
    >>> import slth
    >>> target = slth.DenseNetwork([slth.DenseLayer([[0.5, -0.25]], activation="identity")])
    >>> made = slth.construct(target, method=slth.Dense(eps=0.01, delta=0.01), seed=1)
    >>> made.certificate.error <= 0.01
    True
    """
    from slth.constructions import Attention, Conv, Structured, construct_conv, construct_dense, construct_structured
    from slth.tickets import DenseNetwork

    if isinstance(method, Attention):
        return _construct_attention(target, method, input_box=input_box, seed=seed, law=law, progress=progress)
    network = _described(target, input_shape, normalisation)
    options = {"input_box": input_box, "seed": seed, "law": law, "progress": progress}
    if isinstance(method, Structured):
        return construct_structured(network, method, device=device, **options)  # type: ignore[arg-type]
    if device not in ("cpu", "auto"):
        raise ArgumentError("device", device, f"is not offered for {type(method).__name__}", "use device='cpu'")
    if isinstance(method, Conv):
        return construct_conv(network, method, **options)  # type: ignore[arg-type]
    if not isinstance(network, DenseNetwork):
        remedy = "pass slth.Structured(channels=...) or slth.Conv(candidates=...)"
        raise ArgumentError("method", method, "does not fit a target with convolutions", remedy)
    return construct_dense(network, method, **options)  # type: ignore[arg-type]


def _construct_attention(
    target: object,
    method: Attention,
    *,
    input_box: tuple[ArrayLike, ArrayLike],
    seed: int,
    law: WeightLaw | None,
    progress: Progress | None,
) -> Construction:
    from slth.constructions import construct_attention
    from slth.tickets import AttentionNetwork

    if law is not None:
        raise ArgumentError("law", law, "is the theorem's for attention", "leave it out")
    if not isinstance(target, AttentionNetwork):
        from slth.networks.attention import AttentionClassifier, describe_attention

        if not isinstance(target, AttentionClassifier):
            remedy = "pass an AttentionClassifier or an AttentionNetwork"
            raise ArgumentError("target", type(target).__name__, "is no attention network", remedy)
        target = describe_attention(target)
    return construct_attention(target, method, input_box=input_box, seed=seed, progress=progress)


def _described(
    target: Any,
    input_shape: Sequence[int] | None,
    normalisation: tuple[ArrayLike, ArrayLike] | None,
) -> DenseNetwork | ConvNetwork:
    from slth.tickets import ConvNetwork, DenseNetwork

    if isinstance(target, DenseNetwork | ConvNetwork):
        if normalisation is not None:
            raise ArgumentError(
                "normalisation", normalisation, "goes with a torch module", "fold it into the first layer"
            )
        network = target
    else:
        from slth.networks import describe_module

        network = describe_module(target, input_shape=input_shape, normalisation=normalisation)
    if isinstance(network, ConvNetwork):
        if input_shape is not None and tuple(input_shape) != network.input_shape:
            raise ArgumentError("input_shape", input_shape, f"must be {network.input_shape}", "leave it out")
    elif input_shape is not None and _numbers(input_shape) != network.layers[0].inputs:
        raise ArgumentError(
            "input_shape", input_shape, f"must have {network.layers[0].inputs} numbers in all", "leave it out"
        )
    return network


def _numbers(shape: Sequence[int]) -> int | None:
    try:
        return math.prod(shape)
    except TypeError:
        return None


def load_ticket(path: str | Path) -> Ticket:
    """Read a ticket file and check that its weights regenerate bit for bit; nothing in it is executed.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Ticket

    Raises
    ------
    ArgumentError
        The path is no path.
    TicketError
        No such file, not a ticket, another version, truncated, changed, or weights that do not regenerate.

    Examples
    --------
    >>> import slth
    >>> try:
    ...     slth.load_ticket("no such file")
    ... except slth.TicketError as problem:
    ...     print(problem)
    no such file: there is no such file
    """
    from slth.tickets import load_ticket as read

    return read(path)


def to_torch(ticket: Ticket, *, dtype: torch.dtype | None = None) -> nn.Module:
    """Turn a ticket into an ordinary torch module with its masked random weights.

    Parameters
    ----------
    ticket : Ticket
    dtype : torch.dtype, optional
        ``torch.float32``, the default, or ``torch.float64``, in which the certificate's allowance for rounding is
        negligible (that for float32 is a worst case over all orders of summation, and usually far from what is seen).

    Returns
    -------
    torch.nn.Module
        Without parameters (its weights are buffers); maps [batch, inputs] to [batch, outputs].

    Raises
    ------
    ArgumentError
        The ticket is of a kind that has no module, or the dtype is another one.

    Examples
    --------
    >>> import slth
    >>> target = slth.DenseNetwork([slth.DenseLayer([[0.5, -0.25]], activation="identity")])
    >>> ticket = slth.construct(target, method=slth.Dense(candidates=8)).ticket
    >>> sum(1 for _ in to_torch(ticket).parameters())
    0
    """
    from slth.networks import module_from_ticket

    return module_from_ticket(ticket) if dtype is None else module_from_ticket(ticket, dtype=dtype)
