"""Constructions that were stopped go on with the next layer, to the same ticket."""

from __future__ import annotations

import numpy as np
import pytest

import slth
from slth.constructions.channels import Channels
from slth.errors import ArgumentError
from slth.networks import describe, small_cnn
from slth.rng import WeightLaw

TARGET = describe(small_cnn(channels=(2, 3), input_shape=(1, 8, 8), classes=4, seed=1), (1, 8, 8))
METHOD = slth.Structured(channels=40, gain="unit")


@pytest.fixture
def searched(monkeypatch):
    """Names of the layers whose channels are searched from now on."""
    names, chosen = [], Channels.chosen

    def noted(self, gain):
        names.append(self.pair.path)
        return chosen(self, gain)

    monkeypatch.setattr(Channels, "chosen", noted)
    return names


def bytes_of(**given):
    return slth.construct(TARGET, method=given.pop("method", METHOD), **given).ticket.to_bytes()


def test_what_is_kept_is_not_searched_again(tmp_path, searched):
    fresh = bytes_of()
    layers = list(searched)
    assert bytes_of(folder=tmp_path / "kept") == fresh
    assert searched == 2 * layers
    assert bytes_of(folder=tmp_path / "kept") == fresh
    assert searched == 2 * layers


def test_an_interruption_loses_one_layer(tmp_path, searched, monkeypatch):
    fresh = bytes_of()
    layers = list(searched)
    assert len(layers) >= 3
    searched.clear()
    noted = Channels.chosen

    def stopped(self, gain):
        if len(searched) == 2:
            raise KeyboardInterrupt
        return noted(self, gain)

    monkeypatch.setattr(Channels, "chosen", stopped)
    with pytest.raises(slth.Interrupted):
        bytes_of(folder=tmp_path)
    monkeypatch.setattr(Channels, "chosen", noted)
    assert bytes_of(folder=tmp_path) == fresh
    assert searched == layers


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 5},
        {"law": WeightLaw("uniform", 1.0)},
        {"method": slth.Structured(channels=41, gain="unit")},
        {"method": slth.Structured(channels=40, gain=0.25)},
        {"method": slth.Structured(channels=40, gain="unit", beam=1)},
        {"method": slth.Structured(channels=40, gain="unit", size=3)},
        {"input_box": (-1.0, 1.0)},
    ],
)
def test_other_layers_are_not_taken_up(tmp_path, other):
    bytes_of(folder=tmp_path)
    assert bytes_of(folder=tmp_path, **other) == bytes_of(**other)


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"nonsense", None])
def test_damaged_layers_are_searched_again(tmp_path, searched, damage):
    fresh = bytes_of(folder=tmp_path)
    count = len(searched)
    path = sorted(tmp_path.iterdir())[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 128
    path.write_bytes(bytes(content) if damage is None else damage)
    assert bytes_of(folder=tmp_path) == fresh
    assert len(searched) == count + 1


def test_layers_of_an_error_to_certify_are_kept_too(tmp_path, searched):
    method = slth.Structured(eps=3.0)
    fresh = bytes_of(method=method)
    searched.clear()
    assert bytes_of(method=method, folder=tmp_path) == fresh
    count = len(searched)
    assert bytes_of(method=method, folder=tmp_path) == fresh
    assert len(searched) == count


def test_methods_that_keep_nothing_say_so(tmp_path):
    with pytest.raises(ArgumentError, match="is not offered for PerWeight"):
        bytes_of(method=slth.PerWeight(candidates=6), folder=tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArgumentError, match="is no path: name a folder"):
        bytes_of(folder=1.5)
    with pytest.raises(ArgumentError, match="folder="):
        bytes_of(folder=tmp_path / "file")


def test_wide_slices_are_pursued_with_fewer_alternatives(monkeypatch):
    seen, pursued = [], Channels._pursued

    def noted(self, instances, gain):
        seen.append((self.beam, self.probes))
        return pursued(self, instances, gain)

    monkeypatch.setattr(Channels, "_pursued", noted)
    rng = np.random.default_rng(0)
    for outputs, wanted in ((288, (8, 3)), (289, (2, 1))):
        target = slth.Graph((1,), [slth.Node("a", slth.Conv(rng.normal(size=(outputs, 1))), ("input",))])
        slth.construct(target, method=slth.Structured(channels=20, gain="unit"))
        assert seen[-1] == wanted
