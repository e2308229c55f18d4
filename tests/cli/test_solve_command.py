import itertools
import json
import math
import signal

import numpy as np
import pytest

from slth.cli import main
from tests.cli.running import run
from tests.processes import python

VALUES = [0.31, -0.7, 0.52, 0.11]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Away from the repository's own slth.toml and data, with nothing of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def write(path, values):
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".npz":
        np.savez(path, values=values, other=np.zeros(2))
    else:
        path.write_text("# values\n" + (", ".join if path.suffix == ".csv" else "\n".join)(map(repr, values)))
    return path


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".txt"])
def test_every_kind_of_file(capsys, tmp_path, suffix):
    ran = run(capsys, "solve", write(tmp_path / f"v{suffix}", VALUES), "--target", "0.4", "--json")
    best = min(abs(math.fsum([*chosen, -0.4])) for k in range(5) for chosen in itertools.combinations(VALUES, k))
    assert ran.code == 0
    assert ran.err == ""
    document = ran.json
    assert {"status", "error", "lower_bound", "total", "subset", "solver", "n", "d", "seed"} <= document.keys()
    assert document["error"] == document["lower_bound"] == best
    assert document["status"] == "optimal"
    assert (document["n"], document["d"]) == (4, 1)
    assert math.fsum(v for v, chosen in zip(VALUES, document["subset"], strict=True) if chosen) == document["total"]


def test_a_law_is_drawn_from_the_seed(capsys):
    first, again, other = (
        run(capsys, "solve", "--law", "uniform", "--n", 12, "--seed", seed, "--json").json for seed in (3, 3, 4)
    )
    assert first == again
    assert first["values"] != other["values"]
    assert first["seed"] == 3
    longer = run(capsys, "solve", "--law", "uniform", "--n", 13, "--seed", 3, "--json").json
    assert longer["values"][:12] == first["values"]
    assert longer["target"] == first["target"]


def test_options_reach_the_solver(capsys, tmp_path):
    file = write(tmp_path / "v.npy", VALUES)
    assert run(capsys, "solve", file, "--target", 0.4, "--size", 1, "--json").json["size"] == 1
    assert run(capsys, "solve", file, "--target", 0.4, "--tolerance", 1, "--json").json["status"] == "within-tolerance"
    assert (
        run(capsys, "solve", file, "--target", 0.4, "--solver", "greedy", "--json").json["solver"].startswith("Greedy")
    )


@pytest.mark.parametrize("name", ["four-list", "FourList", "fourlist", "four_list", "FOUR-LIST"])
def test_solvers_go_by_the_names_of_their_classes_too(capsys, name):
    document = run(capsys, "solve", "--law", "uniform", "--n", 6, "--solver", name, "--json").json
    assert document["solver"].startswith("FourList(")


@pytest.mark.parametrize("law", ["integers:-20:1000", "zero-mixture:0.25:integers:-20:1000"])
def test_the_target_of_integers_is_one_of_them(capsys, law):
    targets = [
        run(capsys, "solve", "--law", law, "--n", n, "--seed", seed, "--json").json["target"]
        for seed in range(5)
        for n in (3, 8)
    ]
    assert all(target == int(target) and -20 <= target <= 1000 for target in targets)
    assert len(set(targets)) == 5  # it depends on the seed, not on n; five of 1021 coincide once in a hundred


def test_an_interrupted_search_delivers_what_it_has_and_says_so(tmp_path):
    options = ["--law", "normal", "--n", "64", "--solver", "four-list", "--verbose", "--json", "--out", str(tmp_path)]
    with python("-m", "slth", "solve", *options) as running:
        assert any("four lists" in line for line in running.stderr)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "slth: interrupted: the best subset seen" in err
    assert json.loads(out)["status"] == "interrupted"
    assert json.loads((tmp_path / "solve.json").read_text()) == json.loads(out)


def test_a_person_sees_a_summary(capsys, tmp_path):
    ran = run(capsys, "solve", write(tmp_path / "v.csv", VALUES), "--target", "0.4")
    assert "optimal" in ran.out
    assert "seed" in ran.out


def test_each_coordinate_has_a_tolerance_and_counts_are_of_the_same_box(capsys, tmp_path):
    file = write(tmp_path / "v.npy", [[3.0, 1.0], [5.0, 0.0], [7.0, 2.0]])
    found = run(capsys, "solve", file, "--target", "9,3", "--tolerance", "1,0", "--count", "--json").json
    assert (found["status"], found["total"], found["tolerance"]) == ("within-tolerance", [10.0, 3.0], [1.0, 0.0])
    assert found["count"] == 1


def test_out_receives_the_same_object(capsys, tmp_path):
    ran = run(capsys, "solve", "--law", "normal", "--n", 5, "--target", 1, "--json", "--out", tmp_path / "a" / "b")
    assert json.loads((tmp_path / "a/b/solve.json").read_text()) == ran.json
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["solve.json"]


WRONG = {
    "nothing to solve": (["--target", "1"], "FILE"),
    "two sources": (["v.csv", "--law", "uniform", "--n", "3", "--target", "1"], "FILE"),
    "no such file": (["nowhere.csv", "--target", "1"], "FILE='nowhere.csv' is not a file"),
    "unknown suffix": (["v.xlsx", "--target", "1"], "unknown suffix"),
    "no target": (["v.csv"], "--target"),
    "not a number": (["word.csv", "--target", "1"], "line 2"),
    "ragged": (["ragged.csv", "--target", "1"], "lines of 1 and of 2 cells"),
    "NaN": (["nan.csv", "--target", "1"], "FILE[1]=nan must be finite"),
    "infinite": (["inf.npy", "--target", "1"], "FILE[0]=inf must be finite"),
    "empty": (["empty.txt", "--target", "1"], "FILE"),
    "objects": (["objects.npy", "--target", "1"], "Python objects"),
    "damaged": (["damaged.npy", "--target", "1"], "is damaged"),
    "several arrays": (["several.npz", "--target", "1"], "a, b"),
    "complex": (["complex.npy", "--target", "1"], "real numbers"),
    "mistyped option": (["v.csv", "--targt", "1"], "Did you mean --target?"),
    "mistyped value": (["v.csv", "--target", "one"], "--target"),
    "target NaN": (["v.csv", "--target", "nan"], "--target=nan must be finite"),
    "negative tolerance": (["v.csv", "--target", "1", "--tolerance", "-1"], "--tolerance=-1.0"),
    "no tolerance": (["v.csv", "--target", "1", "--tolerance", "near"], "--tolerance"),
    "more tolerances": (["v.csv", "--target", "1", "--tolerance", "1,2"], "--tolerance=[1.0, 2.0]"),
    "size above n": (["v.csv", "--target", "1", "--size", "5"], "--size=5 must be an integer from 0 to 4"),
    "unknown solver": (["v.csv", "--target", "1", "--solver", "magic"], "two-list"),
    "unknown law": (["--law", "unifrom", "--n", "3", "--target", "1"], "--law='unifrom'"),
    "law without n": (["--law", "uniform", "--target", "1"], "--n"),
    "n = 0": (["--law", "uniform", "--n", "0", "--target", "1"], "--n=0"),
    "n with a file": (["v.csv", "--n", "3", "--target", "1"], "--n"),
    "no such device": (["v.csv", "--target", "1", "--device", "tpu"], "--device"),
    "no threads": (["v.csv", "--target", "1", "--jobs", "0"], "--jobs=0"),
    "negative seed": (["--law", "uniform", "--n", "3", "--seed", "-1"], "--seed"),
    "too large for the solver": (["--law", "uniform", "--n", "90", "--target", "1", "--solver", "two-list"], "n"),
    "more than memory": (["--law", "normal", "--n", "100000000000"], "draw fewer values"),
    "more than any memory": (["--law", "normal", "--n", "9" * 400], "draw fewer values"),
    "lattice for reals": (["--law", "uniform", "--n", "5", "--solver", "lattice"], "use --law integers:LOW:HIGH, or"),
    "lattice for a file": (["thirds.csv", "--target", "1", "--solver", "lattice"], "give integers, or leave --solver"),
    "law of a wrong probability": (["--law", "zero-mixture:2:normal", "--n", "3"], "has zero probability 2.0, which"),
    "law of a wrong bound": (["--law", "uniform:2:1", "--n", "3"], "--law='uniform:2:1' has high 1.0, which"),
    "law of no integers": (["--law", "integers:0:1e3", "--n", "3"], 'write "integers:1:1000"'),
    "law of large values": (["--law", "scipy:cauchy:0:1e308", "--n", "30"], "--law='scipy:cauchy:0:1e308' drew"),
    "no such configuration": (["v.csv", "--target", "1", "--config", "none.toml"], "--config"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_names_the_option_and_writes_nothing(capsys, tmp_path, case):
    files = (
        tmp_path / "v.csv",
        tmp_path / "nan.csv",
        tmp_path / "word.csv",
        tmp_path / "ragged.csv",
        tmp_path / "empty.txt",
        tmp_path / "thirds.csv",
    )
    for file, text in zip(
        files, ("1,2,3,4", "1,nan,2", "1\ntwo\n3", "1\n2,3", "# nothing", "0.1,0.3333,0.7"), strict=True
    ):
        file.write_text(text)
    (tmp_path / "v.xlsx").write_text("1")
    np.save(tmp_path / "inf.npy", [np.inf, 1.0])
    np.save(tmp_path / "complex.npy", np.array([1j]))
    np.save(tmp_path / "objects.npy", np.array([1, "two"], dtype=object), allow_pickle=True)
    (tmp_path / "damaged.npy").write_bytes(b"\x93NUMPY\x01\x00")
    np.savez(tmp_path / "several.npz", a=np.ones(2), b=np.ones(2))
    before = sorted(tmp_path.iterdir())
    arguments, words = WRONG[case]
    ran = run(capsys, "solve", *arguments, "--out", "results", "--json")
    assert ran.code == 2
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.json["exit_code"] == 2
    assert sorted(tmp_path.iterdir()) == before


def test_layers_of_configuration(capsys, tmp_path, monkeypatch):
    """Command line over environment over --config over slth.toml over the user's file."""
    (tmp_path / "v.csv").write_text("1,2,3,4")

    def tolerance(*more: object) -> float:
        return run(capsys, "solve", "v.csv", "--target", 5, "--json", *more).json["tolerance"]

    assert tolerance() == 0.0
    (tmp_path / "config/slth").mkdir(parents=True)
    (tmp_path / "config/slth/config.toml").write_text("[solve]\ntolerance = 0.125\nsize = 2\n")
    assert tolerance() == 0.125
    (tmp_path / "slth.toml").write_text("[solve]\ntolerance = 0.25\n[demo]\nx = 1\n")
    assert tolerance() == 0.25
    (tmp_path / "named.toml").write_text("[solve]\ntolerance = 0.5\n")
    assert tolerance("--config", "named.toml") == 0.5
    monkeypatch.setenv("SLTH_SOLVE_TOLERANCE", "1.5")
    assert tolerance("--config", "named.toml") == 1.5
    assert tolerance("--config", "named.toml", "--tolerance", "2.5") == 2.5
    assert run(capsys, "solve", "v.csv", "--target", 5, "--json").json["size"] == 2  # a lower layer still counts


@pytest.mark.parametrize(
    "text", ["[solve]\ntolerence = 1\n", "[solve]\ntolerance = 'much'\n", "[solve\n", "solve = 3\n"]
)
def test_a_wrong_configuration_is_refused(capsys, tmp_path, text):
    (tmp_path / "v.csv").write_text("1,2")
    (tmp_path / "c.toml").write_text(text)
    ran = run(capsys, "solve", "v.csv", "--target", 1, "--config", "c.toml")
    assert ran.code == 2
    assert "c.toml" in ran.err


def test_vectors(tmp_path, capsys):
    path = tmp_path / "v.csv"
    path.write_text("1,2\n0.5,-1\n3,3\n")
    assert main(["solve", str(path), "--target", "1.5,1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["d"], found["error"], found["subset"]) == (2, 0.0, [True, True, False])
    assert found["total"] == [1.5, 1.0]
    assert main(["solve", "--law", "normal", "--n", "14", "--d", "3", "--norm", "l2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    left = np.array(found["values"])[np.array(found["subset"])].sum(axis=0) - found["target"]
    assert abs(np.linalg.norm(left) - found["error"]) < 1e-12
    assert found["status"] == "optimal"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "1.5"], "must have 2 numbers"),
        (["--target", "1,x"], "--target='1,x' must be a number"),
        (["--target", "1,2", "--d", "2"], "--d=2 goes with --law only"),
        (["--target", "1,2", "--solver", "two-list"], "not vectors"),
        (["--target", "1,2", "--norm", "l3"], "norm"),
    ],
)
def test_bad_vectors(tmp_path, capsys, options, message):
    path = tmp_path / "v.csv"
    path.write_text("1,2\n0.5,-1\n")
    assert main(["solve", str(path), *options]) == 2
    assert message in capsys.readouterr().err


def test_subsets_within_the_tolerance_are_counted_and_listed(capsys):
    asked = ("solve", "--law", "integers:1:20", "--n", "12", "--target", "40", "--tolerance", "1")
    document = run(capsys, *asked, "--count", "--all", "--limit", "7", "--json").json
    values = document["values"]
    near = [
        (abs(sum(chosen) - 40), len(chosen))
        for k in range(13)
        for chosen in itertools.combinations(values, k)
        if abs(sum(chosen) - 40) <= 1
    ]
    assert document["count"] == len(near)
    assert document["counts_by_size"] == [sum(size == k for _, size in near) for k in range(13)]
    assert [each["error"] for each in document["solutions"]] == [float(error) for error, _ in sorted(near)[:7]]
    assert all(sum(values[i] for i in each["chosen"]) == each["total"] for each in document["solutions"])
    sized = run(capsys, *asked, "--size", "4", "--count", "--json").json
    assert sized["count"] == document["counts_by_size"][4]
    assert "counts_by_size" not in sized
    ran = run(capsys, *asked, "--count", "--all", "--limit", "2")
    assert str(len(near)) in ran.out
    refused = run(capsys, "solve", "--law", "normal", "--n", "9", "--d", "2", "--norm", "l2", "--count")
    assert refused.code == 2
    assert "norm='l2'" in refused.err
