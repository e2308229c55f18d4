"""What slth.to_torch gives in float32 stays within certificate and allowance, and the allowance is that of a target."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slth.certificates import certify
from slth.constructions import PerWeight, Shallow, Structured
from slth.graphs import Conv, Graph, Node
from slth.networks import module_from_ticket, module_of
from tests.constructions.graph_samples import KINDS

FORMS = ("small", "folded", "masked")
METHODS = {
    "per-weight": PerWeight(candidates=26),
    "structured": Structured(channels=150),
    "shallow": Shallow(candidates=26),
}


def made(method, name, low):
    target = KINDS[name](np.random.default_rng(5))
    return target, METHODS[method].construct(target, input_box=(low, 1.0), seed=3).ticket


def largest_seen(one, other, shape, low, *, steps=10):
    """Random inputs in float32, and ascent from them by the gradient of the two modules themselves."""
    x = torch.empty(8, *shape).uniform_(low, 1.0, generator=torch.Generator().manual_seed(0))
    seen = 0.0
    for step in range(steps):
        x.requires_grad_(True)
        difference = (one(x) - other(x)).abs().flatten(1).amax(dim=1)
        seen = max(seen, float(difference.detach().double().max()))
        (slope,) = torch.autograd.grad(difference.sum(), x)
        x = (x.detach() + 0.3 / (1 + step) * slope.sign()).clamp(low, 1.0)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize(
    ("method", "name"),
    [("per-weight", "chain"), ("per-weight", "mixed"), ("per-weight", "attention"), ("structured", "mixed"),
     ("structured", "residual"), ("shallow", "chain")],
)  # fmt: skip
def test_every_form_in_float32_is_within_certificate_and_allowance(method, name, low):
    target, ticket = made(method, name, low)
    certificate = certify(target, ticket, input_box=(low, 1.0))
    exactly = module_of(target)
    for form in FORMS:
        seen = largest_seen(exactly, module_from_ticket(ticket, form=form), target.input_shape, low)
        assert seen <= certificate.float32_error
    assert certificate.float32_error == pytest.approx(certificate.error + certificate.float32_allowance, rel=1e-12)
    own = certify(target, target, input_box=(low, 1.0)).float32_allowance
    assert certificate.float32_allowance < 30.0 * own


def wide(inputs=40, outputs=6):
    """A ticket with thousands of channels an input, and the target that has exactly its folded weights."""
    rng = np.random.default_rng(2)
    aim = Graph((inputs,), [Node("a", Conv(rng.normal(size=(outputs, inputs))), ("input",))])
    ticket = Structured(channels=1500, gain=0.01).construct(aim).ticket
    return Graph((inputs,), [Node("a", Conv(ticket.folded["a"].middle()[0]), ("input",))]), ticket


def test_the_allowance_of_thousands_of_channels_is_sharp_and_covers_what_is_seen():
    """The error is that of folding: what is seen is rounding alone."""
    target, ticket = wide()
    certificate = certify(target, ticket)
    assert certificate.error < 1e-9 < certificate.float32_allowance
    exactly = module_of(target)
    for form in FORMS:
        seen = largest_seen(exactly, module_from_ticket(ticket, form=form), target.input_shape, 0.0)
        assert seen <= certificate.float32_error
        assert form == "folded" or seen > certificate.float32_allowance / 1000.0  # which is the target's own arithmetic


@pytest.mark.parametrize("form", ["small", "masked"])
def test_sums_of_thousands_of_channels_are_rounded_once(form):
    """Stored in float32, u and v cost two roundings of each product; sums in float32 would cost thousands."""
    target, ticket = wide()
    x = torch.rand(64, *target.input_shape, generator=torch.Generator().manual_seed(1))
    single = module_from_ticket(ticket, form=form)
    twice = module_from_ticket(ticket, form=form)
    stored = twice.double()(x.double())  # the same numbers, and what is summed is not rounded at all
    assert float((single(x).double() - stored).abs().max()) <= 2.0**-24 * float(stored.abs().max())
