"""Torch: the one training loop, for targets, searches and trainable tickets."""

from slth.training.augmentation import CROP_AND_FLIP, Augmentation, RandomCrop, RandomFlip
from slth.training.entry import train
from slth.training.evaluation import Evaluation, accuracy, evaluate
from slth.training.examples import Examples, split
from slth.training.imitation import ReverseKL, imitation
from slth.training.loop import Record, TrainingRun
from slth.training.masked import FixedMasks
from slth.training.method import Method, MethodState, Partition, Step, partition
from slth.training.recipe import SGD, Adam, CrossEntropy, Recipe, RMSprop
from slth.training.schedules import Constant, Cosine, MultiStep, Schedule, StepDecay, Warmup
from slth.training.targets import TARGETS, Target
from slth.training.tensorboard import to_tensorboard

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
    "FixedMasks",
    "Method",
    "MethodState",
    "MultiStep",
    "Partition",
    "RMSprop",
    "RandomCrop",
    "RandomFlip",
    "Recipe",
    "Record",
    "ReverseKL",
    "Schedule",
    "Step",
    "StepDecay",
    "Target",
    "TrainingRun",
    "Warmup",
    "accuracy",
    "evaluate",
    "imitation",
    "partition",
    "split",
    "to_tensorboard",
    "train",
]
