"""Whether a ticket's random network has the shape of a target, and the numbers of both at each node with weights."""

from __future__ import annotations

from collections.abc import Mapping

from slth.certificates.copies import REMEDY, in_copies, in_shape, misfit
from slth.certificates.numbers import Exact
from slth.certificates.problem import Problem, problem_of
from slth.errors import ArgumentError
from slth.graphs import Conv, Graph, Node
from slth.tickets.folded import Folded


def problem_of_both(
    target: Graph, source: Graph, folded: Mapping[str, Folded], *, nonnegative: bool
) -> tuple[Problem, dict[str, Exact]]:
    """Return the rules of a target and of what stands in the place of its layers, and the target's numbers.

    ``folded`` is by the names of nodes.
    """
    check(target, source)
    for node in target.weighted:
        if node.name not in folded:
            raise ArgumentError(
                f"node {node.name}", sorted(folded), "is not among the folded layers", "fold each layer"
            )
    if in_copies(source):
        exact = in_shape(target, source, folded)
        return problem_of(source, exact, folded, nonnegative=nonnegative), exact
    exact = {node.name: Exact.of(node.step) for node in target.weighted}
    return problem_of(target, exact, folded, nonnegative=nonnegative), exact


def check(target: Graph, source: Graph) -> None:
    """Raise ArgumentError unless two graphs correspond node by node; the message names the first that does not."""
    for name, graph in (("target", target), ("source", source)):
        if not isinstance(graph, Graph):
            raise ArgumentError(name, graph, "must be a Graph", "describe the network first")
    for name in ("input_shape", "output_shape", "output"):
        found, wanted = getattr(source, name), getattr(target, name)
        if found != wanted:
            raise ArgumentError("ticket", found, f"must have the target's {name} {wanted}", REMEDY)
    if len(source.nodes) != len(target.nodes):
        raise ArgumentError(
            "ticket", f"{len(source.nodes)} nodes", f"must have the target's {len(target.nodes)}", REMEDY
        )
    copies = in_copies(source)
    for node, aim in zip(source.nodes, target.nodes, strict=True):
        if (node.name, node.inputs) != (aim.name, aim.inputs):
            raise misfit(node, f"must be the target's {aim.name} behind {list(aim.inputs)}")
        if not aim.step.weighted:
            if node.step != aim.step:
                raise misfit(node, f"must be the target's {aim.step}")
        elif not isinstance(aim.step, Conv):
            raise ArgumentError(f"node {aim.name}", aim.step, "has weights that are random", "pass the target itself")
        elif not node.step.weighted or not (copies or _alike(node, aim)):
            raise misfit(node, f"must stand for the target's {aim.step.geometry}")


def _alike(node: Node, aim: Node) -> bool:
    """Whether two convolutions differ in their constants at most, which are compared as numbers."""
    own, wanted = node.step.geometry, aim.step.geometry
    return all(getattr(own, name) == getattr(wanted, name) for name in ("inputs", "outputs", "window", "groups"))
