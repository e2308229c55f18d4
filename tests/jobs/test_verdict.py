"""What is said of a construction whose numbers say little."""

import pytest

from slth.jobs.verdict import verdicts

GOOD = {
    "method": "Structured", "ticket_accuracy": 0.97, "target_accuracy": 0.98, "examples": 1000, "certified_error": 0.4,
    "float32_allowance": 0.1,
}  # fmt: skip


def said(layers=(0.01, 0.02), **changed):
    rows = [{"relative_error": error, "path": f"layer{number}"} for number, error in enumerate(layers)]
    return verdicts({**GOOD, **changed}, rows, 20.0, 10)


def test_nothing_is_said_where_all_is_well():
    assert said() == ()
    assert said(ticket_accuracy=0.12, target_accuracy=0.11) == ()  # the target guesses too
    assert said(ticket_accuracy=1.0, target_accuracy=0.5) == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"layers": (0.1, 0.9, 0.6)}, ["2 of 3 layers", "0.9 in layer layer1", "eps"]),
        ({"ticket_accuracy": 0.11}, ["that of guessing", "gain auto"]),
        ({"ticket_accuracy": 0.80}, ["loses 18.0 points"]),
        ({"ticket_accuracy": 0.80, "method": "PerWeight"}, ["more candidates"]),
        ({"certified_error": 3.8e15}, ["certificate says nothing: 3.8e+15", "around given inputs"]),
        ({"certified_error": float("inf")}, ["certificate says nothing"]),
        ({"float32_allowance": 44.0}, ["float32", "44", "float64"]),
    ],
)
def test_what_a_user_should_not_overlook_is_said_once(changed, words):
    (sentence,) = said(**changed)
    assert all(word in sentence for word in words)
