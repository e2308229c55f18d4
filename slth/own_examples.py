"""What users measure of tickets on their own examples, each function loading what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from slth.errors import ArgumentError
from slth.resources import Progress, reporter

if TYPE_CHECKING:
    from torch import nn

    from slth.constructions import Construction
    from slth.graphs import Graph
    from slth.jobs.evaluation import Labelled, NetworkEvaluation
    from slth.networks import AttackAround
    from slth.tickets import Ticket


def evaluate(
    network: nn.Module | Graph | Ticket,
    data: Labelled,
    *,
    target: nn.Module | Graph | None = None,
    progress: Progress | bool | None = None,
) -> NetworkEvaluation:
    """Return the accuracy of a ticket or any network on one's own examples, and how far it is from its target.

    A ticket is evaluated by the fastest form that is exact but for rounding in float64.

    Parameters
    ----------
    network : torch.nn.Module, Graph or Ticket
        A ticket that was searched for a module: ``slth.apply_to(module, ticket)``.
    data : tuple (inputs, labels), or slth.training.Examples, or an iterable of such tuples
        Arrays or tensors [examples, *input_shape] and the classes, whole numbers [examples], or None where there are
        none; an iterable such as a torch DataLoader gives them batch by batch.
    target : torch.nn.Module or Graph, optional
        Evaluated beside the network.
    progress : callable or bool, optional
        True for a line on stderr; or called as progress("evaluation", done, total): of arrays the examples of each
        network, of an iterable the batches.

    Returns
    -------
    NetworkEvaluation
        ``accuracy``, ``examples``, ``form``, and beside a target ``target_accuracy``, ``agreement``, ``sampled_error``.

    Raises
    ------
    ArgumentError
        Inputs have another shape or are not finite, labels are no classes, outputs are NaN, or there is no example.

    Examples
    --------
    >>> target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25], [0.0, 0.5]]), ("input",))])
    >>> ticket = slth.construct(target, method=slth.PerWeight(candidates=12)).ticket
    >>> found = slth.evaluate(ticket, ([[1.0, 0.0], [0.0, 1.0]], [0, 1]), target=target)
    >>> found.accuracy, found.agreement, found.form
    (1.0, 1.0, 'folded, float64')
    """
    from slth.jobs.evaluation import evaluate_on

    return evaluate_on(network, data, target=target, progress=reporter(progress))


def attack_around(
    target: nn.Module | Graph,
    ticket: Ticket | Graph | nn.Module,
    inputs: ArrayLike,
    *,
    radius: float,
    input_box: tuple[ArrayLike, ArrayLike] | None = None,
    starts: int = 2,
    steps: int = 30,
    seed: int = 0,
    progress: Progress | bool | None = None,
) -> AttackAround:
    r"""Look in the ball around each input for where a ticket differs most, and where either network changes its class.

    The counterpart of ``certify(target, ticket, inputs=..., radius=...)``. Gradient ascent begins in the middle of each
    ball and at random inputs in it, and climbs each output's difference both ways and, in both networks, each rival's
    value less that of the target's class.

    Parameters
    ----------
    target : torch.nn.Module or Graph
    ticket : Ticket, Graph or torch.nn.Module
        Of the target's input and output shapes.
    inputs : float64[n, *input_shape]
    radius : float
        Of the balls in the largest norm, clipped to ``input_box`` where that is given; 0 for the inputs themselves.
    input_box : tuple of two array_like, optional
        Smallest and largest input.
    starts, steps : int
        Beginnings in each ball, and steps from each.
    seed : int
        Seed of the beginnings, 0 <= seed < 2**64.
    progress : callable or bool, optional
        True for a line on stderr; or called as progress(label, done, total).

    Returns
    -------
    slth.networks.AttackAround
        ``errors`` and ``margins`` of each input, in float64; ``agrees``, ``agreement``.

    Raises
    ------
    ArgumentError
        If a number is outside its range, an input outside the box, or the networks have different shapes.

    Examples
    --------
    >>> target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25], [0.0, 0.5]]), ("input",))])
    >>> made = slth.construct(target, method=slth.PerWeight(candidates=12))
    >>> found = slth.attack_around(target, made.ticket, [[1.0, 0.0]], radius=0.1)
    >>> proved = slth.certify(target, made.ticket, inputs=[[1.0, 0.0]], radius=0.1)
    >>> bool(found.errors[0] <= proved.errors[0]), bool(found.margins[0] >= proved.margins[0])
    (True, True)
    """
    from slth.api import matched
    from slth.networks import attack_around as climb

    graph, other = matched(target, ticket)
    return climb(
        graph, other, inputs, radius=radius, input_box=input_box, starts=starts, steps=steps, seed=seed,
        progress=reporter(progress),
    )  # fmt: skip


def report(
    target: nn.Module | Graph,
    made: Construction,
    data: tuple[ArrayLike, ArrayLike],
    path: str | Path,
    *,
    title: str = "A strong lottery ticket",
    progress: Progress | bool | None = None,
) -> Path:
    """Write ``report.html`` of what was constructed for one's own target: one file with everything that was measured.

    Accuracy of both networks, the certificate beside the worst that gradient ascent finds, sizes, and pictures of
    errors, masks and channels: what ``slth construct`` writes.

    Parameters
    ----------
    target : torch.nn.Module or Graph
    made : Construction
        What :func:`construct` made for it.
    data : tuple (inputs, labels)
        Test examples [examples, *input_shape], and their classes [examples].
    path : str or Path
        Of the file, which is written whole or not at all.
    title : str
    progress : callable or bool, optional
        True for a line on stderr; or called as progress(label, done, total).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ArgumentError
        Examples do not fit the networks, the networks do not fit each other, or the path cannot be written.

    Examples
    --------
    >>> import slth, tempfile
    >>> target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25], [0.0, 0.5]]), ("input",))])
    >>> made = slth.construct(target, method=slth.PerWeight(candidates=12))
    >>> slth.report(target, made, ([[1.0, 0.0], [0.0, 1.0]], [0, 1]), tempfile.mkdtemp() + "/report.html").name
    'report.html'
    """
    from slth.api import matched
    from slth.constructions import Construction
    from slth.figures.report import write_report
    from slth.jobs.pipeline import record_own
    from slth.networks.given import instance
    from slth.training.checkpoint import file_of

    file = file_of(path)
    if file.is_dir():
        raise ArgumentError("path", str(path), "is a folder", "pass the name of a file")
    instance(made, Construction, "made", "pass what slth.construct(target) returned")
    graph, _ = matched(target, made.ticket)
    record = record_own(graph, made, data, title=title, progress=reporter(progress))
    try:
        return write_report(record, file)
    except OSError as problem:
        rule = f"cannot be written ({problem.strerror})"
        raise ArgumentError("path", str(path), rule, "pass the name of a file") from None
