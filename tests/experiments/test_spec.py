import hashlib
import json
import tomllib

import pytest

from slth.errors import ArgumentError
from slth.experiments import benchmarks, studies
from slth.experiments.spec import Experiment, from_document, item_seed, read_experiment
from tests.experiments.toy_studies import REGISTRY

HEAD = 'task = "toy-noisy"\n'


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    monkeypatch.setattr(studies, "STUDIES", REGISTRY)


def read(folder, text, **options):
    path = folder / "a.toml"
    path.write_text(text)
    return read_experiment(path, **options)


def test_cells_are_the_union_of_products_in_order(tmp_path):
    text = HEAD + "[[grid]]\nn = [1, 2]\nlaw = ['u', 'v']\n[[grid]]\nn = [3]\neps = [0.5]\n[fixed]\nhidden = [4, 5]\n"
    experiment = read(tmp_path, text)
    common = {"hidden": [4, 5]}
    assert list(experiment.cells) == [
        {"n": 1, "law": "u", **common},
        {"n": 1, "law": "v", **common},
        {"n": 2, "law": "u", **common},
        {"n": 2, "law": "v", **common},
        {"n": 3, "eps": 0.5, **common},
    ]
    assert experiment.columns == ("n", "law", "eps")
    assert experiment.name == "a"
    assert from_document(json.loads(json.dumps(experiment.document()))) == experiment


def test_full_replaces(tmp_path):
    text = (
        HEAD + "replicates = 2\n[grid]\nn = [1]\n[fixed]\na = 1\nb = 2\n[full]\nreplicates = 9\n[full.fixed]\na = 3\n"
    )
    small, full = read(tmp_path, text), read(tmp_path, text, full=True)
    assert (small.replicates, full.replicates) == (2, 9)
    assert list(full.cells) == [{"n": 1, "a": 3}]
    assert small.digest != full.digest


def test_replicates_come_in_rounds():
    experiment = Experiment(name="a", task="t", replicates=2, grids=({"n": [1, 2]},))
    assert [(cell["n"], replicate) for cell, replicate in experiment.items()] == [(1, 0), (2, 0), (1, 1), (2, 1)]


def test_the_digest_is_that_of_the_meaning(tmp_path):
    one = read(tmp_path, HEAD + "[grid]\nn = [1, 2]\n")
    other = read(
        tmp_path, "# a remark\nname = 'b'\ndescription = 'd'\nseed = 0\n" + HEAD + "[[grid]]\nn=[1]\n[[grid]]\nn=[2]"
    )
    assert one.digest == other.digest
    for change in ("seed = 1\n", "replicates = 2\n"):
        assert read(tmp_path, change + HEAD + "[grid]\nn = [1, 2]\n").digest != one.digest
    assert read(tmp_path, HEAD + "[grid]\nn = [2, 1]\n").digest != one.digest  # the table has another order


def test_seeds_are_those_of_the_definition():
    text = '[7,{"eps":0.5,"n":3},4]'
    wanted = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    assert item_seed(7, {"n": 3, "eps": 0.5}, 4) == wanted
    assert 0 <= wanted < 2**64
    others = {item_seed(7, {"n": n, "eps": 0.5}, replicate) for n in range(50) for replicate in range(50)}
    assert len(others) == 2500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("task = ", "cannot be read"),
        ("name = 'x'", "names no task"),
        ("task = 'toy-nosy'", "unknown task 'toy-nosy': did you mean 'toy-noisy'"),
        (HEAD + "replicate = 3", "unknown key 'replicate': did you mean 'replicates'"),
        (HEAD + "[full]\nseed = 3", r"unknown key 'seed' in \[full\]"),
        (HEAD + "[full]\nreplicates = 'x'", r"has a str for 'replicates' in \[full\]: give a int"),
        (HEAD + "replicates = 0", "replicates = 0"),
        (HEAD + "seed = -1", "seed = -1"),
        (HEAD + "seed = 1.5", "'seed'"),
        (HEAD + "seed = true", "'seed'"),
        (HEAD + "grid = 3", "give a dict or list"),
        (HEAD + "grid = []", "empty list of grids"),
        (HEAD + "grid = [3]", "a int in its list of grids"),
        (HEAD + "[grid]\nn = 3", "not a list"),
        (HEAD + "[grid]\nn = []", "not a list"),
        (HEAD + "[grid]\nn = [1, 1]", "comes twice"),
        (HEAD + "[[grid]]\nn = [1, 2]\n[[grid]]\nn = [2]", "comes twice"),
        (HEAD + "[grid]\nn = [nan]", "nan"),
        (HEAD + "[fixed]\nn = inf", "inf"),
        (HEAD + "[grid]\nn = [2020-01-01]", "a date in the grid entry 'n'"),
        (HEAD + "[grid]\nn = [{a = 1}]", "a dict in the grid entry 'n'"),
        (HEAD + "[grid]\nreplicate = [1]", "a column that every table has"),
        (HEAD + "[grid]\nn = [1]\n[fixed]\nn = 1", r"both in its grid and in \[fixed\]"),
        ("name = '../x'\n" + HEAD, "can be a folder's"),
    ],
)
def test_wrong_files(tmp_path, text, words):
    with pytest.raises(ArgumentError, match=words) as caught:
        read(tmp_path, text)
    assert "a.toml" in str(caught.value)


def test_the_repositorys_own_specifications_can_be_read(pytestconfig, monkeypatch):
    monkeypatch.undo()
    for path in sorted((pytestconfig.rootpath / "paper_figures").glob("*/spec.toml")):
        benchmark = tomllib.loads(path.read_text())["task"] in benchmarks.TASKS
        for full in (False, True):
            spec = benchmarks.read_benchmark(path, full=full) if benchmark else read_experiment(path, full=full)
            assert spec.name == path.parent.name
            assert spec.description
