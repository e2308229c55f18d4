"""Laws of values: addresses, moments, distributions, text."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slth.errors import ArgumentError
from slth.rng import Stream, WeightLaw
from slth.subset_sum.laws import (
    LAWS,
    Integers,
    Law,
    MixtureWithZero,
    Normal,
    ProductNormal,
    ProductUniform,
    ScipyLaw,
    SignedConstant,
    Uniform,
    law_from_text,
)

EXAMPLES = [
    Uniform(),
    Uniform(0.25, 3.0),
    Normal(),
    Normal(-2.0, 0.5),
    ProductUniform(),
    ProductUniform(0.5, 4.0),
    ProductNormal(2.0, 0.25),
    SignedConstant(3.0),
    Integers(-7, 12),
    Integers(5, 5),
    Integers(1, 10**12),
    MixtureWithZero(Normal(1.0, 2.0), 0.3),
    MixtureWithZero(MixtureWithZero(Uniform(1.0, 2.0), 0.5), 0.5),
    ScipyLaw(stats.laplace(0.5, 2.0)),
    ScipyLaw(stats.poisson(mu=3.5)),
]
IDENTIFIERS = [f"{index}-{type(law).__name__}" for index, law in enumerate(EXAMPLES)]
STREAM = Stream(seed=2, path="laws")
COUNT = 100_000


def test_every_law_has_an_example():
    assert {type(law) for law in EXAMPLES} == set(LAWS.values())


@pytest.mark.parametrize("law", EXAMPLES, ids=IDENTIFIERS)
@given(start=st.integers(0, 200), count=st.integers(0, 100))
def test_a_later_start_gives_the_tail(law, start, count):
    whole = law.sample(STREAM, start + count)
    part = law.sample(STREAM, count, start)
    assert part.dtype == np.float64
    np.testing.assert_array_equal(part, whole[start:])


@pytest.mark.parametrize("law", EXAMPLES, ids=IDENTIFIERS)
def test_moments_agree_with_the_sample(law):
    # Each mean may be off by five of its own standard errors: error probability below 6e-7 each, 2e-5 in all.
    assert isinstance(law, Law)
    values = law.sample(STREAM, COUNT)
    for observed, stated in ((values, law.mean), (values**2, law.second_moment)):
        allowed = 5 * observed.std() / math.sqrt(COUNT) + 1e-12 * abs(stated)
        assert abs(observed.mean() - stated) <= allowed


@pytest.mark.parametrize("law", EXAMPLES, ids=IDENTIFIERS)
def test_description_is_json_and_names_the_law(law):
    description = law.describe()
    assert json.loads(json.dumps(description)) == description
    assert LAWS[description["law"]] is type(law)


@pytest.mark.parametrize(
    ("law", "distribution"),
    [
        (Uniform(-0.5, 2.0), stats.uniform(-0.5, 2.5).cdf),
        (Normal(1.0, 3.0), stats.norm(1.0, 3.0).cdf),
        # P(U V <= x) for U, V uniform on (-1, 1) is 1/2 + x (1 - log|x|) / 2.
        (ProductUniform(2.0, 0.5), lambda x: 0.5 + x * (1.0 - np.log(np.abs(x))) / 2.0),
        (ScipyLaw(stats.gumbel_r()), stats.gumbel_r().cdf),
    ],
)
def test_distribution(law, distribution):
    # Kolmogorov-Smirnov at level 1e-6 each, on a fixed seed.
    assert stats.kstest(law.sample(STREAM, COUNT), distribution).pvalue > 1e-6


def test_integers_are_equally_likely_and_inside():
    values = Integers(-3, 3).sample(STREAM, COUNT)
    counts = [int(np.sum(values == value)) for value in range(-3, 4)]
    assert sum(counts) == COUNT
    assert stats.chisquare(counts).pvalue > 1e-6  # on a fixed seed


def test_integers_follow_the_stated_formula_up_to_the_largest_span():
    law = Integers(-(2**53), 2**53)
    expected = [law.low + (word * (2**54 + 1) >> 64) for word in STREAM.raw(0, 50).tolist()]
    np.testing.assert_array_equal(law.sample(STREAM, 50), np.array(expected, np.float64))


def test_symmetric_uniform_and_normal_are_the_numbers_of_a_weight_law():
    np.testing.assert_array_equal(
        Uniform(-0.7, 0.7).sample(STREAM, 99), WeightLaw("uniform", 0.7).weights(STREAM, 0, 99)
    )
    np.testing.assert_array_equal(Normal(0.0, 0.7).sample(STREAM, 99), WeightLaw("normal", 0.7).weights(STREAM, 0, 99))


def test_mixture_zeros_are_as_many_as_stated_and_the_rest_is_the_law():
    values = MixtureWithZero(Uniform(1.0, 2.0), 0.3).sample(STREAM, COUNT)
    zeros = int(np.sum(values == 0.0))
    assert abs(zeros - 0.3 * COUNT) < 5 * math.sqrt(COUNT * 0.21)  # five standard deviations: 6e-7
    inner = Uniform(1.0, 2.0).sample(Stream(STREAM.seed, STREAM.path + ".value"), COUNT)
    np.testing.assert_array_equal(values[values != 0.0], inner[values != 0.0])


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("uniform", Uniform(-1.0, 1.0)),
        ("uniform:-0.5:0.5", Uniform(-0.5, 0.5)),
        ("normal:1:2e-3", Normal(1.0, 0.002)),
        ("product-uniform:2", ProductUniform(2.0, 1.0)),
        ("product-normal", ProductNormal()),
        ("signed-constant:3", SignedConstant(3.0)),
        ("integers:-5:5", Integers(-5, 5)),
        ("zero-mixture:0.5:uniform:0:1", MixtureWithZero(Uniform(0.0, 1.0), 0.5)),
        ("zero-mixture:0.5:zero-mixture:0.1:normal", MixtureWithZero(MixtureWithZero(Normal(), 0.1), 0.5)),
    ],
)
def test_text(text, law):
    assert law_from_text(text) == law


def test_text_of_a_scipy_distribution():
    law = law_from_text("scipy:gamma:2:0:3")
    expected = ScipyLaw(stats.gamma(2.0, 0.0, 3.0))
    assert law.describe() == expected.describe()
    np.testing.assert_array_equal(law.sample(STREAM, 20), expected.sample(STREAM, 20))


@pytest.mark.parametrize(
    "text", ["", "uniforn", "uniform:1:2:3", "uniform:a:b", "uniform:1:0", "uniform:nan:1", "normal:0:0"]
)
def test_refused_text_of_elementary_laws(text):
    with pytest.raises(ArgumentError):
        law_from_text(text)


@pytest.mark.parametrize("text", ["integers", "integers:1", "integers:1.5:2", "integers:3:2", None, 3])
def test_refused_text_of_integers_and_non_text(text):
    with pytest.raises(ArgumentError):
        law_from_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "zero-mixture",
        "zero-mixture:0.5",
        "zero-mixture:2:uniform",
        "scipy",
        "scipy:norm:0:-1",
        "scipy:nothing",
        "scipy:gamma",
        "scipy:norm:1:2:3:4",
        "scipy:kstest",
    ],
)
def test_refused_text_of_composed_laws(text):
    with pytest.raises(ArgumentError):
        law_from_text(text)


@pytest.mark.parametrize(
    ("law", "arguments"),
    [
        (Uniform, (0.0, math.inf)),
        (Uniform, (-1e308, 1e308)),
        (Uniform, (1.0, 1.0)),
        (Uniform, ("0", 1.0)),
        (Normal, (0.0, -1.0)),
        (ProductUniform, (0.0, 1.0)),
        (ProductNormal, (1.0, math.nan)),
        (SignedConstant, (True,)),
        (SignedConstant, (10**400,)),
        (Integers, (0, 2**53 + 1)),
        (Integers, (0.0, 1)),
        (Integers, (False, 1)),
        (MixtureWithZero, ("uniform", 0.5)),
        (MixtureWithZero, (Uniform(), 1.5)),
        (ScipyLaw, (stats.norm,)),
        (ScipyLaw, (None,)),
    ],
)
def test_refused_parameters(law, arguments):
    with pytest.raises(ArgumentError):
        law(*arguments)


@pytest.mark.parametrize("law", EXAMPLES, ids=IDENTIFIERS)
def test_refused_counts(law):
    with pytest.raises(ArgumentError, match="count="):
        law.sample(STREAM, -1)
