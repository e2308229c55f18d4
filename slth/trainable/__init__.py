"""Trainable tickets: masks whose survivors are trained."""

from slth.trainable.entry import train
from slth.trainable.imp import IMP
from slth.trainable.method import TrainableMethod
from slth.trainable.result import Level, TrainResult

__all__ = ["IMP", "Level", "TrainResult", "TrainableMethod", "train"]
