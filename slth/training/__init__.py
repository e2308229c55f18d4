"""FLOOR 2, torch: the one training loop, for targets, searches and trainable tickets."""

from slth.training.augmentation import CROP_AND_FLIP as CROP_AND_FLIP
from slth.training.augmentation import Augmentation as Augmentation
from slth.training.augmentation import RandomCrop as RandomCrop
from slth.training.augmentation import RandomFlip as RandomFlip
from slth.training.entry import train as train
from slth.training.evaluation import Evaluation as Evaluation
from slth.training.evaluation import accuracy as accuracy
from slth.training.evaluation import evaluate as evaluate
from slth.training.examples import Examples as Examples
from slth.training.examples import split as split
from slth.training.loop import Record as Record
from slth.training.loop import TrainingRun as TrainingRun
from slth.training.method import Method as Method
from slth.training.method import MethodState as MethodState
from slth.training.method import Partition as Partition
from slth.training.method import Step as Step
from slth.training.method import partition as partition
from slth.training.recipe import SGD as SGD
from slth.training.recipe import Adam as Adam
from slth.training.recipe import CrossEntropy as CrossEntropy
from slth.training.recipe import Recipe as Recipe
from slth.training.schedules import Constant as Constant
from slth.training.schedules import Cosine as Cosine
from slth.training.schedules import MultiStep as MultiStep
from slth.training.schedules import Schedule as Schedule
from slth.training.schedules import StepDecay as StepDecay
from slth.training.schedules import Warmup as Warmup
from slth.training.targets import TARGETS as TARGETS
from slth.training.targets import Target as Target

__all__ = [
    "CROP_AND_FLIP",
    "SGD",
    "TARGETS",
    "Adam",
    "Augmentation",
    "Constant",
    "Cosine",
    "CrossEntropy",
    "Evaluation",
    "Examples",
    "Method",
    "MethodState",
    "MultiStep",
    "Partition",
    "RandomCrop",
    "RandomFlip",
    "Recipe",
    "Record",
    "Schedule",
    "Step",
    "StepDecay",
    "Target",
    "TrainingRun",
    "Warmup",
    "accuracy",
    "evaluate",
    "partition",
    "split",
    "train",
]
