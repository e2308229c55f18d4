import json
import signal
import subprocess
import sys
import warnings

import pytest

import slth
from slth.cli import main
from slth.cli.app import COMMANDS, GROUPS, build_app
from slth.errors import TicketError
from tests.cli.running import run
from tests.processes import python

VERBS = [[name] for name in COMMANDS] + [[name, sub] for name, (_, subs) in GROUPS.items() for sub in subs]


def process(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "slth", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def test_a_value_behind_a_flag_is_told_how_flags_are_written(capsys):
    ran = run(capsys, "search", "edge-popup", "--cuda-graphs", "False")
    assert (ran.code, "--cuda-graphs takes no value: write --cuda-graphs, or leave it out" in ran.err) == (2, True)


def test_a_near_name_and_ones_own_are_two_sentences(capsys):
    ran = run(capsys, "run", "--tasks", "subset-sum")
    assert "did you mean 'subset-sums'? Or name your own as package.module:attribute" in ran.err


def test_help_and_version(capsys):
    for arguments in (["--help"], [], ["solve", "--help"], ["construct", "per-weight", "--help"], ["data"], ["-h"]):
        ran = run(capsys, *arguments)
        assert ran.code == 0
        assert "slth" in ran.out
    assert run(capsys, "--version").out == slth.__version__ + "\n"
    for arguments in (["--version", "--json"], ["solve", "--json", "--version"]):
        assert run(capsys, *arguments).document == {"name": "slth", "version": slth.__version__}


def test_every_verb_has_help_with_its_options(capsys):
    for verb in VERBS:
        text = run(capsys, *verb, "--help").out
        for option in ("--json", "--seed", "--out", "--config"):
            assert option in text, verb


def test_every_argument_of_every_verb_says_what_it_is():
    app = build_app()
    for verb in VERBS:
        asked = app.parse_commands(verb)[1][-1]
        taken = asked.assemble_argument_collection(parse_docstring=True)
        assert [one.name for one in taken if one.show and not one.parameter.help] == [], verb


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("bound compare --network 3-3", "--eps is missing: Error of the output"),
        ("bound compare --network 3-3 --eps", "--eps has no value behind it: Error of the output"),
        ("bound show", "KEY is missing: As `slth bound ls` lists it"),
        ("solve --target", "--target has no value behind it: "),
    ],
)
def test_what_is_missing_is_told_with_what_it_is(capsys, arguments, words):
    ran = run(capsys, *arguments.split())
    assert ran.code == 2
    assert words in ran.err
    assert "None" not in ran.err
    assert ran.err.rstrip().endswith("--help")


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (
            ["run"],
            (
                "interrupted at any moment",
                "Exit code 1 where items failed or results are damaged",
                "Writes results.sqlite",
            ),
        ),
        (["results", "show"], ("Exit code 2", "also while it goes on")),
        (["results", "export"], ("Writes NAME.FORMAT",)),
        (["figure"], ("Exit code 1", "[OPTIONS] [NAMES...]", "Writes an index page")),
        (["verify"], ("Exit code 1 where a claim is violated", "[OPTIONS] [KEYS...]")),
    ],
)
def test_the_help_of_a_verb_is_its_whole_docstring(capsys, verb, words):
    text = " ".join(run(capsys, *verb, "--help").out.split())
    for part in words:
        assert part in text
    assert "Parameters ----" not in text
    assert "[ARGS...]" not in text


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["solv"], 'Did you mean "solve"?'),
        (["ticket", "inof"], 'Did you mean "info"?'),
        (["env", "--jsn"], "Did you mean --json?"),
        (["env", "surplus"], "surplus"),
        (["ticket", "info"], "FILE is missing: The ticket file."),
    ],
)
def test_typos_get_a_hint(capsys, arguments, hint):
    ran = run(capsys, *arguments)
    assert ran.code == 2
    assert hint in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (TicketError("broken\nticket"), 1, "slth: broken ticket"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4294967296"),
            1,
            "out of memory",
        ),
        (RuntimeError("Storage size calculation overflowed with sizes=[1, 1, 1073741824]"), 1, "out of memory"),
        (PermissionError(13, "Permission denied", "somewhere"), 1, "somewhere: Permission denied"),
        (
            ZeroDivisionError("division\nby zero"),
            1,
            "internal error: ZeroDivisionError: division by zero; run with --debug",
        ),
    ],
)
def test_problems_become_one_line_and_a_code(capsys, monkeypatch, problem, code, words):
    def fail() -> dict[str, object]:
        raise problem

    monkeypatch.setattr("slth.grids.environment.describe_environment", fail)
    ran = run(capsys, "env", "--json")
    assert ran.code == code
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.json["exit_code"] == code


def test_debug_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setattr("slth.grids.environment.describe_environment", lambda: 1 / 0)
    assert main(["env", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_warnings_are_one_line(capsys, monkeypatch):
    def warn() -> dict[str, object]:
        warnings.warn("mind\nthe gap", UserWarning, stacklevel=1)
        return {"a": 1.0}

    monkeypatch.setattr("slth.grids.environment.describe_environment", warn)
    ran = run(capsys, "env", "--json")
    assert ran.err == "slth: warning: mind the gap\n"
    assert ran.document == {"verb": "env", "seed": 0, "a": 1.0}


def test_json_has_no_nan(capsys, monkeypatch):
    monkeypatch.setattr("slth.grids.environment.describe_environment", lambda: {"a": float("nan"), "b": -float("inf")})
    assert run(capsys, "env", "--json").document == {"verb": "env", "seed": 0, "a": "nan", "b": "-inf"}


def test_env(capsys):
    document = run(capsys, "env", "--json").json
    assert document["slth"] == slth.__version__
    assert document["cores"] >= 1
    assert "numpy" in document["packages"]
    assert "numpy" in run(capsys, "env").out


SIGNALS = pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])


@SIGNALS
def test_signals(number, code):
    code_of_a_long_command = """
import sys, time
import slth.grids.environment as environment
from slth.cli import main

def wait():
    print("waiting", file=sys.stderr, flush=True)
    time.sleep(60)

environment.describe_environment = wait
sys.exit(main(["env"]))
"""
    with python("-c", code_of_a_long_command) as running:
        assert running.stderr.readline() == "waiting\n"
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert running.returncode == code
    assert out == ""
    assert len(err.splitlines()) == 1


@pytest.mark.slow
@SIGNALS
def test_signals_while_training(number, code, tmp_path):
    """A long training, stopped: the exit code says how, nothing is on stdout, and what is kept is to go on from."""
    options = ["--data", "synthetic", "--epochs", "1000000", "--verbose", "--out", str(tmp_path / "out")]
    with python("-m", "slth", "construct", "per-weight", *options) as running:
        assert "training" in running.stderr.readline()
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == code, err
    assert out == ""
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.glob("out/*")} <= {"unfinished"}


@pytest.mark.parametrize(
    ("place", "rule"), [("afile", "is not a folder"), ("afile/b/c", "lies in afile, which is not")]
)
@pytest.mark.parametrize("verb", [["env"], ["demo"], ["solve", "--law", "normal", "--n", "3"], ["data", "ls"]])
def test_an_output_folder_that_cannot_be_one(capsys, tmp_path, monkeypatch, verb, place, rule):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "afile").touch()
    ran = run(capsys, *verb, "--out", place)
    assert ran.code == 2
    assert f"--out='{place}' {rule}" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert (tmp_path / "afile").read_bytes() == b""


def test_an_output_folder_that_cannot_be_written(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "which cannot be written" in run(capsys, "env", "--out", tmp_path / "o").err
    assert "cannot be written" in run(capsys, "env", "--out", tmp_path).err


def test_a_folder_in_the_place_of_a_result(capsys, tmp_path):
    (tmp_path / "data-ls.json").mkdir()
    ran = run(capsys, "data", "ls", "--out", tmp_path)
    assert ran.code == 2
    assert "has a folder where the file data-ls.json is to be written" in ran.err
    assert run(capsys, "env", "--out", tmp_path).code == 0


def test_as_a_process():
    done = subprocess.run(
        [sys.executable, "-m", "slth", "data", "ls", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["data"][0]["name"] == "digits"
    assert done.stderr == ""
