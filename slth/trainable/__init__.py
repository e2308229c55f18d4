"""Trainable tickets: masks whose survivors are trained."""

from slth.trainable.entry import train
from slth.trainable.imp import IMP
from slth.trainable.method import TrainableMethod
from slth.trainable.overlapping import COLT
from slth.trainable.restoring import DSD, IHT
from slth.trainable.result import Level, TrainResult

__all__ = ["COLT", "DSD", "IHT", "IMP", "Level", "TrainResult", "TrainableMethod", "train"]
