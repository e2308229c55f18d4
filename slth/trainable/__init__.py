"""Trainable tickets, and what is measured of networks: calibration, scores of examples, paths between children."""

from slth.trainable.calibration import Predictions, Reliability, averaged
from slth.trainable.connectivity import LinearPath, children, connectivity_scores, interpolated, linear_path
from slth.trainable.data_diet import mislabelled, pretrained
from slth.trainable.ensemble import Ensemble, EnsembleModule, load_ensemble
from slth.trainable.entry import train, train_many
from slth.trainable.example_scores import example_scores, example_subset, forgetting_events
from slth.trainable.forgetting import forgetting_scores
from slth.trainable.imp import IMP
from slth.trainable.mask_files import load_masks
from slth.trainable.method import TrainableMethod
from slth.trainable.overlapping import COLT
from slth.trainable.restoring import DSD, IHT
from slth.trainable.result import Level, TrainResult
from slth.trainable.robust_ensemble import EnsembleResult, RobustEnsemble
from slth.trainable.shift import Detection, corrupt, detection
from slth.trainable.worst_case import WorstCase, worst_case_weights

__all__ = [
    "COLT",
    "DSD",
    "IHT",
    "IMP",
    "Detection",
    "Ensemble",
    "EnsembleModule",
    "EnsembleResult",
    "Level",
    "LinearPath",
    "Predictions",
    "Reliability",
    "RobustEnsemble",
    "TrainResult",
    "TrainableMethod",
    "WorstCase",
    "averaged",
    "children",
    "connectivity_scores",
    "corrupt",
    "detection",
    "example_scores",
    "example_subset",
    "forgetting_events",
    "forgetting_scores",
    "interpolated",
    "linear_path",
    "load_ensemble",
    "load_masks",
    "mislabelled",
    "pretrained",
    "train",
    "train_many",
    "worst_case_weights",
]
