"""A short run of every attack finds nothing, and each finds what is broken on purpose; `make attack` takes longer."""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import replace

import numpy as np
import pytest

import tests.attacks
from tests.attacks import around, certificates, tickets
from tests.attacks.__main__ import NAMES, attack, main


@pytest.mark.slow
@pytest.mark.parametrize("name", ["around", "certificates", "tickets"])
def test_nothing_is_found_in_seconds(name):
    assert attack(name, seconds=3.0, seed=0) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_in_a_minute(name):
    assert attack(name, seconds=60.0, seed=20261127) == []


def test_every_module_here_is_an_attack():
    for found in pkgutil.iter_modules(tests.attacks.__path__):
        if not found.name.startswith(("_", "test_")):
            assert callable(importlib.import_module(f"tests.attacks.{found.name}").run)


def test_an_unknown_attack_is_named(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["moonlight"])
    assert ended.value.code == 2
    assert "moonlight" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["certify", "certify_folded"])
def test_a_certificate_that_is_too_small_is_found(name, monkeypatch):
    """A tenth is below what is seen for many networks of some kind."""
    true = getattr(certificates, name)

    def too_small(*arguments, **options):
        found = true(*arguments, **options)
        return replace(found, per_output=0.1 * found.per_output)

    monkeypatch.setattr(certificates, name, too_small)
    assert certificates.run(seconds=3.0, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        lambda found: replace(found, errors=0.1 * found.errors),
        lambda found: replace(found, margins=found.margins + 0.2 * np.abs(found.margins)),
        lambda found: replace(found, float32_allowance=0.02 * found.float32_allowance),
    ],
)
def test_a_certificate_around_inputs_that_says_too_much_is_found(more, monkeypatch):
    true = around.certify
    monkeypatch.setattr(around, "certify", lambda *arguments, **options: more(true(*arguments, **options)))
    assert around.run(seconds=3.0, seed=1)


@pytest.mark.parametrize(("reader", "named"), [(lambda _: None, "accepted"), (json.load, "AttributeError")])
def test_a_careless_reader_is_found(reader, named, monkeypatch):
    monkeypatch.setattr(tickets, "load_ticket", reader)
    assert any(named in fault for fault in tickets.run(seconds=1.0, seed=0))
