"""The attacks find nothing in a short time, and find what is broken on purpose."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.attacks import certificates, tickets


@pytest.mark.parametrize("attack", [certificates, tickets])
def test_nothing_is_found_in_seconds(attack):
    assert attack.run(seconds=4.0, seed=0) == []


@pytest.mark.slow
@pytest.mark.parametrize("attack", [certificates, tickets])
def test_nothing_is_found_in_minutes(attack):
    assert attack.run(seconds=120.0, seed=1) == []


@pytest.mark.parametrize("name", ["certify", "certify_folded"])
def test_a_certificate_that_is_too_small_is_found(name, monkeypatch):
    """A tenth is below what is seen for many networks of some kind."""
    true = getattr(certificates, name)

    def too_small(*arguments, **options):
        found = true(*arguments, **options)
        return replace(found, per_output=0.1 * found.per_output)

    monkeypatch.setattr(certificates, name, too_small)
    assert certificates.run(seconds=3.0, seed=0)


@pytest.mark.parametrize(("reader", "named"), [(lambda _: None, "accepted"), (json.load, "AttributeError")])
def test_a_careless_reader_is_found(reader, named, monkeypatch):
    monkeypatch.setattr(tickets, "load_ticket", reader)
    assert any(named in fault for fault in tickets.run(seconds=1.0, seed=0))
