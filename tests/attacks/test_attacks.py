"""A short run of every attack finds nothing; `make attack` runs them for as long as one likes."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import tests.attacks
from tests.attacks.__main__ import NAMES, attack, main

SECONDS = 20.0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_short_attack_finds_nothing(name):
    assert attack(name, seconds=SECONDS, seed=20261127) == []


def test_every_module_here_is_an_attack():
    for found in pkgutil.iter_modules(tests.attacks.__path__):
        if not found.name.startswith(("_", "test_")):
            assert callable(importlib.import_module(f"tests.attacks.{found.name}").run)


def test_an_unknown_attack_is_named(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["moonlight"])
    assert ended.value.code == 2
    assert "moonlight" in capsys.readouterr().err
