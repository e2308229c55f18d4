"""Streams and laws of weights: addresses, frozen values, and what is refused."""

import json
import math
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.rng import PIECE, Stream, WeightLaw

STREAMS = st.builds(Stream, seed=st.integers(0, 2**64 - 1), path=st.text(max_size=20))
LAWS = st.builds(WeightLaw, name=st.sampled_from(["uniform", "normal", "signed-constant"]), scale=st.floats(1e-3, 1e3))


def test_first_numbers_are_frozen():
    stream = Stream(seed=0, path="layer0.hidden")
    assert [hex(word) for word in stream.raw(0, 3)] == [
        "0x621fd70e10941879",
        "0x57c019f162cbadf0",
        "0xc6a123cdc78c74d6",
    ]
    assert [u.hex() for u in stream.uniform(0, 2).tolist()] == ["0x1.887f5c3842506p-2", "0x1.5f0067c58b2eap-2"]
    assert [z.hex() for z in stream.normal(0, 2).tolist()] == ["-0x1.2ff4129c370e1p-2", "-0x1.9e9e7af5bac0ap-2"]
    last = Stream(seed=2**64 - 1, path="")
    assert [hex(word) for word in last.raw(0, 2)] == ["0xb842678484c2ffbb", "0x3c4162bfccf91b97"]


@given(STREAMS, st.integers(0, 1000), st.integers(0, 300))
def test_words_are_numpys_under_the_documented_key(stream, start, count):
    second = int.from_bytes(sha256(stream.path.encode()).digest()[:8], "little")
    reference = np.random.Philox(key=np.array([stream.seed, second], np.uint64)).random_raw(start + count)
    np.testing.assert_array_equal(stream.raw(start, count), reference[start:])
    np.testing.assert_array_equal(stream.uniform(start, count), (2 * (reference[start:] >> 12) + 1) * 2.0**-53)


@given(STREAMS, st.integers(0, 2**61), st.integers(1, 200), st.data())
def test_random_access_equals_contiguous(stream, start, count, data):
    offsets = np.array(data.draw(st.lists(st.integers(0, count - 1), max_size=40)), np.int64)
    for contiguous, scattered in (
        (stream.raw, stream.raw_at),
        (stream.uniform, stream.uniform_at),
        (stream.normal, stream.normal_at),
    ):
        np.testing.assert_array_equal(scattered(start + offsets), contiguous(start, count)[offsets])


def test_pieces_join_without_a_seam():
    stream, count = Stream(seed=3, path="seam"), 2 * PIECE + 77
    for draw, at in ((stream.uniform, stream.uniform_at), (stream.normal, stream.normal_at)):
        whole = draw(5, count)
        np.testing.assert_array_equal(whole[PIECE - 3 : PIECE + 3], draw(5 + PIECE - 3, 6))
        np.testing.assert_array_equal(whole[2 * PIECE - 3 :], draw(5 + 2 * PIECE - 3, 80))
        np.testing.assert_array_equal(at(np.arange(5, 5 + count)), whole)


def test_shapes_and_integer_types_of_indices_are_kept():
    stream = Stream(seed=1, path="shape")
    indices = np.arange(24).reshape(2, 3, 4)
    assert stream.normal_at(indices).shape == (2, 3, 4)
    np.testing.assert_array_equal(stream.raw_at(indices.astype(np.uint8).T), stream.raw_at(indices).T)
    assert stream.raw_at(7).shape == ()
    assert stream.raw_at([]).shape == (0,)
    assert stream.raw_at(np.zeros((0, 3), np.int64)).shape == (0, 3)


def test_paths_and_seeds_give_different_streams():
    streams = [Stream(seed, path) for seed in (0, 1) for path in ("a", "b")]
    assert len({int(stream.raw(0, 1)[0]) for stream in streams}) == 4
    assert Stream(np.int64(1), "a") == Stream(1, "a")


def test_moments_of_uniform_and_normal():
    # 200,000 draws with a fixed seed: each mean is five standard errors wide, error probability below 1e-5 in all.
    stream, count = Stream(seed=11, path="moments"), 200_000
    u, z = stream.uniform(0, count), stream.normal(0, count)
    for sample, variance in ((u - 0.5, 1 / 12), ((u - 0.5) ** 2 - 1 / 12, 1 / 180), (z, 1.0), (z**2 - 1.0, 2.0)):
        assert abs(sample.mean()) < 5 * math.sqrt(variance / count)
    assert abs(np.mean(z[1:] * z[:-1])) < 5 / math.sqrt(count)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "0", None, True])
def test_refused_seeds(seed):
    with pytest.raises(ArgumentError, match="seed="):
        Stream(seed, "path")


def test_refused_path():
    with pytest.raises(ArgumentError, match="path="):
        Stream(0, b"path")


@pytest.mark.parametrize(
    ("start", "count", "named"), [(-1, 3, "start"), (0, -1, "count"), (2**62, 1, "count"), (0.0, 1, "start")]
)
def test_refused_ranges(start, count, named):
    with pytest.raises(ArgumentError, match=named):
        Stream(0, "path").uniform(start, count)


@pytest.mark.parametrize("indices", [[-1], [0.5], [2**62], [True], ["a"], np.array([2**63], np.uint64)])
def test_refused_indices(indices):
    with pytest.raises(ArgumentError, match="indices="):
        Stream(0, "path").normal_at(indices)


@given(LAWS, STREAMS, st.integers(0, 1000), st.integers(1, 50))
def test_weights_follow_the_formula_of_their_law(law, stream, start, count):
    weights = law.weights(stream, start, count)
    if law.name == "uniform":
        expected = (2.0 * stream.uniform(start, count) - 1.0) * law.scale
        assert np.all(np.abs(weights) < law.scale)
    elif law.name == "signed-constant":
        expected = np.where(stream.uniform(start, count) > 0.5, law.scale, -law.scale)
    else:
        expected = stream.normal(start, count) * law.scale
    np.testing.assert_array_equal(weights, expected)
    np.testing.assert_array_equal(law.weights_at(stream, np.arange(start, start + count)[::-1]), expected[::-1])


def test_a_signed_constant_has_two_values_as_often():
    # 40,000 fair signs: the mean's standard error is 0.005; 4.5 of them, error probability below 1e-5.
    law = WeightLaw("signed-constant", 0.3)
    sample = law.weights(Stream(seed=5, path="signs"), 0, 40_000)
    assert np.unique(sample).tolist() == [-0.3, 0.3]
    assert np.mean(sample**2) == pytest.approx(law.second_moment, rel=1e-12)
    assert abs(np.mean(sample / 0.3)) < 0.0225
    assert abs(np.mean(sample[1:] * sample[:-1]) / 0.09) < 0.0225  # neighbours know nothing of each other


@given(LAWS, st.integers(0, 99))
def test_weights_across_streams_are_those_of_each(law, seed):
    rng = np.random.default_rng(seed)
    streams, counts = [Stream(seed, f"s.{number}") for number in range(4)], rng.integers(0, 30, 4).tolist()
    places = rng.integers(0, 2**40, sum(counts))
    found = law.weights_across(streams, counts, places)
    ends = np.cumsum([0, *counts])
    for stream, first, last in zip(streams, ends, ends[1:], strict=False):
        assert np.array_equal(found[first:last], law.weights_at(stream, places[first:last]))


def test_second_moments():
    # 200,000 draws: relative standard errors 0.0020 and 0.0032; five of them, error probability below 1e-5.
    stream = Stream(seed=5, path="second moment")
    for law, allowed in ((WeightLaw("uniform", 0.25), 0.0100), (WeightLaw("normal", 3.0), 0.0158)):
        sample = law.weights(stream, 0, 200_000)
        assert abs(np.mean(sample**2) / law.second_moment - 1.0) < allowed


@given(LAWS)
def test_description_survives_json(law):
    assert WeightLaw.from_description(json.loads(json.dumps(law.describe()))) == law


@pytest.mark.parametrize("name", ["laplace", "", None, ["uniform"]])
def test_refused_names(name):
    with pytest.raises(ArgumentError, match="name="):
        WeightLaw(name)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, "1.0", True, None])
def test_refused_scales(scale):
    with pytest.raises(ArgumentError, match="scale="):
        WeightLaw("uniform", scale)


@pytest.mark.parametrize(
    "description", [{}, {"name": "uniform"}, {"name": "uniform", "scale": 1.0, "x": 1}, None, "uniform"]
)
def test_refused_descriptions(description):
    with pytest.raises(ArgumentError):
        WeightLaw.from_description(description)
