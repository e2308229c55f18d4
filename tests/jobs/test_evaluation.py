"""Accuracy and distance of a ticket on a test set."""

import numpy as np
import pytest
import torch
from torch import nn

from slth.constructions import PerWeight
from slth.data.datasets import load
from slth.errors import ArgumentError
from slth.jobs.evaluation import accuracy, evaluate_module_ticket, evaluate_ticket, outputs_on
from slth.jobs.models import Model, model_of, train_target
from slth.networks import apply_ticket, layout_of
from slth.rng import WeightLaw
from slth.tickets import Mask, Ticket
from slth.training import Recipe
from tests.jobs.samples import small_target


def test_accuracy_and_evaluation():
    target = small_target()
    data = load("synthetic")
    ticket = PerWeight(candidates=8).construct(target).ticket
    inputs = data.inputs("test").astype(float)
    outputs = ticket.forward(inputs)
    facts = evaluate_ticket(ticket, data, target=target)
    assert (
        facts["accuracy"] == np.mean(outputs.argmax(axis=1) == data.test_labels) == accuracy(outputs, data.test_labels)
    )
    assert facts["examples"] == 500
    assert facts["sampled_error"] == pytest.approx(np.abs(outputs - target.forward(inputs)).max(), rel=1e-9)
    assert facts["form"] == "folded, float64"
    assert evaluate_ticket(ticket, data, limit=7)["examples"] == 7
    assert "agreement" not in evaluate_ticket(ticket, data, limit=7)


def test_images_and_flat_inputs_are_given_as_the_network_takes_them():
    data = load("digits")
    for name in ("mlp", "small-cnn"):
        target = train_target(model_of(name), data, recipe=Recipe(epochs=0))
        found = outputs_on(target, data, limit=9)
        assert found.values.shape == (9, 10)
        assert found.form == "exact, float64"
    with pytest.raises(ArgumentError, match="the network takes"):
        outputs_on(target, load("synthetic"))


def channels(data, seed):
    """A module that any image fits."""
    del data, seed
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))


def test_a_searched_ticket_is_measured_on_standardised_images():
    model, layout = Model("own", channels, lambda data: Recipe()), layout_of(channels(None, 0))
    masks = {name: np.ones(layout[name].shape, bool) for name in ("0.weight", "3.weight")}
    ticket = Ticket(layout, WeightLaw("normal"), 2, Mask(masks), [1.0, 1.0], buffers={"3.bias": np.arange(10) / 10})
    data = load("digits")
    found = evaluate_module_ticket(ticket, model, data, limit=200)
    pixels = data.inputs("train", limit=200).astype(float)
    assert found["normalisation"]["mean"] == [pytest.approx(pixels.mean(), rel=1e-6)]
    assert found["normalisation"]["deviation"] == [pytest.approx(pixels.std(), rel=1e-6)]
    inputs = (data.inputs("test", limit=200).reshape(-1, 1, 8, 8) - pixels.mean()) / pixels.std()
    outputs = apply_ticket(channels(data, 0), ticket).double()(torch.from_numpy(inputs)).detach().numpy()
    assert found["accuracy"] == pytest.approx(accuracy(outputs, data.labels("test", limit=200)), abs=1e-6)
    with pytest.raises(ArgumentError, match=r"inputs of shape \[16\] and labels that own does not take"):
        evaluate_module_ticket(ticket, model, load("synthetic"))
