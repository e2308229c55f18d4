"""The network language: a Graph is nodes and what flows between them, and one interpreter walks it."""

from slth.graphs.attend import Attend
from slth.graphs.conv import Conv, ConvShape
from slth.graphs.graph import INPUT, Graph, Node, Step
from slth.graphs.plain import Add, Concat, Flatten, Positions, Rearrange, Relu, rearrangement
from slth.graphs.pooling import AdaptivePool, Pool
from slth.graphs.scale import Scale
from slth.graphs.smaller import shrink
from slth.graphs.window import Shape, Window

__all__ = [
    "INPUT",
    "AdaptivePool",
    "Add",
    "Attend",
    "Concat",
    "Conv",
    "ConvShape",
    "Flatten",
    "Graph",
    "Node",
    "Pool",
    "Positions",
    "Rearrange",
    "Relu",
    "Scale",
    "Shape",
    "Step",
    "Window",
    "rearrangement",
    "shrink",
]
