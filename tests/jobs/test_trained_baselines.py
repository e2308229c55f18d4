"""A deep ensemble costs no more multiply-adds than what it is compared with, or there is none."""

from __future__ import annotations

import pytest

from slth.data.datasets import load
from slth.jobs.models import model_of
from slth.jobs.trained_baselines import TrainedBaselines
from slth.networks import multiply_adds
from slth.training import Examples, Recipe


@pytest.mark.parametrize(("products", "members"), [(3000, 3), (3 * 350, 3), (3 * 350 - 1, 3), (48, 3), (0, 1)])
def test_a_deep_ensemble_costs_no_more_than_it_may(products, members):
    data = load("digits")
    examples = Examples(data.inputs("train", limit=20).reshape(20, -1), data.labels("train", limit=20))
    model = model_of("lenet-300-100")
    baselines = TrainedBaselines(model, data, examples, Recipe(epochs=0), 0.1, members, products)
    deep = baselines.trained("deep")
    # of 300 and 100 units the narrowest have 5 and 2: 64 * 5 + 5 * 2 + 2 * 10
    assert (deep is None) == (products < members * 350)
    if deep is not None:
        assert 350 * members <= multiply_adds(deep.module, examples.inputs[:1]) <= products
