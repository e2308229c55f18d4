"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import slth

MODULES = ["slth", *(name for _, name, _ in pkgutil.walk_packages([str(Path(slth.__file__).parent)], "slth."))]
EXAMPLES = [
    name
    for name in sorted(MODULES)
    if ">>>" in Path(importlib.util.find_spec(name).origin or "").read_text(encoding="utf-8")  # type: ignore[union-attr]
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    module = importlib.import_module(name)
    failures = []

    class Runner(doctest.DocTestRunner):
        def report_failure(self, out, test, example, got):
            failures.append(f"{test.name}: {example.source.strip()} gave {got.strip()}, said {example.want.strip()}")

        def report_unexpected_exception(self, out, test, example, exc_info):
            failures.append(f"{test.name}: {example.source.strip()} raised {exc_info[1]!r}")

    runner = Runner()
    tests = doctest.DocTestFinder(exclude_empty=True).find(module, name)
    for test in tests:
        runner.run(test)
    assert failures == []
    assert runner.tries > 0
