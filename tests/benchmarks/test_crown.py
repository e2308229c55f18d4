"""Networks as a peer of certificates takes them: linear layers and ReLUs alone."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from slth.benchmarks.contenders import Declined
from slth.benchmarks.crown import Both, Rules, mended
from slth.certificates.apart import alone
from slth.certificates.correspond import problem_of_both
from slth.constructions import PerWeight
from tests.certificates.samples import random_graph, random_ticket
from tests.constructions.graph_samples import chain


def both_of(target, ticket):
    folded = {node.name: ticket.folded[node.step.path] for node in ticket.graph.weighted}
    return problem_of_both(target, ticket.graph, folded, nonnegative=True)[0]


def given(module, x):
    return module(torch.tensor(x.reshape(len(x), -1), dtype=torch.float32)).detach().numpy()


@pytest.mark.parametrize("seed", range(6))
def test_modules_of_linear_layers_compute_the_target(seed):
    rng = np.random.default_rng(seed)
    target = random_graph(rng, blocks=2, attention=False)
    both = both_of(target, random_ticket(rng, target))
    x = rng.random((5, *target.input_shape))
    try:
        module = Rules(alone(both, ticket=False, nonnegative=True), x[0].size)
    except Declined:
        pytest.skip("a rule that is not written so")
    wanted = target.forward(x).reshape(5, -1)
    assert given(module, x) == pytest.approx(wanted, rel=1e-3, abs=1e-3 * (1.0 + np.abs(wanted).max()))


def test_differences_are_those_of_target_and_ticket():
    rng = np.random.default_rng(0)
    target = chain(rng, (3, 5, 4, 2), bias=True)
    ticket, _ = PerWeight(candidates=6).ticket(target, seed=0)
    x = rng.random((5, *target.input_shape))
    sides = [Rules(alone(both_of(target, ticket), ticket=own, nonnegative=True), x[0].size) for own in (False, True)]
    wanted = (ticket.forward(x) - target.forward(x)).reshape(5, -1)
    assert np.abs(wanted).max() > 0.01
    assert given(Both(*sides), x) == pytest.approx(wanted, abs=1e-5)


def test_what_is_lent_is_taken_back():
    before = set(sys.modules)
    if find_spec("auto_LiRPA") is None:
        with pytest.raises(Declined, match="pip install"), mended():
            pass
    else:
        with mended() as lirpa:
            assert hasattr(lirpa, "BoundedModule")
    assert not hasattr(torch._C.Node, "__getitem__")
    assert "numpy.lib.arraysetops" not in set(sys.modules) - before
