"""Accuracy and distance of a ticket on a test set."""

import numpy as np

from slth.constructions import Dense, construct_dense
from slth.data.datasets import load
from slth.jobs.evaluation import accuracy, evaluate_ticket
from tests.jobs.samples import small_target


def test_accuracy_and_evaluation():
    target = small_target()
    data = load("synthetic")
    ticket = construct_dense(target, Dense(candidates=8)).ticket
    outputs = ticket.forward(data.inputs("test"))
    facts = evaluate_ticket(ticket, data, target=target)
    assert (
        facts["accuracy"] == np.mean(outputs.argmax(axis=1) == data.test_labels) == accuracy(outputs, data.test_labels)
    )
    assert facts["examples"] == 500
    assert facts["sampled_error"] == np.abs(outputs - target.forward(data.inputs("test"))).max()
    assert evaluate_ticket(ticket, data, limit=7)["examples"] == 7
