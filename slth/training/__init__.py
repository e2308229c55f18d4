"""FLOOR 2, torch: the one training loop."""

from slth.training.images import RECIPES as RECIPES
from slth.training.images import Recipe as Recipe
from slth.training.images import train_module as train_module
from slth.training.loop import Training as Training
from slth.training.loop import accuracy as accuracy
from slth.training.loop import train as train

__all__ = ["RECIPES", "Recipe", "Training", "accuracy", "train", "train_module"]
