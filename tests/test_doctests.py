"""Every example in a docstring runs and prints what it says: of what users import, after ``import slth`` alone."""

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
PACKAGES = ["slth", *(f"slth.{one.name}" for one in pkgutil.iter_modules(slth.__path__) if one.ispkg)]


def is_for_users(test, module):
    """Whether the example stands in the docstring of what some package exports, or of one of its methods."""
    path = test.name.removeprefix(module.__name__).removeprefix(".")
    if not path:
        return module.__name__ in PACKAGES
    name = path.split(".")[0]
    value = getattr(module, name)
    packages = [importlib.import_module(one) for one in PACKAGES]
    return any(name in getattr(one, "__all__", ()) and getattr(one, name) is value for one in packages)


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
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        if is_for_users(test, module):
            test.globs = {"slth": slth}
        runner.run(test)
    assert failures == []
    assert runner.tries > 0
