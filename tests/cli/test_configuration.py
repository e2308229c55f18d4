"""The layers below the command line: whatever nobody reads is said, and numbers are what they say they are."""

import pytest

from tests.cli.running import run


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SLTH_DATA_DIR", raising=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[solv]\ntarget = 1\n", "unknown table [solv]: did you mean [solve]?"),
        (
            "[construct.per-weigh]\ncandidates = 1\n",
            "unknown table [construct.per-weigh]: did you mean [construct.per-weight]?",
        ),
        ("[zzz]\nx = 1\n", "use [bench], [bound], "),
        ("tolerance = 1\n", "'tolerance' outside the table of a verb"),
        ("[construct]\ncandidates = 1\n", "use [construct.per-weight], [construct.structured]"),
        ("demo = 3\n", "write a table [demo]"),
        ("[solve]\ntolerence = 1\n", "Did you mean --tolerance?"),
        ("[solve]\nsize = 2.7\n", "--size='2.7' must be a whole number"),
        ("[solve]\nsize = [1, 2]\n", "[size]"),
    ],
)
@pytest.mark.parametrize("place", ["c.toml", "slth.toml", "config/slth/config.toml"])
def test_what_no_verb_reads_is_refused(capsys, tmp_path, text, words, place):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(text)
    named = ["--config", "c.toml"] if place == "c.toml" else []
    ran = run(capsys, "solve", "--law", "normal", "--n", 4, *named)
    assert ran.code == 2
    assert words in ran.err
    assert place.rpartition("/")[2] in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_table_of_pyproject_is_read_behind_the_own_file(capsys, tmp_path):
    """Other tools' tables, and a project without ours, say nothing."""
    lines = ["solve", "--law", "normal", "--n", 4, "--json"]
    project = tmp_path / "pyproject.toml"
    project.write_text("[project]\nname = 'x'\n[tool.ruff]\nline-length = 9\n")
    assert run(capsys, *lines).json["seed"] == 0
    project.write_text("[tool.slth.solve]\nseed = 5\n[tool.slth.construct.per-weight]\nepochs = 3\n")
    assert run(capsys, *lines).json["seed"] == 5
    (tmp_path / "slth.toml").write_text("[solve]\nseed = 6\n")
    assert run(capsys, *lines).json["seed"] == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.slth.solv]\ntarget = 1\n", "pyproject.toml, [tool.slth]' has the unknown table [solv]: did you mean"),
        ("[tool]\nslth = 1\n", "has tool.slth as a value: write tables such as [tool.slth.solve]"),
        ("[tool.slth\n", "cannot be read"),
    ],
)
def test_a_table_of_pyproject_that_nobody_reads_is_refused(capsys, tmp_path, text, words):
    (tmp_path / "pyproject.toml").write_text(text)
    ran = run(capsys, "solve", "--law", "normal", "--n", 4)
    assert ran.code == 2
    assert words in ran.err


def test_a_list_is_read_as_numbers_with_commas(capsys, tmp_path):
    (tmp_path / "slth.toml").write_text("[solve]\nlaw = 'normal'\nn = 5\nd = 2\ntarget = [0.5, -1]\n")
    assert run(capsys, "solve", "--json").json["target"] == [0.5, -1.0]
    assert run(capsys, "solve", "--target", "1,2", "--json").json["target"] == [1.0, 2.0]


def test_tables_of_other_verbs_are_left_to_them(capsys, tmp_path):
    (tmp_path / "slth.toml").write_text("[demo]\ncandidates = 9\n[construct.per-weight]\nepochs = 3\n[env]\n")
    ran = run(capsys, "solve", "--law", "normal", "--n", 4)
    assert (ran.code, ran.err) == (0, "")


def test_variables_that_nobody_reads_are_said(capsys, monkeypatch):
    read = {"SLTH_SOLVE_SEED": "2", "SLTH_DATA_DIR": "d", "SLTH_OFFLINE": "1", "SLTH_DEMO_CANDIDATES": "9"}
    for name, value in {**read, "SLTH_SOLVE_TARGTE": "3", "SLTH_SEED": "1", "SLTH_XYZZY": "1"}.items():
        monkeypatch.setenv(name, value)
    ran = run(capsys, "solve", "--law", "normal", "--n", 4, "--json")
    assert ran.code == 0
    assert ran.json["seed"] == 2
    said = "slth: warning: the environment variable "
    assert ran.err.splitlines() == [
        f"{said}SLTH_SEED is not read: did you mean SLTH_SOLVE_SEED?",
        f"{said}SLTH_SOLVE_TARGTE is not read: did you mean SLTH_SOLVE_TARGET?",
        f"{said}SLTH_XYZZY is not read",
    ]


@pytest.mark.parametrize("value", ["1.5", "2.0", "1e3", "x", "1,5", ".5", "True"])
@pytest.mark.parametrize(
    ("verb", "option"),
    [
        (["solve", "--law", "normal"], "--n"),
        (["solve", "--law", "normal", "--n", "4"], "--size"),
        (["solve", "--law", "normal", "--n", "4"], "--jobs"),
        (["env"], "--seed"),
        (["demo"], "--channels"),
        (["construct", "per-weight"], "--candidates"),
        (["construct", "per-weight"], "--batch-size"),
        (["bench"], "--limit"),
    ],
)
def test_whole_numbers_are_not_rounded(capsys, tmp_path, verb, option, value):
    ran = run(capsys, *verb, option, value)
    assert ran.code == 2
    assert ran.err == f"slth: {option}={value!r} must be a whole number: write it in digits, such as 1000\n"
    assert list(tmp_path.iterdir()) == []


def test_whole_numbers_in_other_spellings(capsys, monkeypatch):
    assert run(capsys, "env", "--seed", "0x10", "--json").json["seed"] == 16
    assert run(capsys, "env", "--seed", "1_000", "--json").json["seed"] == 1000
    assert run(capsys, "env", "--seed", "+007", "--json").json["seed"] == 7
    monkeypatch.setenv("SLTH_SOLVE_N", "2.5")
    assert "(in SLTH_SOLVE_N)" in run(capsys, "solve", "--law", "normal").err
