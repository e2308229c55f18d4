"""``slth verify`` as a user has it."""

from __future__ import annotations

import json

import pytest
from running import run


def test_json_and_exit_code(capsys):
    arguments = ("lueker1998.growth", "malach2020.width", "--examples", "3", "--trials", "20", "--json")
    done = run(capsys, "verify", *arguments)
    assert done.code == 0
    assert done.json["violations"] == 0
    assert done.json["checked"] == 1
    assert done.json["reproducer"] is None
    assert [one["verdict"] for one in done.json["findings"]] == ["held", "untestable"]


def test_a_case_is_tried_again(capsys):
    case = json.dumps({"values": [0.25], "eps": 0.1})
    assert "held" in run(capsys, "verify", "lueker1998.growth", "--case", case).out


@pytest.mark.parametrize(
    "arguments",
    [["nobody1999"], ["--examples", "0"], ["lueker1998.growth", "--case", "{"], ["--case", "{}"], ["--case", "[1]"]],
)
def test_mistakes_are_named(capsys, arguments):
    wrong = run(capsys, "verify", *arguments)
    assert wrong.code == 2
    assert wrong.err.startswith("slth: ")
