"""Modules below one another: no two need each other, also not inside a function."""

from __future__ import annotations

from pathlib import Path

import pytest

import slth
from tests.tools.import_circles import circle, imports_of

SOURCE = Path(slth.__file__).parent


@pytest.mark.parametrize("package", ["kernels", "subset_sum"])
def test_no_circle_of_imports_lazy_ones_included(package):
    graph = imports_of(SOURCE / package, f"slth.{package}")
    assert len(graph) > 15
    assert circle(graph) == []


def test_circles_through_functions_are_found(tmp_path):
    (tmp_path / "above.py").write_text("from p.below import x\n")
    (tmp_path / "below.py").write_text("def f():\n    from p import above\n")
    assert set(circle(imports_of(tmp_path, "p"))) == {"p.above", "p.below"}
    (tmp_path / "below.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import p.above\n")
    assert circle(imports_of(tmp_path, "p")) == []


def test_the_server_of_tensors_knows_what_pursuits_ask_and_nothing_above():
    graph = imports_of(SOURCE / "subset_sum", "slth.subset_sum")
    assert graph["slth.subset_sum.tensor_server"] == {"slth.subset_sum.places", "slth.subset_sum.pursuit_steps"}
