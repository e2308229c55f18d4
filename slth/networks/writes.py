"""Writes in place, such as ``x += y``: which of them only give a tensor a new value."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import fx

from slth.networks.operations import HANDLERS
from slth.networks.views import VIEWS

_SAME = frozenset({"to", "_to_copy", "type_as", "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"})


def writes(target: Any) -> bool:
    """Whether a call changes its first argument."""
    return isinstance(target, torch._ops.OpOverload) and bool(target._schema.is_mutable)


def writes_are_plain(graph: fx.Graph) -> bool:
    """Whether each write has a rule, changes no parameter, and is seen under one name only.

    Tensors that may share memory (views, and what a write gives) form a family; after a write only the tensor that was
    written and the result may be used. The graph must hold no calls within calls.
    """
    order = {node: place for place, node in enumerate(graph.nodes)}
    last_use = {used: place for node, place in order.items() for used in node.all_input_nodes}
    parameters = [node for node in graph.nodes if node.op == "placeholder"][:-1]
    families: dict[fx.Node, list[fx.Node]] = {}
    for node, place in order.items():
        target = node.target
        if isinstance(target, torch._ops.HigherOrderOperator):
            return False
        name = target._schema.name.split("::")[-1] if isinstance(target, torch._ops.OpOverload) else ""
        shares = name in VIEWS or name in _SAME or target is operator.getitem or writes(target)
        family = families[node.all_input_nodes[0]] if shares and node.all_input_nodes else []
        if writes(target):
            others = [one for one in family if one is not node.args[0]]
            if name.rstrip("_") not in HANDLERS or any(one in parameters for one in family):
                return False
            if any(last_use.get(one, -1) > place for one in others):
                return False
        family.append(node)
        families[node] = family
    return True
