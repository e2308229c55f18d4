"""Each network by itself: its ranges hold, and certificates take the smaller of what both ways say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.certificates import certify, certify_folded
from slth.certificates.apart import alone
from slth.certificates.around import certify_around
from slth.certificates.bounds import nonnegative, passes_over
from slth.certificates.correspond import problem_of_both
from tests.certificates.samples import (
    Builder,
    cases,
    member,
    near,
    near_cases,
    points_of,
    random_ticket,
    through_layers,
)


def at_once(make):
    """What a certificate would be without ranges of the ticket alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slth.certificates.around._AtInput.one_by_one", lambda self, walk, known, leads: known)
        patch.setattr("slth.certificates.bounds.can_improve", lambda *_: False)
        return make()


@settings(max_examples=25)
@given(near_cases(), st.integers(0, 2**32 - 1))
def test_ranges_of_the_ticket_hold_every_network_that_its_layers_may_be(case, seed):
    """Inputs of either sign too, which meet other weights."""
    target, folded, box = case
    rng, positive = np.random.default_rng(seed), nonnegative(box)
    both = problem_of_both(target, target, folded, nonnegative=positive)[0]
    known = [passes_over(alone(both, ticket=ticket, nonnegative=positive), box).ranges for ticket in (False, True)]
    x = points_of(rng, box, 60)
    for ranges, layers in ((known[0], {}), *((known[1], member(rng, folded)) for _ in range(3))):
        for name, values in through_layers(target, layers, x).items():
            found, own = ranges[both.numbers[name]], values.reshape(len(x), -1)
            slack = 1e-9 * (1.0 + np.abs(own).max())
            assert (own >= found.target.lower - slack).all(), name
            assert (own <= found.target.upper + slack).all(), name
            assert (found.difference.magnitude < 1e-300).all(), name


@settings(max_examples=8)
@given(cases(blocks=2), st.sampled_from([1, 3]))
def test_no_certificate_is_looser_for_it(case, effort):
    """Around inputs a bound that is good enough is left at that; by how much, is said by effort."""
    target, ticket, box = case
    new, old = certify(target, ticket, input_box=box), at_once(lambda: certify(target, ticket, input_box=box))
    assert (new.per_output <= old.per_output).all()
    x = points_of(np.random.default_rng(0), box, 1)

    def around(radius):
        return certify(target, ticket, inputs=x, radius=radius, effort=effort)

    new, old = around(0.2), at_once(lambda: around(0.2))
    enough = (1.0 + 3.0 / effort) * around(0.0).errors
    assert (new.errors <= np.maximum(old.errors, enough) * (1.0 + 1e-9)).all()
    assert (new.agrees >= old.agrees).all()


def crude(seed):
    """A network whose ticket has nothing to do with it."""
    b = Builder(np.random.default_rng(seed), (4, 1, 1), bias=0.1)
    b.conv(12, relu=True)
    b.conv(12, relu=True)
    b.conv(3)
    return b.graph(), random_ticket(np.random.default_rng(seed + 1), b.graph(), density=0.3)


def test_of_a_crude_ticket_its_own_range_says_more():
    target, ticket = crude(9)
    own = certify(target, ticket)
    assert own.error < 0.95 * at_once(lambda: certify(target, ticket)).error
    target, ticket = crude(4)
    x = np.random.default_rng(6).random((4, 4, 1, 1))

    def around():
        return certify(target, ticket, inputs=x, radius=0.1)

    new, old = around(), at_once(around)
    assert (new.errors[:2] < 0.97 * old.errors[:2]).all()
    assert (new.margins[:2] > old.margins[:2] + 0.1).all()


def test_of_a_good_ticket_it_is_not_looked_at(monkeypatch):
    """It would take as long as all the rest, and can be known not to help."""
    made = []
    monkeypatch.setattr("slth.certificates.apart.alone", lambda *_, **__: made.append(1))
    monkeypatch.setattr("slth.certificates.bounds.alone", lambda *_, **__: made.append(1))
    target, _ = crude(4)
    layers = near(np.random.default_rng(0), target, spread=1e-3, width=0.0)
    certify_folded(target, target, layers, (np.zeros((4, 1, 1)), np.ones((4, 1, 1))))
    x = np.random.default_rng(6).random((4, 4, 1, 1))
    certify_around(target, target, layers, x, radius=0.1, effort=10)
    assert not made
