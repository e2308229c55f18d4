"""Fed the guard's frozen numbers, certificates are at most a thousandth above those of the three families before."""

from __future__ import annotations

import numpy as np
import pytest

from slth.certificates import certify_folded
from tests.certificates.frozen_graphs import graphs_of
from tests.guard.frozen import evaluate, load

CASES = load()
PUBLISHED = ("error", "norm_bound", "float64_allowance", "float32_allowance")


@pytest.mark.parametrize("name", CASES)
def test_certificates_of_frozen_numbers_are_never_worse(name):
    case = CASES[name]
    target, source, folded = graphs_of(case)
    certificate = certify_folded(target, source, folded, tuple(end.reshape(target.input_shape) for end in case.box))
    for part in PUBLISHED:
        assert getattr(certificate, part) <= 1.001 * case.published[part], part
    assert (certificate.per_output <= 1.001 * np.array(case.published["per_output"])).all()
    if case.family != "attention":  # there one matrix of all heads was a layer
        for mine, old in zip(certificate.layers, case.published["layers"], strict=True):
            for part in ("largest_weight_error", "median_weight_error", "difference", "norm_bound"):
                assert getattr(mine, part) <= 1.001 * old[part], part
    x = np.random.default_rng(0).uniform(*case.box, (5, *case.input_shape))
    naive, found = evaluate(case, x), target.forward(x.reshape(5, *target.input_shape))
    assert found.reshape(5, -1) == pytest.approx(naive.reshape(5, -1), rel=1e-10, abs=1e-12)
