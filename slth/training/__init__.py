"""FLOOR 2, torch: the one training loop."""

from slth.training.loop import Training as Training
from slth.training.loop import accuracy as accuracy
from slth.training.loop import train as train

__all__ = ["Training", "accuracy", "train"]
