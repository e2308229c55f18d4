"""A folder keeps the results of one command: another is refused before it writes over them."""

import shlex
import signal
import sys

import pytest

from slth.cli import main
from slth.cli.checks import check_unclaimed
from slth.cli.claims import claims, hold
from slth.errors import ArgumentError
from slth.files import write_json
from tests.cli.running import run
from tests.processes import python

SMALL = ("--data", "synthetic", "--model", "mlp", "--hidden", "6", "--limit", "60", "--epochs", "1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "option", "value", "words"),
    [
        (("search", "edge-popup", "--checks", "0"), "--density", "0.3", "--density 0.5, not 0.3"),
        (("search", "snip", "--checks", "0"), "--seed", "1", "--seed 0, not 1"),
        (("construct", "per-weight", "--candidates", "8"), "--seed", "1", "--seed 0, not 1"),
        (("train", "imp", "--levels", "1"), "--rate", "0.4", "--rate 0.2, not 0.4"),
    ],
)
def test_another_call_is_refused_and_the_same_one_goes_on(capsys, tmp_path, verb, option, value, words):
    small = [one for one in SMALL if one not in ("--epochs", "1")] if "snip" in verb else SMALL
    arguments = (*verb, *small, "--out", tmp_path, "--quiet")
    made = run(capsys, *arguments, "--json")
    assert made.code == 0, made.err
    content = (tmp_path / "net.ticket").read_bytes()
    refused = run(capsys, *arguments, option, value)
    assert refused.code == 2
    assert words in refused.err
    assert made.json["command"] in refused.err
    assert "--out" in refused.err
    assert (tmp_path / "net.ticket").read_bytes() == content
    assert run(capsys, *arguments).code == 0


@pytest.mark.parametrize(
    ("call", "option", "value", "words"),
    [
        (("solve", "--law", "normal", "--n", "9", "--target=-0.5,1", "--d", "2"), "--tolerance", "0.5", "--tolerance"),
        (("solve", "--law", "normal", "--n", "9", "--count"), "--seed", "1", "--seed 0, not 1"),
        (("bound", "show", "lueker1998.growth"), "--seed", "1", "--seed 0, not 1"),
        (("bound", "cite", "lueker1998.growth"), "--seed", "1", "--seed 0, not 1"),
        (("bound", "eval", "lueker1998.growth", "--covered", "0.1"), "--seed", "1", "--seed 0, not 1"),
        (("bound", "compare", "--network", "5-4-3", "--eps", "0.1"), "--delta", "0.2", "--delta by default, not 0.2"),
        (("verify", "lueker1998.growth", "--trials", "20"), "--examples", "3", "--examples 40, not 3"),
        (("verify", "lueker1998.growth", "--case", '{"values": [0.25], "eps": 0.1}'), "--trials", "9", "--trials 200"),
    ],
)
def test_a_summary_is_made_again_by_its_command_and_by_no_other(capsys, tmp_path, call, option, value, words):
    made = run(capsys, *call, "--out", tmp_path, "--json")
    assert made.code == 0, made.err
    refused = run(capsys, *call, option, value, "--out", tmp_path)
    assert refused.code == 2
    assert words in refused.err
    again = run(capsys, *shlex.split(made.json["command"])[1:], "--out", tmp_path, "--json")
    assert again.json == made.json


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two tickets of one target, made by the command line."""
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    for seed, folder in enumerate(folders):
        call = ["construct", "per-weight", "--data", "synthetic", "--hidden", "5", "--epochs", "1", "--candidates", "9"]
        assert main([*call, "--seed", str(seed), "--out", str(folder), "--quiet"]) == 0
    return folders


@pytest.mark.parametrize("verb", ["info", "verify", "eval", "certify"])
def test_what_is_read_of_a_ticket_is_not_written_over_by_another(capsys, tmp_path, pair, verb):
    one, two = pair
    more = {
        "eval": ("--data", "synthetic", "--limit", 8),
        "certify": ("--target", one / "target.safetensors", "--data", "synthetic", "--radius", "0", "--limit", 1,
                    "--starts", 1, "--steps", 1, "--engine", "serial"),
    }.get(verb, ())  # fmt: skip
    made = run(capsys, "ticket", verb, one / "net.ticket", *more, "--out", tmp_path, "--json")
    assert made.code == 0, made.err
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    refused = run(capsys, "ticket", verb, two / "net.ticket", *more, "--out", tmp_path)
    assert refused.code == 2
    assert "which this command would write over" in refused.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == content
    again = run(capsys, *shlex.split(made.json["command"])[1:], "--out", tmp_path, "--json")
    assert again.code == 0, again.err
    assert again.json["command"] == made.json["command"]


def test_levels_may_grow(capsys, tmp_path):
    arguments = ("train", "imp", *SMALL, "--out", tmp_path, "--quiet", "--json")
    first = run(capsys, *arguments, "--levels", "1").json
    more = run(capsys, *arguments, "--levels", "2").json
    assert more["levels"][:2] == first["levels"]


@pytest.mark.parametrize(
    ("before", "command", "words"),
    [
        ("slth search snip --seed 0", "slth search edge-popup --seed 0", "this is slth search edge-popup"),
        ("slth demo --seed 0", "slth search snip --seed 0", "this is slth search snip"),
        ("slth search snip --bias --seed 0", "slth search snip --seed 0", "--bias on, not by default"),
        ("slth train imp --levels 2 --seed 0", "slth train imp --levels 3 --seed 0", None),
        ("slth ticket shrink a b --seed 0", "slth search snip --seed 0", None),
        ("slth search snip --seed 0", "slth ticket shrink a.ticket --seed 0", None),
        ("slth search snip --seed 0", "slth ticket certify a.ticket --seed 0", "this is slth ticket certify"),
        ("slth ticket certify a.ticket --seed 0", "slth search snip --seed 0", "this is slth search snip"),
        ("slth bound show a.b --seed 0", "slth bound show c.d --seed 0", "this is slth bound show c.d"),
        ("slth bound show a.b --seed 0", "slth bound cite c.d --seed 0", None),
        ("slth bound eval a.b --n=3 --seed 0", "slth bound eval a.b --n=4 --seed 0", "--n 3, not 4"),
        ("slth solve v.csv --target=0.4 --seed 0", "slth search snip --seed 0", None),
        ("slth search snip --seed 0", "slth solve v.csv --target=0.4 --seed 0", None),
        ("slth verify --seed 0", "slth solve v.csv --target=0.4 --seed 0", None),
        (
            "slth solve v.csv --target=0.4 --seed 0",
            "slth solve v.csv --target=-0.4 --seed 0",
            "--target 0.4, not -0.4",
        ),
        ("slth verify a.b --seed 0", "slth verify c.d --seed 0", "this is slth verify c.d"),
        (
            "slth ticket shrink b.ticket --seed 0",
            "slth ticket shrink a.ticket --seed 0",
            "this is slth ticket shrink a",
        ),
    ],
)
def test_what_is_another_command(tmp_path, before, command, words):
    typed = before.split()
    stem = "-".join(typed[1 : 2 if typed[1] in ("solve", "verify") else 3])
    write_json(tmp_path / f"{stem}.json", {"command": before})
    for name, content in (("list.json", "[1]"), ("broken.json", "{"), ("other.json", '{"command": 3}')):
        (tmp_path / name).write_text(content)
    if words is None:
        check_unclaimed(tmp_path, command, grows=("--levels",))
    else:
        with pytest.raises(ArgumentError, match=words):
            check_unclaimed(tmp_path, command, grows=("--levels",))


HOLDING = """
import sys, time
from pathlib import Path
from slth.cli.claims import claims, hold

with claims():
    hold(Path(sys.argv[1]), sys.argv[2], "slth search snip --seed 0")
    print("held", flush=True)
    sys.stdin.readline()
"""
locks = pytest.mark.skipif(sys.platform == "win32", reason="no such locks")


@locks
def test_a_folder_in_use_is_refused_until_the_other_command_has_ended(capsys, tmp_path):
    """Whatever that is, the same one too: it would lose its result."""
    out = tmp_path / "runs" / "one"
    arguments = ("search", "snip", "--checks", "0", *SMALL[:-2], "--out", out, "--quiet")
    with python("-c", HOLDING, str(out), ".slth.lock", stdin=-1) as other:
        assert other.stdout.readline() == "held\n"
        refused = run(capsys, *arguments)
        assert refused.code == 2
        assert f"is in use by `slth search snip --seed 0`, process {other.pid} on " in refused.err
        assert [path.name for path in out.iterdir()] == [".slth.lock"]
        other.communicate("\n", timeout=30)
    assert not (tmp_path / "runs").exists()  # made for the lock alone
    assert run(capsys, *arguments).code == 0
    assert ".slth.lock" not in {path.name for path in out.iterdir()}


@locks
def test_a_killed_command_leaves_no_lock(tmp_path):
    with python("-c", HOLDING, str(tmp_path), ".slth.lock", stdin=-1) as other:
        assert other.stdout.readline() == "held\n"
        with claims(), pytest.raises(ArgumentError, match="in use"):
            hold(tmp_path, ".slth.lock", "slth demo")
        with claims():
            hold(tmp_path, ".ticket-shrink.lock", "slth ticket shrink")  # whose files have other names
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=30)
    assert (tmp_path / ".slth.lock").exists()
    with claims():
        hold(tmp_path, ".slth.lock", "slth demo")
        assert (tmp_path / ".slth.lock").read_text().startswith("slth demo\n")
    assert list(tmp_path.iterdir()) == []


@locks
def test_a_file_system_without_locks_keeps_nobody_from_work(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    with claims():
        hold(tmp_path / "new", ".slth.lock", "slth demo")
        assert list((tmp_path / "new").iterdir()) == []
    assert list(tmp_path.iterdir()) == []


@locks
def test_the_first_of_several_processes_locks_for_all(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with claims():
        hold(tmp_path / "new", ".slth.lock", "slth demo")
    assert not (tmp_path / "new").exists()
