"""The functions that users call: what joins floors, each loaded when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from slth.errors import ArgumentError, as_written
from slth.resources import Progress, reporter

if TYPE_CHECKING:
    import torch
    from torch import nn

    from slth.certificates import Certificate, CertificateAround
    from slth.constructions import Construction, Method
    from slth.graphs import Graph
    from slth.networks import Attack, GraphModule
    from slth.networks.random_layers import Form
    from slth.rng import WeightLaw
    from slth.tickets import Ticket

Normalisation = tuple[ArrayLike, ArrayLike]


def construct(
    target: nn.Module | Graph,
    *,
    method: Method,
    input_shape: Sequence[int] | None = None,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    normalisation: Normalisation | None = None,
    seed: int = 0,
    law: WeightLaw | None = None,
    device: str = "cpu",
    folder: str | Path | None = None,
    progress: Progress | bool | None = None,
) -> Construction:
    r"""Find a subnetwork of a random network that computes nearly the same as a trained one.

    Each weight w of the target becomes a subset sum of random products,
    :math:`|w - g \sum_{k \in S} u_k v_k| \le \epsilon_w`, or each input channel's kernels a sum of random vectors, and
    the errors are folded through the layers into a bound over the whole input box.

    Parameters
    ----------
    target : torch.nn.Module or Graph
        Any module that :func:`describe` takes, or a described network.
    method : PerWeight, Structured or Shallow
        Which theorem to execute: ``PerWeight(candidates=20)``, ``PerWeight(eps=0.01, delta=0.01)``,
        ``Structured(channels=10_000)``, ``Shallow(candidates=20)``.
    input_shape : sequence of int, optional
        Shape of one input, without the batch axis. Modules want it, but for those whose first layer says it (a linear
        layer, with what flattens or drops out in front of it); of a Graph it is compared.
    input_box : tuple of two array_like
        Smallest and largest value of each raw input.
    normalisation : tuple of two array_like, optional
        Mean and standard deviation that the module expects to be applied to its inputs; they become part of the
        described network.
    seed : int
        Seed of the random network, 0 <= seed < 2**64.
    law : WeightLaw, optional
        Law of the random weights; uniform on (-1, 1) by default, for ``Structured`` the standard normal.
    device : {"cpu", "cuda", "auto"} or str
        Where ``Structured`` searches its channels; the other methods run on processors.
    folder : str or Path, optional
        Where ``Structured`` keeps each layer as soon as it is done; the same call then goes on from there.
    progress : callable or bool, optional
        True for a line on stderr; or called with (label, done, total).

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
    >>> target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25]]), ("input",))])
    >>> made = slth.construct(target, method=slth.PerWeight(eps=0.01, delta=0.01), seed=1)
    >>> made.certificate.error <= 0.01
    True
    """
    if isinstance(method, type) or not hasattr(method, "construct"):
        remedy = "pass slth.PerWeight(...), slth.Structured(...) or slth.Shallow(...)"
        raise ArgumentError("method", method, "is no method", remedy)
    graph = _described(target, input_shape, normalisation)
    return method.construct(
        graph, input_box=input_box, seed=seed, law=law, device=device, folder=folder, progress=reporter(progress)
    )  # fmt: skip


def describe(
    module: nn.Module, *, input_shape: Sequence[int] | None = None, normalisation: Normalisation | None = None
) -> Graph:
    """Return what calling a torch module computes in evaluation mode, in float64, as a network of the one language.

    Batch norms and scales behind a convolution are folded into it, with rounding errors of float64; where they cannot
    be, they are depthwise convolutions of size 1. What is described is compared with the module on random inputs, and
    refused where they differ. Half-precision weights are described as the numbers that they are.

    Parameters
    ----------
    module : torch.nn.Module
        Of convolutions (1d, 2d), linear layers, ReLU, ReLU6, Hardtanh, LeakyReLU, PReLU, batch norms, pooling, sums,
        concatenations, views, padding by zeros, multiplications by constants, means over axes, and attention without
        masks; as layers or functions. It must treat each example of a batch alone.
    input_shape : sequence of int, optional
        Shape of one example, without the batch: (numbers,), (channels, length) or (channels, height, width); for tokens
        (tokens, size). May be left out where the first layer with weights is linear.
    normalisation : tuple of two array_like, optional
        Mean and standard deviation: the graph takes the raw input x and computes f((x - mean) / std). One number, one a
        channel (the first axis), or numbers in the shape of the input. Folded into the first convolutions where that is
        exact; zero padding stands for the mean, and in front of it the normalisation stays a step of its own.

    Returns
    -------
    Graph
        Its output has the shape and order of the module's without the batch; (1,) where the module gives one number an
        example.

    Raises
    ------
    ArgumentError
        If an operation is outside of the language (place and operation are named, and what would be accepted), if
        control flow depends on data, if the module cannot be called on such an input, or if it computes something else
        than what was traced.

    Examples
    --------
    >>> from torch import nn
    >>> [node.name for node in slth.describe(nn.Sequential(nn.Linear(2, 3), nn.ReLU())).nodes]
    ['0', '1']
    """
    from slth.networks import describe as traced
    from slth.networks.given import module_given, usual_input_shape

    shape = usual_input_shape(module_given(module)) if input_shape is None else input_shape
    return traced(module, shape, normalisation=normalisation)


def _described(
    target: Any, input_shape: Sequence[int] | None, normalisation: Normalisation | None, argument: str = "target"
) -> Graph:
    from slth.graphs import Graph
    from slth.networks.given import whole_numbers

    if not isinstance(target, Graph):
        with as_written(module=argument):
            return describe(target, input_shape=input_shape, normalisation=normalisation)
    if normalisation is not None:
        remedy = "make it part of the graph, as a Scale behind the input"
        raise ArgumentError("normalisation", normalisation, "goes with a torch module", remedy)
    remedy = "leave it out"
    if input_shape is not None and whole_numbers(input_shape, "input_shape", remedy=remedy) != target.input_shape:
        raise ArgumentError("input_shape", input_shape, f"must be {target.input_shape}", remedy)
    return target


def _ticket(given: Any) -> Ticket:
    from slth.tickets import Ticket

    if not isinstance(given, Ticket):
        remedy = "construct one, or read it with slth.load_ticket"
        raise ArgumentError("ticket", type(given).__name__, "is no slth.Ticket", remedy)
    return given


def matched(target: Any, ticket: Any) -> tuple[Graph, Ticket | Graph]:
    """Return a target and what it is compared with, of which one at least says the shape of inputs."""
    from slth.graphs import Graph
    from slth.graphs.graph import check_same_inputs
    from slth.tickets import Ticket

    is_module = hasattr(ticket, "state_dict") and not isinstance(ticket, type)
    if isinstance(ticket, Ticket) or not (is_module or isinstance(ticket, Graph)):
        check_same_inputs(target, _ticket(ticket).graph)
        return _described(target, _ticket(ticket).graph.input_shape, None), _ticket(ticket)
    known = next((one for one in (target, ticket) if isinstance(one, Graph)), None)
    if known is None:
        rule, remedy = "and the target are modules, which say no shape of inputs", "pass slth.describe(module, shape)"
        raise ArgumentError("ticket", type(ticket).__name__, rule, remedy)
    shape = known.input_shape
    check_same_inputs(target, ticket)
    return _described(target, shape, None), _described(ticket, shape, None, "ticket")


def attack(
    target: nn.Module | Graph,
    ticket: Ticket | Graph | nn.Module,
    *,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    starts: int = 8,
    steps: int = 60,
    seed: int = 0,
    points: ArrayLike | None = None,
    progress: Progress | bool | None = None,
) -> Attack:
    """Look for the input of a box at which a ticket differs most from its target, by gradient ascent.

    Parameters
    ----------
    target : torch.nn.Module or Graph
    ticket : Ticket, Graph or torch.nn.Module
        Of the target's input and output shapes.
    input_box : tuple of two array_like
        Smallest and largest input.
    starts, steps : int
        Starting points for each output and sign, and steps from each.
    seed : int
        Seed of the starting points, 0 <= seed < 2**64.
    points : float64[n, *input_shape], optional
        Inputs to start from as well.
    progress : callable or bool, optional
        True for a line on stderr; or called as progress(label, done, total).

    Returns
    -------
    slth.networks.Attack
        ``error``, ``input`` and ``output``: a lower bound on the true maximum.

    Raises
    ------
    ArgumentError
        If a number is not positive, the seed is outside its range, or the networks have different shapes.

    Examples
    --------
    >>> target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25]]), ("input",))])
    >>> made = slth.construct(target, method=slth.PerWeight(candidates=12))
    >>> slth.attack(target, made.ticket).error <= made.certificate.error
    True
    """
    from slth.networks import attack as climb

    graph, other = matched(target, ticket)
    return climb(
        graph, other, input_box=input_box, starts=starts, steps=steps, seed=seed, points=points,
        progress=reporter(progress),
    )  # fmt: skip


def to_torch(ticket: Ticket | Graph, *, form: Form = "small", dtype: torch.dtype | None = None) -> GraphModule:
    """Turn a ticket into an ordinary torch module that is not trained, in bounded memory for any batch.

    Parameters
    ----------
    ticket : Ticket or Graph
        A described target has one form alone.
    form : {"small", "folded", "masked"}
        What is kept; or each random layer multiplied out to a convolution of the target's size, which is fastest and no
        longer a subnetwork; or the whole random network with zeros where weights are removed.
    dtype : torch.dtype, optional
        ``torch.float32``, the default, or ``torch.float64``. ``certificate.float32_error`` bounds the difference from
        the target in float32: random layers store float32 and sum in float64, which devices without it (Apple's) do
        not; there ``form="folded"`` runs.

    Returns
    -------
    torch.nn.Module
        Maps ``[batch, *input_shape]`` to ``[batch, *output_shape]``; its parameters require no gradient.

    Raises
    ------
    ArgumentError
        For another form or dtype.
    ResourceError
        If the masked network asks for more memory than may be taken.

    Examples
    --------
    >>> target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25]]), ("input",))])
    >>> ticket = slth.construct(target, method=slth.PerWeight(candidates=8)).ticket
    >>> small = slth.to_torch(ticket)
    >>> sum(weight.numel() for weight in small.parameters()) >= ticket.mask.kept
    True
    """
    from slth.graphs import Graph
    from slth.networks import module_from_ticket
    from slth.networks.modules import module_of

    if isinstance(ticket, Graph):
        return module_of(ticket, dtype="float32" if dtype is None else dtype)
    return module_from_ticket(ticket, form=form, dtype="float32" if dtype is None else dtype)


def apply_to(module: nn.Module, ticket: Ticket) -> nn.Module:
    """Write a ticket's regenerated, masked weights and its declared buffers into one's own instance of a module.

    For tickets whose source is a :class:`slth.Layout`: of modules outside the network language.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place; nothing is written before everything is checked. Where layers share random weights and have
        a mask each, one whose layers are several: ``slth.networks.untied(module)``.
    ticket : Ticket

    Returns
    -------
    torch.nn.Module
        The same module.

    Raises
    ------
    ArgumentError
        The ticket's source is a graph, or the module has another layout; the first difference is named.

    Examples
    --------
    >>> import numpy as np
    >>> from slth.networks import layout_of
    >>> from torch import nn
    >>> module = nn.LSTM(2, 3, bias=False)
    >>> masks = {tensor.name: np.ones(tensor.shape, bool) for tensor in layout_of(module).tensors}
    >>> ticket = slth.Ticket(layout_of(module), slth.WeightLaw("normal"), 0, slth.Mask(masks), [0.5, 0.5])
    >>> slth.apply_to(nn.LSTM(2, 3, bias=False), ticket).weight_ih_l0.shape
    torch.Size([12, 2])
    """
    from slth.networks import apply_ticket

    return apply_ticket(module, ticket)


def certify(
    target: nn.Module | Graph,
    ticket: Ticket | Graph | nn.Module,
    *,
    input_box: tuple[ArrayLike, ArrayLike] | None = None,
    inputs: ArrayLike | None = None,
    radius: float | None = None,
    effort: int = 1,
    device: str = "cpu",
    progress: Progress | bool | None = None,
) -> Certificate | CertificateAround:
    """Bound the difference between a target and a ticket over a box of inputs, or around each of some inputs.

    Parameters
    ----------
    target : torch.nn.Module or Graph
    ticket : Ticket, Graph or torch.nn.Module
        Constructed for it; or a network of its architecture with other weights, such as a searched ticket's module,
        if one of the two is a graph (:func:`describe`).
    input_box : tuple of two array_like, optional
        Smallest and largest input; (0, 1) where neither it nor ``inputs`` is given.
    inputs : float64[n, *input_shape], optional
        Instead: a certificate around each input.
    radius : float, optional
        Of the balls in the largest norm, clipped to ``input_box`` where given; 0 for the inputs themselves.
    effort : int, optional
        Steps on slopes, and cases, where first bounds prove no agreement or are more than 1 + 1 / effort times the
        error at the input (:func:`slth.certificates.certify` says how many); 0 for none, more takes as much longer.
    device : {"cpu", "cuda", "auto"} or str, optional
        Where gradient steps are taken, those of up to 32 inputs together; bounds are evaluated on the processor.
    progress : callable or bool, optional
        True for a line on stderr; or called with (label, inputs done, inputs).

    Returns
    -------
    Certificate or CertificateAround

    Raises
    ------
    ArgumentError
        If the box is empty or not finite, or the ticket is not one of this target.

    Examples
    --------
    >>> target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25]]), ("input",))])
    >>> ticket = slth.construct(target, method=slth.PerWeight(candidates=12)).ticket
    >>> around = slth.certify(target, ticket, inputs=[[0.5, 0.5]], radius=0.0)
    >>> bool(around.errors[0] <= slth.certify(target, ticket).error)
    True
    """
    from slth.certificates import certify as proved

    graph, other = matched(target, ticket)
    if inputs is None and radius is None:
        return proved(graph, other, input_box=input_box)
    if inputs is None or radius is None:
        raise ArgumentError("radius", radius, "goes with inputs", "pass both, or an input_box alone")
    work: dict[str, Any] = {"effort": effort, "device": device, "progress": reporter(progress)}
    return proved(graph, other, inputs=inputs, radius=radius, input_box=input_box, **work)
