"""The walk over an exported program: each operation finds its handler, and what is constant is computed."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.node import map_arg

from slth.errors import SlthError
from slth.networks.affine import constant_value
from slth.networks.given import first_line
from slth.networks.operations import HANDLERS, OF_SCORES, REMEDIES
from slth.networks.scores import Scores
from slth.networks.traced import Constant, Tracer, Value
from slth.networks.views import PICKING, VIEWS, plain, view
from slth.networks.writes import writes

_ACCEPTED = "use convolutions, linear layers, ReLU and its kin, BatchNorm, pooling, sums, views and attention"


class Walk:
    """An exported program, and for each of its nodes what it is in the graph that was written."""

    def __init__(self, tracer: Tracer, program: Any, start: Value) -> None:
        self.tracer = tracer
        self.graph: fx.Graph = program.graph_module.graph
        self.environment: dict[fx.Node, Any] = {}
        self.operations: dict[fx.Node, tuple[str, str]] = {}  # place and name
        self._places = {node: _place(node) for node in self.graph.nodes}
        # a layer is a module inside of which no operation of another one stands
        self._holders = {place.rpartition(".")[0] for place, _ in self._places.values() if place} | {
            parent for place, stack in self._places.values() for parent in stack if parent != place
        }
        live = _live(self.graph)
        tensors = _tensors(program)
        tracer.held |= {id(one.tensor) for one in tensors.values()}
        for node in self.graph.nodes:
            if node.op == "placeholder":
                self.environment[node] = tensors.get(node.name, start)
            elif node.op == "call_function" and node in live:
                self.environment[node] = self._done(node)
            elif node.op == "output":
                self.output = self._result(node, program)

    def _result(self, node: fx.Node, program: Any) -> Value:
        """Return the value that the module gives; buffers that it changes come first and are left out."""
        kinds = [spec.kind.name for spec in program.graph_signature.output_specs]
        given: Any = node.args[0]
        found = [one for one, kind in zip(given, kinds, strict=True) if kind == "USER_OUTPUT"]
        value = self.environment.get(found[0])
        if isinstance(value, Constant):
            self.tracer.enter("", "output", whole=False)
            return constant_value(self.tracer, value)
        if not isinstance(value, Value):
            self.tracer.enter("", "output", whole=False)
            raise self.tracer.refusal("gives scores of attention, or places of maxima", "return values")
        return value

    def _done(self, node: fx.Node) -> Any:
        """Return what one call gives."""
        place, _ = self._places[node]
        target: Any = node.target
        name = target._schema.name.split("::")[-1] if isinstance(target, torch._ops.OpOverload) else str(target)
        name = name.rstrip("_") if writes(target) else name
        self.tracer.enter(place, name, whole=place not in self._holders)
        arguments: Any = map_arg(node.args, self.environment.__getitem__)
        options: Any = map_arg(node.kwargs, self.environment.__getitem__)
        if target is operator.getitem:
            found = arguments[0][arguments[1]]
            if found is None:
                raise self.tracer.refusal("gives places of maxima or statistics", "use the values alone")
            return found
        self.operations[node] = (place, name)
        try:
            found = self._handled(name, target, arguments, options)
            if writes(target):
                self.environment[node.args[0]] = found  # type: ignore[index]
            return found
        except SlthError:
            raise
        except Exception as error:
            # what torch hands over in another way than the handlers know; never an error of Python's for the user
            raise self.tracer.refusal(
                f"has arguments that are not known here ({first_line(error)})", _ACCEPTED
            ) from error

    def _handled(self, name: str, target: Callable[..., Any], arguments: Any, options: Any) -> Any:
        given = _flat((*arguments, *options.values()))
        if not any(isinstance(one, Value | Scores) for one in given):
            return self._constant(target, arguments, options)
        if any(isinstance(one, Scores) for one in given) and name not in VIEWS | OF_SCORES:
            raise self.tracer.refusal("takes scores or shares of attention", "use them as softmax(q @ k.T) @ v alone")
        if name in VIEWS or name in PICKING:
            return view(self.tracer, target, *arguments, **options)
        if name in HANDLERS:
            return HANDLERS[name](self.tracer, *arguments, **options)
        raise self.tracer.refusal("is outside of the language of graphs", REMEDIES.get(name, _ACCEPTED))

    def _constant(self, target: Any, arguments: Any, options: Any) -> Any:
        """Compute what does not depend on the input."""
        if torch.Tag.nondeterministic_seeded in getattr(target, "tags", ()):
            raise self.tracer.refusal("draws random numbers at evaluation", "draw them once, into a buffer")
        given = [one for one in _flat((*arguments, *options.values())) if isinstance(one, Constant)]
        trained = any(one.trained for one in given)
        found = target(*plain(arguments), **plain(options))
        if isinstance(found, Tensor):
            return Constant(found, trained)
        if isinstance(found, tuple | list):
            return tuple(Constant(one, trained) if isinstance(one, Tensor) else one for one in found)
        return found

    def replayed(self, x: Tensor) -> dict[fx.Node, Any]:
        """Return what torch computes at each live node for a batch."""
        found: dict[fx.Node, Any] = {}
        for node in self.graph.nodes:
            if node.op == "placeholder":
                known = self.environment[node]
                found[node] = known.tensor.detach() if isinstance(known, Constant) else x
            elif node in self.environment:
                target: Any = node.target
                found[node] = target(*map_arg(node.args, found.__getitem__), **map_arg(node.kwargs, found.__getitem__))
        return found


def _place(node: fx.Node) -> tuple[str, list[str]]:
    """Return the path of the user's module in which an operation stands, and those around it."""
    stack = [path for path, _ in (node.meta.get("nn_module_stack") or {}).values()]
    paths = [re.sub(r"@\d+", "", path).partition("module.")[2] for path in stack]
    return (paths[-1] if paths else ""), paths


def _live(graph: fx.Graph) -> set[fx.Node]:
    """Return the nodes that the output needs."""
    waiting = [node for node in graph.nodes if node.op == "output"]
    live: set[fx.Node] = set()
    while waiting:
        node = waiting.pop()
        if node not in live:
            live.add(node)
            waiting += node.all_input_nodes
    return live


def _tensors(program: Any) -> dict[str, Constant]:
    """Return parameters, buffers and constants by the names of their placeholders."""
    signature = program.graph_signature
    held = {**program.constants, **program.state_dict}
    trained = {name: Constant(held[target], trained=True) for name, target in signature.inputs_to_parameters.items()}
    fixed = {**signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
    return {**trained, **{name: Constant(held[target], trained=False) for name, target in fixed.items()}}


def _flat(given: Any) -> list[Any]:
    if isinstance(given, tuple | list):
        return [part for one in given for part in _flat(one)]
    return [given]
