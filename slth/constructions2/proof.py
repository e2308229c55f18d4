"""Where constructions ask for certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from slth.arrays import Floats
from slth.graphs import Graph
from slth.tickets2.folded import Folded

Box: TypeAlias = tuple[Floats, Floats]
Certificate: TypeAlias = Any


def certify(target: Graph, ticket: Any, *, input_box: Box) -> Any:
    raise NotImplementedError


def error_within(target: Graph, tolerances: Mapping[str, float], box: Box) -> float:
    """Return the certified error of the target with the weights of some nodes known to tolerances, all others exact."""
    raise NotImplementedError


def error_of_folded(target: Graph, source: Graph, folded: Mapping[str, Folded], box: Box) -> float:
    """Return the certified error of a random network that folds to given weights."""
    raise NotImplementedError
