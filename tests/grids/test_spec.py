import hashlib
import json
import time
import tomllib

import pytest

from slth.benchmarks import runner as benchmarks
from slth.errors import ArgumentError
from slth.grids.cells import Cells
from slth.grids.keys import Key, Study
from slth.grids.spec import Experiment, from_document, item_seed, read_experiment
from slth.studies import STUDIES
from tests.grids.toy_studies import REGISTRY

HEAD = 'task = "toy-noisy"\n'


def read(folder, text, **options):
    path = folder / "a.toml"
    path.write_text(text)
    return read_experiment(path, REGISTRY, **options)


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
        (HEAD + "replicates = 0\n[grid]\nn = [1]", "replicates = 0"),
        (HEAD + "seed = -1\n[grid]\nn = [1]", "seed = -1"),
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
        (
            HEAD + "[grid]\nn = [2020-01-01]",
            "has datetime.date.2020, 1, 1. for the grid entry 'n'",
        ),
        (HEAD + "[grid]\nn = [{a = 1}]", "has {'a': 1} for the grid entry 'n'"),
        (HEAD + "[grid]\nreplicate = [1]", "'replicate', which toy-noisy does not read"),
        (HEAD + "[grid]\nn = [1]\n[fixed]\nn = 1", r"both in its grid and in \[fixed\]"),
        ("name = '../x'\n" + HEAD, "can be a folder's"),
        ("name = 'a\\nb'\n" + HEAD, "can be a folder's"),
        ("name = '" + 101 * "é" + "'\n" + HEAD, "a name of 202 bytes"),
        (HEAD + "[fixed]\nn = 1\nreplicate = 1", r"'replicate' in \[fixed\], which toy-noisy does not read"),
        (HEAD + "[grid]\nn = [1]\nmy_seconds = [1]", "'my_seconds', which toy-noisy does not read"),
        (HEAD + "[grid]\nn = [1]\neps = [0.5, inf]", "has inf for the grid entry 'eps': give a number"),
        (HEAD + "[grid]\nn = [1]\nhiden = [[3]]", "'hiden', which toy-noisy does not read: did you mean 'hidden'"),
        (HEAD + "[grid]\nn = [1]\n[fixed]\nhiden = [3]", r"'hiden' in \[fixed\], which toy-noisy does not read"),
        (HEAD, "has no 'n', which toy-noisy needs: write it in the grid or in .fixed.: a whole number"),
        (HEAD + "[[grid]]\nn = [1]\n[[grid]]\na = [1]", "has no 'n'"),
        (
            "task = 'toy-odd'\n[grid]\nkind = ['list', 'half']",
            "has no 'spare', which toy-odd needs where kind is 'half'",
        ),
        (HEAD + "[grid]\nn = ['six']", "has 'six' for the grid entry 'n': give a whole number"),
        (HEAD + "[fixed]\nn = 'six'", r"has 'six' for 'n' in \[fixed\]: give a whole number"),
        (HEAD + "[grid]\nn = [true]", "has True for the grid entry 'n'"),
        (HEAD + "[grid]\nn = [6.0]", "has 6.0 for the grid entry 'n'"),
        (HEAD + "[grid]\nn = [[6]]", "give a whole number"),
        (HEAD + "[grid]\nn = [1]\nhidden = [[1, 'a']]", "give a list of whole numbers"),
        (HEAD + "[grid]\nn = [1]\neps = [1, 1.0]", "comes twice"),
        (HEAD + "[[grid]]\nn = [1]\neps = [1, 2]\n[[grid]]\neps = [3, 2.0]\nn = [4, 1]", "comes twice"),
        (HEAD + "[grid]\nn = [1]\n[full.grid]\nn = []", r"not a list .* \(as \[full\] has it\)"),
        (HEAD + "[grid]\nn = [1]\n[full.grid]\nm = [1]", "does not read"),
        (HEAD + f"[grid]\nn = [{'9' * 5000}]", "cannot be read"),
        (HEAD + f"[grid]\nn = [0x{'9' * 6000}]", "a whole number of 24000 bits"),
        (HEAD + f"[grid]\nn = [{2**64}]", "a whole number of 65 bits"),
        (HEAD + f"[grid]\nn = {'[' * 5000}{']' * 5000}", "nested too deeply"),
    ],
)
def test_wrong_files(tmp_path, text, words):
    with pytest.raises(ArgumentError, match=words) as caught:
        read(tmp_path, text)
    assert "a.toml" in str(caught.value)


def test_the_repositorys_own_specifications_can_be_read(pytestconfig):
    for path in sorted((pytestconfig.rootpath / "paper_figures").glob("*/spec.toml")):
        benchmark = tomllib.loads(path.read_text())["task"] in benchmarks.TASKS
        for full in (False, True):
            spec = (
                benchmarks.read_benchmark(path, full=full) if benchmark else read_experiment(path, STUDIES, full=full)
            )
            assert spec.name == path.parent.name
            assert spec.description


def test_numbers_that_are_the_same_in_other_words_are_other_cells(tmp_path):
    """Of the others none is refused: whole numbers where numbers may stand, truth values beside numbers."""
    experiment = read(tmp_path, HEAD + "[[grid]]\nn = [1]\neps = [1, 2.5]\n[[grid]]\nn = [1]\neps = [3]\n")
    assert len(experiment.cells) == 3
    assert Cells(({"a": [True, 1]},), {}).repeated() is None
    assert Cells(({"a": [1, 2]}, {"b": [1, 2]}), {}).repeated() is None


def test_cells_are_those_of_a_list():
    """Length, places and membership without making them, against the list of all."""
    grids = ({"n": [1, 2], "law": ["u", "v"]}, {"n": [3], "eps": [0.5, 1.0, 2.0]}, {})
    cells = Cells(grids, {"hidden": [4]})
    plain = list(cells)
    assert len(plain) == len(cells) == 8
    assert [cells[place] for place in range(-8, 8)] == plain + plain
    assert cells[2:-1] == plain[2:-1]
    with pytest.raises(IndexError):
        cells[8]
    assert all(cell in cells for cell in plain)
    for cell in ({**plain[0], "n": 3}, {**plain[0], "n": 1.0}, {**plain[0], "hidden": [5]}, {"n": 1}, 3):
        assert cell not in cells


def test_the_digest_is_that_of_one_json_document():
    experiment = Experiment(name="a", task="t", seed=3, replicates=2, grids=({"n": [1, 2], "law": ["é"]},))
    document = {"meaning": 1, "task": "t", "seed": 3, "replicates": 2, "columns": ["n", "law"]}
    document["cells"] = [{"n": 1, "law": "é"}, {"n": 2, "law": "é"}]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert experiment.digest == hashlib.sha256(text.encode()).hexdigest()


def test_huge_grids_are_counted_not_made(tmp_path):
    values = list(range(10_000))
    begin = time.monotonic()
    grid = f"[grid]\nn = {values}\na = {values}\nb = {values}\n"
    with pytest.raises(ArgumentError, match=r"items = 1000000000000, which is more .* takes, 10,000,000: take fewer"):
        read(tmp_path, HEAD + grid)
    with pytest.raises(ArgumentError, match="items = 10000001"):
        read(tmp_path, HEAD + "replicates = 10_000_001\n[grid]\nn = [1]\n")
    largest = read(tmp_path, HEAD + f"[grid]\nn = {values}\na = {values[:1000]}\n")
    assert largest.size == 10**7
    assert next(largest.items()) == ({"n": 0, "a": 0}, 0)
    assert time.monotonic() - begin < 5.0


def test_a_mark_in_front_of_the_file_is_skipped(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf" + (HEAD + "[grid]\nn = [1]\n").encode())
    assert read_experiment(tmp_path / "a.toml", REGISTRY).size == 1


@pytest.mark.parametrize(("key", "words"), [("trials", "every table has"), ("my_seconds", "measured times")])
def test_names_that_a_study_cannot_read(key, words):
    with pytest.raises(ArgumentError, match=words):
        Study("module:function", {"n": Key(int), key: Key(int)})


def test_every_study_declares_what_it_reads():
    """Whatever the source of a study takes from its cell by name is declared, and the other way round."""
    import inspect
    import re

    from slth.extensions import imported

    for name, study in STUDIES.items():
        module = inspect.getmodule(imported(study.target, argument="task", name=name))
        source = inspect.getsource(module)
        assert study.keys
        read_by_name = set(re.findall(r'\bcell\["(\w+)"\]', source))
        assert read_by_name <= set(study.keys), name
        for key in study.keys:
            assert re.search(rf"\b{key}\b", source), (name, key)
