r"""A bound on the largest difference between a target and a ticket over a whole box of inputs, or around each of some.

The bound holds in real arithmetic, for the real numbers that the target's doubles and the sums of products of the
ticket's random doubles are; it is computed with outward rounding (:mod:`slth.certificates.interval` proves why). What
floating-point evaluation can add is stated apart, for binary64 and binary32 (:mod:`slth.certificates.rounding`).
"""

from __future__ import annotations

from typing import overload

from numpy.typing import ArrayLike

from slth.certificates.around import certify_around
from slth.certificates.bounds import certify_folded
from slth.certificates.certificate import Box, Certificate, CertificateAround, as_box
from slth.certificates.correspond import check
from slth.certificates.tolerances import within
from slth.errors import ArgumentError
from slth.graphs import Graph
from slth.resources import Progress
from slth.tickets.ticket import Ticket


@overload
def certify(target: Graph, ticket: Ticket | Graph, *, input_box: Box | None = None) -> Certificate: ...
@overload
def certify(
    target: Graph,
    ticket: Ticket | Graph,
    *,
    inputs: ArrayLike,
    radius: float,
    input_box: Box | None = None,
    effort: int = 1,
    device: str = "cpu",
    progress: Progress | None = None,
) -> CertificateAround: ...
def certify(
    target: Graph,
    ticket: Ticket | Graph,
    *,
    input_box: Box | None = None,
    inputs: ArrayLike | None = None,
    radius: float | None = None,
    effort: int = 1,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Certificate | CertificateAround:
    r"""Bound the difference between a target and a ticket over a box of inputs, or around each of some inputs.

    .. math:: \max_{x \in box} |ticket(x)_o - target(x)_o| \le per\_output_o

    Parameters
    ----------
    target : Graph
        With float64 weights: exact real numbers.
    ticket : Ticket or Graph
        Of the same nodes, with a random layer in the place of each convolution, or with copies of neurons as
        ``Shallow`` makes them; what its kept weights fold to is enclosed, never rounded. Or a network of the same
        architecture with other weights, such as a ticket that was found by scores makes.
    input_box : tuple of two array_like, optional
        Smallest and largest input: scalars, or arrays that broadcast to the input's shape. (0, 1) by default. With
        ``inputs`` it is what balls are clipped to, and by default nothing is.
    inputs : float64[inputs, *input_shape], optional
        Inputs around which to certify, one after the other.
    radius : float, optional
        Of the ball around each, in the largest norm; 0 asks for the inputs themselves.
    effort : int, optional
        Work around an input whose first bounds prove no agreement, or are more than 1 + 1 / effort times the error at
        the input itself: 8 gradient steps on the slopes of linear bounds, and 400 cases; where that leaves more than
        1 + 3 / effort times, 80 steps and 1000 cases for each unit of effort. Classes get four times as many cases. 0
        leaves the first bounds; more proves more, and takes as much longer.
    device : {"cpu", "cuda", "auto"} or str, optional
        Where gradient steps are taken: compiled for one core, or as tensors, those of up to 32 inputs together. Bounds
        are evaluated with outward rounding on the processor.
    progress : callable, optional
        Called as progress("inputs certified", done, total).

    Returns
    -------
    Certificate, or CertificateAround where inputs are given

    Raises
    ------
    ArgumentError
        If the box is empty or not finite, the ticket's nodes are not the target's, an input lies outside the box, or a
        radius is negative.

    Examples
    --------
    >>> import numpy as np
    >>> target = slth.Graph((2,), [slth.Node("layer0", slth.Conv([[0.5, -0.25]]), ("input",))])
    >>> pair = slth.Pair("layer0", inputs=2, outputs=1, units=3, bias=False)
    >>> weights = np.ones((3, 2, 1), bool)
    >>> mask = slth.Mask({"layer0.units": weights.any(axis=2), "layer0.weights": weights})
    >>> source = slth.Graph((2,), [slth.Node("layer0", pair, ("input",))])
    >>> ticket = slth.Ticket(source, slth.WeightLaw("uniform", 1.0), 0, mask, [1.0])
    >>> corner = [[1.0, 0.0]]
    >>> difference = abs(ticket.forward(corner) - target.forward(corner)).max()
    >>> bool(difference <= slth.certificates.certify(target, ticket, input_box=(0.0, 1.0)).error)
    True
    """
    if not isinstance(ticket, Ticket | Graph):
        raise ArgumentError("ticket", ticket, "must be a Ticket, or a Graph", "build or load one first")
    source = ticket.graph if isinstance(ticket, Ticket) else ticket
    check(target, source)
    if isinstance(ticket, Ticket):
        folded = {node.name: ticket.folded[node.step.path] for node in source.weighted}
    else:
        folded = within(ticket, {})
    if inputs is None:
        if radius is not None:
            raise ArgumentError("radius", radius, "is that of a ball around inputs", "pass inputs too")
        box = as_box((0.0, 1.0) if input_box is None else input_box, target.input_shape)
        return certify_folded(target, source, folded, box)
    return certify_around(
        target, source, folded, inputs, radius=radius, input_box=input_box, effort=effort, device=device,
        progress=progress,
    )  # fmt: skip
