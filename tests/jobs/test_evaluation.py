"""Accuracy and distance of a ticket on a test set."""

import numpy as np
import pytest

from slth.constructions import PerWeight
from slth.data.datasets import load
from slth.errors import ArgumentError
from slth.jobs.evaluation import accuracy, evaluate_ticket, outputs_on
from slth.jobs.models import model_of, train_target
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
