import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ticket_samples import PAIR_AND_LINEAR, TWO_PAIRS

from slth.errors import ArgumentError
from slth.tickets import NetworkDescription, ProductPair, RandomLinear

sizes = st.integers(1, 1000)
activations = st.sampled_from(["relu", "identity"])


@st.composite
def descriptions(draw):
    widths = draw(st.lists(sizes, min_size=2, max_size=5))
    layers = []
    for place, (inputs, outputs) in enumerate(pairwise(widths)):
        if draw(st.booleans()):
            layers.append(RandomLinear(f"layer{place}", inputs, outputs, draw(activations)))
        else:
            halves = draw(st.sampled_from(["both", "positive"]))
            layers.append(ProductPair(f"layer{place}", inputs, outputs, draw(sizes), halves, draw(activations)))
    return NetworkDescription(layers)


@given(descriptions())
def test_json_both_ways(description):
    text = description.to_json()
    assert NetworkDescription.from_json(text) == description
    assert NetworkDescription.from_json(json.dumps(json.loads(text), indent=3)).to_json() == text


@given(descriptions())
def test_counts_are_those_of_the_arrays(description):
    total = dict.fromkeys(description.mask_shapes, 1)
    for name, shape in description.mask_shapes.items():
        for size in shape:
            total[name] *= size
    assert description.open_positions == sum(total.values())
    blocked = sum(
        layer.units * layer.sources * layer.inputs for layer in description.layers if isinstance(layer, ProductPair)
    )
    assert description.random_parameters - description.open_positions == blocked


def test_pensia_count_of_parameters():
    """theory 4.1: the block mask removes all but one of d + 1 entries in a row of the first matrix."""
    layer = ProductPair("a", inputs=783, outputs=500, units=40)
    assert layer.random_parameters == 40 * 784 * 784 + 40 * 784 * 500


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ProductPair("", 1, 1, 1), "path=''"),
        (lambda: ProductPair("a/b", 1, 1, 1), "path='a/b'"),
        (lambda: ProductPair("a" * 201, 1, 1, 1), "path="),
        (lambda: ProductPair(3, 1, 1, 1), "path=3"),
        (lambda: ProductPair("a", 0, 1, 1), "inputs=0 must be an integer from 1"),
        (lambda: ProductPair("a", 1, True, 1), "outputs=True"),
        (lambda: ProductPair("a", 1, 1, 2.0), "units=2.0"),
        (lambda: ProductPair("a", 1, 1, 2**70), "units=.* must be an integer from 1"),
        (lambda: ProductPair("a", 2**25, 1, 2**20), "more than a stream has"),
        (lambda: RandomLinear("a", 2**40, 2**40), "more than a stream has"),
        (lambda: ProductPair("a", 1, 1, 1, "negative"), "halves='negative'"),
        (lambda: ProductPair("a", 1, 1, 1, "both", "tanh"), "activation='tanh'"),
        (lambda: RandomLinear("a", 1, 1, "tanh"), "activation='tanh'"),
        (lambda: NetworkDescription([]), "must be ProductPair or RandomLinear"),
        (lambda: NetworkDescription(["a"]), "must be ProductPair or RandomLinear"),
        (lambda: NetworkDescription([RandomLinear("a", 1, 2), RandomLinear("b", 1, 2)]), "does not fit"),
        (lambda: NetworkDescription([RandomLinear("a", 1, 1), RandomLinear("a", 1, 1)]), "path='a' names two"),
        (lambda: NetworkDescription([ProductPair("a", 1, 1, 1), RandomLinear("a.second", 1, 1)]), "names two"),
        (lambda: NetworkDescription([ProductPair("a", 1, 1, 1), RandomLinear("a.units", 1, 1)]), "names two"),
    ],
)
def test_bad_descriptions_are_named(build, message):
    with pytest.raises(ArgumentError, match=message):
        build()


def changed(change, description=TWO_PAIRS):
    content = json.loads(description.to_json())
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ('{"layers": [], "layers": []}', "a key stands twice"),
        ("[]", "must be a JSON object"),
        ("{}", "must have one key"),
        ('{"layers": {}}', "must have one key"),
        ('{"layers": [], "more": 1}', "must have one key"),
        ('{"layers": []}', "must be ProductPair or RandomLinear"),
        ('{"layers": [3]}', "whose kind is one of"),
        ('{"layers": [{"kind": ["linear"]}]}', "whose kind is one of"),
        (changed(lambda content: content["layers"][0].update(kind="convolution")), "whose kind is one of"),
        (changed(lambda content: content["layers"][0].update(weights=[1.0])), r"unknown keys \['weights'\]"),
        (changed(lambda content: content["layers"][0].pop("units")), r"unknown keys \['units'\]"),
        (changed(lambda content: content["layers"][0].update(inputs="3")), "inputs='3'"),
        (changed(lambda content: content["layers"][0].update(inputs=3.0)), "inputs=3.0"),
        (changed(lambda content: content["layers"][0].update(inputs=True)), "inputs=True"),
        (changed(lambda content: content["layers"][0].update(outputs=10**400)), "outputs="),
        (changed(lambda content: content["layers"][0].update(path=["a"])), "path="),
        (changed(lambda content: content["layers"][0].update(halves=[])), "halves="),
        (changed(lambda content: content["layers"][0].update(activation={})), "activation="),
        (changed(lambda content: content["layers"].reverse(), PAIR_AND_LINEAR), "does not fit"),
    ],
)
def test_strange_text_is_refused(text, message):
    with pytest.raises(ArgumentError, match=message):
        NetworkDescription.from_json(text)
