"""construct, demo, ticket and bench, on problems that take a moment."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from slth.cli import main
from tests.cli.running import run

SMALL = ["--data", "synthetic", "--hidden", "6", "--epochs", "2", "--candidates", "9"]
DEMO_KEYS = {
    "target_accuracy",
    "ticket_accuracy",
    "certified_error",
    "sampled_error",
    "attack_error",
    "density",
    "ticket_bytes",
    "target_bytes",
    "report",
    "seed",
    "bits_per_target_weight",
    "counting_bits_per_weight",
    "information_bits_per_weight",
    "layers",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A ticket made once by the command line."""
    folder = tmp_path_factory.mktemp("made")
    assert main(["construct", "per-weight", *SMALL, "--seed", "3", "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_pictures(monkeypatch):
    """Pages with pictures are drawn for the ticket that is made once, and of attention; drawing takes the longest."""
    monkeypatch.setattr("slth.figures.report.render_report", lambda record: f"<!DOCTYPE html>{record.title}")


@pytest.mark.usefixtures("no_pictures")
def test_construct_writes_everything_and_says_so(capsys, tmp_path, made):
    ran = run(capsys, "construct", "per-weight", *SMALL, "--seed", 3, "--out", tmp_path / "a" / "b", "--json")
    assert ran.code == 0
    document = ran.json
    assert document.keys() >= DEMO_KEYS
    assert document["sampled_error"] <= document["attack_error"] <= document["certified_error"]
    assert {path.name for path in (tmp_path / "a/b").iterdir()} == {
        "net.ticket", "target.safetensors", "report.html", "construct-per-weight.json"
    }  # fmt: skip
    assert json.loads((tmp_path / "a/b/construct-per-weight.json").read_text()) == document
    for report in (Path(document["report"]), made / "report.html"):
        assert report.read_text().startswith("<!DOCTYPE html>")
    assert document["seed"] == 3
    assert (tmp_path / "a/b/net.ticket").read_bytes() == (made / "net.ticket").read_bytes()
    assert [row["largest_error"] > 0 for row in document["layers"]] == [True, True]


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_construct_to_an_error(capsys, tmp_path):
    options = [
        "--data",
        "synthetic",
        "--hidden",
        "",
        "--epochs",
        "1",
        "--eps",
        "0.2",
        "--out",
        tmp_path / "o",
        "--json",
    ]
    document = run(capsys, "construct", "per-weight", *options).json
    assert document["certified_error"] <= document["eps"] == 0.2
    assert len(document["layers"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--candidates", "3", "--eps", "1"], "--candidates=3"),
        (["--candidates", "200"], "--candidates=200 is more than the 48"),
        (["--hidden", "4,,4"], "--hidden='4,,4'"),
        (["--hidden", "4,"], "--hidden='4,'"),
        (["--eps", "-1"], "--eps=-1.0"),
        (["--eps", "1", "--delta", "2"], "--delta=2.0"),
        (["--gain", "large"], "--gain='large'"),
        (["--tokens", "4"], "--model='mlp' takes no --tokens"),
        (["--model", "nlp"], "--model='nlp' is not a known model: choose one of mlp"),
        (["--model", "nowhere.at:all"], "cannot be imported"),
        (["--weights", "w.safetensors"], "--weights='w.safetensors' is not a file"),
        (["--hidden", "6,six"], "--hidden='6,six'"),
        (["--hidden", "6,0"], "--hidden"),
        (["--epochs", "-1"], "--epochs=-1"),
        (["--limit", "0"], "--limit=0"),
        (["--data", "nmist"], "--data='nmist'"),
        (["--candidats", "3"], "Did you mean --candidates?"),
    ],
)
def test_wrong_constructions_write_nothing(capsys, tmp_path, arguments, words):
    data = [] if "--data" in arguments else ["--data", "synthetic"]
    ran = run(capsys, "construct", "per-weight", *data, *arguments, "--out", tmp_path / "o")
    assert ran.code == 2
    assert words in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", [["construct", "per-weight"], ["ticket", "eval", "net.ticket"]])
def test_a_data_set_that_is_not_here_is_bad_input(capsys, tmp_path, monkeypatch, made, verb):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(made)
    ran = run(capsys, *verb, "--data", "cifar10", "--data-dir", tmp_path)
    assert ran.code == 2
    assert "--data='cifar10' is not in" in ran.err
    assert "slth data fetch cifar10" in ran.err


@pytest.mark.parametrize("name", ["net.ticket", "target.safetensors", "report.html", "construct-per-weight.json"])
def test_a_folder_in_the_place_of_a_file_is_found_before_the_work(capsys, tmp_path, monkeypatch, name):
    monkeypatch.setattr("slth.jobs.pipeline.run_job", lambda *_, **__: pytest.fail("there was work"))
    (tmp_path / "o" / name).mkdir(parents=True)
    ran = run(capsys, "construct", "per-weight", *SMALL, "--out", tmp_path / "o")
    assert ran.code == 2
    assert f"has a folder where the file {name} is to be written" in ran.err
    assert [path.name for path in (tmp_path / "o").iterdir()] == [name]


def test_a_construction_that_takes_long_says_so(capsys, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("slth.constructions.PerWeight.construct", stop)
    verb = ["construct", "per-weight", "--epochs", 0]
    options = ["--out", tmp_path / "o", "--candidates", 46]
    assert "46 candidates for each weight will take about" in run(capsys, *verb, *options).err
    assert run(capsys, *verb, *options, "--quiet").err == "slth: interrupted\n"
    err = run(capsys, *verb, "--out", tmp_path / "o").err
    assert err.startswith("slth: what is finished is kept in ")
    assert "will take about" not in err


def test_info_and_verify(capsys, made):
    file = made / "net.ticket"
    info, verified = (run(capsys, "ticket", verb, file, "--json").json for verb in ("info", "verify"))
    assert info["file_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert info["sha256"] == verified["sha256"]
    assert info["bits_per_weight"] == pytest.approx(8 * file.stat().st_size / info["target_weights"])
    assert 0 < info["density"] < 1
    assert [layer["path"] for layer in info["layers"]] == ["1", "3"]
    assert verified["verified"] is True
    assert "regenerates" in run(capsys, "ticket", "verify", file).out
    assert "Pair 6 -> " in run(capsys, "ticket", "info", file).out


def test_eval_agrees_with_what_construct_reported(capsys, made):
    reported = json.loads((made / "construct-per-weight.json").read_text())
    options = ["--data", "synthetic", "--seed", "3", "--target", made / "target.safetensors", "--json"]
    evaluated = run(capsys, "ticket", "eval", made / "net.ticket", *options).json
    assert evaluated["accuracy"] == reported["ticket_accuracy"]
    assert evaluated["target_accuracy"] == reported["target_accuracy"]
    assert evaluated["sampled_error"] == reported["sampled_error"]
    limited = run(capsys, "ticket", "eval", made / "net.ticket", "--data", "synthetic", "--limit", 5, "--json")
    assert limited.json["examples"] == 5


def test_a_network_of_its_own_takes_no_model(capsys, made):
    ran = run(capsys, "ticket", "eval", made / "net.ticket", "--data", "synthetic", "--model", "mlp")
    assert ran.code == 2
    assert "the ticket is a network of its own: leave it out" in ran.err


def test_a_ticket_for_other_inputs_is_refused(capsys, made):
    ran = run(capsys, "ticket", "eval", made / "net.ticket", "--data", "digits")
    assert ran.code == 2
    assert "16" in ran.err


@pytest.mark.parametrize("verb", ["info", "verify", "eval"])
@pytest.mark.parametrize("harm", ["empty", "truncated", "bit", "foreign"])
def test_damaged_tickets_exit_1(capsys, tmp_path, made, verb, harm):
    content = bytearray((made / "net.ticket").read_bytes())
    path = tmp_path / "t.ticket"
    if harm == "bit":
        content[len(content) // 2] ^= 4
    damaged = {"empty": b"", "truncated": content[:-1], "bit": content, "foreign": b"PK\x03\x04" + bytes(1000)}
    path.write_bytes(damaged[harm])
    ran = run(capsys, "ticket", verb, path, "--json")
    assert ran.code == 1
    assert "t.ticket" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.json["kind"] == "TicketError"


@pytest.mark.parametrize("verb", ["info", "verify", "eval"])
def test_no_ticket_is_bad_input(capsys, tmp_path, made, verb):
    for path, rule in ((tmp_path, "is a folder"), (tmp_path / "t.ticket", "is not a file")):
        ran = run(capsys, "ticket", verb, path)
        assert ran.code == 2
        assert f"FILE='{path}' {rule}" in ran.err
    ran = run(capsys, "ticket", "eval", made / "net.ticket", "--target", "nowhere")
    assert ran.code == 2
    assert "--target='nowhere' is not a file" in ran.err


def test_an_error_that_cannot_be_reached_names_the_option(capsys, tmp_path):
    options = ["--data", "synthetic", "--hidden", "", "--epochs", "0", "--eps", "1e-30", "--out", tmp_path / "o"]
    ran = run(capsys, "construct", "per-weight", *options)
    assert ran.code == 2
    assert "--eps=1e-30 is beyond double precision" in ran.err
    assert "the smallest that could be reached is" in ran.err


def test_bench(capsys, tmp_path):
    (tmp_path / "grids").mkdir()
    (tmp_path / "grids/draw.toml").write_text(
        'description = "drawing"\ntask = "generate-weights"\nreplicates = 1\n'
        '[grid]\nlaw = ["uniform", "normal"]\ncount = [100]\n'
    )
    ran = run(capsys, "bench", "--dir", tmp_path / "grids", "--out", tmp_path / "out", "--seed", 4, "--json")
    assert ran.code == 0
    assert len(ran.json["table"]) == 4
    assert ran.json["table"][0]["ratio"] == 1.0
    assert ran.json["seeds"] == {"draw": 4}
    assert sorted(path.name for path in (tmp_path / "out/draw").iterdir()) == ["provenance.json", "table.csv"]
    table = (tmp_path / "out/draw/table.csv").read_bytes()
    for more, words in ((("--seed", 5), "--seed 4, not 5"), (("draw", "--seed", 4), "this is slth bench draw")):
        refused = run(capsys, "bench", *more, "--dir", tmp_path / "grids", "--out", tmp_path / "out")
        assert refused.code == 2
        assert words in refused.err
    (tmp_path / "out/bench.json").unlink()  # as where a call was stopped behind a table
    refused = run(capsys, "bench", "--dir", tmp_path / "grids", "--out", tmp_path / "out")
    assert "holds a table of seed 4, which seed 0 would write over" in refused.err
    assert (tmp_path / "out/draw/table.csv").read_bytes() == table
    assert run(capsys, "bench", "--dir", tmp_path / "grids", "--out", tmp_path / "out", "--seed", 4).code == 0
    shown = run(capsys, "bench", "draw", "--dir", tmp_path / "grids", "--limit", 1)
    assert "drawing" in shown.out
    assert "numpy" in shown.out


def test_bench_knows_before_it_runs_where_it_cannot_write_or_read(capsys, tmp_path, monkeypatch):
    with monkeypatch.context() as without:
        without.setattr("slth.cli.bench.repository_folder", lambda *_: None)
        ran = run(capsys, "bench")
    assert ran.code == 2
    assert "this installation came without grids" in ran.err
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/b.toml").write_text('task = "generate-weights"\n[grid]\nlaw = ["uniform"]\ncount = [9]\n')
    (tmp_path / "o/b/table.csv").mkdir(parents=True)
    ran = run(capsys, "bench", "--out", "o")
    assert ran.code == 2
    assert "--out='o/b' has a folder where the file table.csv is to be written" in ran.err
    assert run(capsys, "bench").code == 0


def test_a_failing_benchmark_exits_1(capsys, tmp_path):
    (tmp_path / "b.toml").write_text('task = "generate-weights"\n[grid]\nlaw = ["uniform"]\ncount = [-1]\n')
    ran = run(capsys, "bench", "--dir", tmp_path)
    assert ran.code == 1
    assert "failed" in ran.out


@pytest.mark.slow
def test_the_demo(capsys, tmp_path):
    ran = run(capsys, "demo", "--out", tmp_path / "demo", "--json")
    document = ran.json
    assert document.keys() >= DEMO_KEYS - {"information_bits_per_weight"}
    assert document["target_accuracy"] > 0.95
    assert abs(document["target_accuracy"] - document["ticket_accuracy"]) <= 1 / 360 + 1e-12
    assert document["sampled_error"] <= document["certified_error"] < document["norm_bound"]
    assert document["attack_error"] <= document["certified_error"]
    assert document["removal"] == "channels"
    assert document["small_difference"] < 1e-5
    assert document["ticket_bytes"] < 40_000
    assert np.isfinite(document["train_seconds"])
    assert "random channels stay" in (tmp_path / "demo/report.html").read_text()


@pytest.mark.usefixtures("no_pictures")
def test_the_example_configuration_is_accepted(capsys, tmp_path, pytestconfig):
    """Every table of it: a key that no verb knows would be refused."""
    example = pytestconfig.rootpath / "slth.toml.example"
    (tmp_path / "v.csv").write_text("1\n2")
    assert run(capsys, "solve", "v.csv", "--target", 1, "--config", example, "--json").json["tolerance"] == 0.001
    options = ["--data", "synthetic", "--hidden", "4", "--epochs", "0", "--out", tmp_path / "o"]
    document = run(capsys, "construct", "per-weight", *options, "--config", example, "--json").json
    assert {row["candidates"] for row in document["layers"]} == {21}
    assert run(capsys, "bench", "--dir", tmp_path, "--config", example).code == 2  # read, then no benchmark is found
    assert run(capsys, "demo", "--help", "--config", example).code == 0


def convolutional(capsys, tmp_path, *options):
    arguments = ["--data", "digits", "--epochs", "1", "--limit", "200", "--out", tmp_path / "o", "--json"]
    ran = run(capsys, "construct", *options, *arguments)
    assert ran.code == 0
    return ran.json


@pytest.mark.usefixtures("no_pictures")
def test_construct_structured_and_shrink(capsys, tmp_path):
    document = convolutional(capsys, tmp_path, "structured", "--channels", "300,300,100", "--gain", "unit")
    assert document.keys() >= DEMO_KEYS - {"information_bits_per_weight"}
    assert document["attack_error"] <= document["certified_error"]
    assert [row["dimensions"] for row in document["layers"]] == [72, 144, 10]
    assert (tmp_path / "o/report.html").is_file()
    ticket = tmp_path / "o/net.ticket"
    info = run(capsys, "ticket", "info", ticket, "--json").json
    assert [layer["path"] for layer in info["layers"]] == [row["path"] for row in document["layers"]]
    assert run(capsys, "ticket", "verify", ticket).code == 0
    facts = run(capsys, "ticket", "eval", ticket, "--data", "digits", "--limit", 50, "--json").json
    assert facts["examples"] == 50
    wrong = run(capsys, "ticket", "eval", ticket, "--data", "synthetic")
    assert wrong.code == 2
    assert "--data='synthetic' has inputs of shape [16], and the network takes [1, 8, 8]" in wrong.err
    shrunk = run(capsys, "ticket", "shrink", ticket, "--out", tmp_path / "s", "--fold", "--memory", "0.5", "--json")
    assert shrunk.code == 0
    assert sorted(path.name for path in (tmp_path / "s").glob("*.safetensors")) == [
        "folded.safetensors",
        "small.safetensors",
    ]


@pytest.mark.slow
def test_construct_attention(capsys, tmp_path):
    document = convolutional(
        capsys, tmp_path, "per-weight", "--model", "attention", "--candidates", "12", "--width", "8"
    )
    assert document["attack_error"] <= document["certified_error"] + document["float64_allowance"]
    report = (tmp_path / "o/report.html").read_text()
    assert "softmax: the same function in both networks" in report
    assert "What the softmax does to an error" in report
    assert 0.0 < document["attention"][0]["moved"] <= document["attention"][0]["lemma"]


@pytest.mark.usefixtures("no_pictures")
def test_construct_conv(capsys, tmp_path):
    document = convolutional(capsys, tmp_path, "per-weight", "--model", "small-cnn", "--candidates", "12")
    assert document["removal"] == "weights"
    assert document["attack_error"] <= document["certified_error"]
    assert {row["candidates"] for row in document["layers"]} == {12}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["structured", "--channels", "10,x"], "--channels='10,x'"),
        (["structured", "--channels", "0"], "--channels=0"),
        (["structured", "--channels", "5,5"], "each of the 3 layers"),
        (["structured", "--gain", "best"], "--gain='best'"),
        (["structured", "--model", "vgg"], "--model"),
        (["structured", "--data", "synthetic"], "no images"),
        (["structured", "--beam", "0"], "--beam=0"),
        (["per-weight", "--model", "small-cnn", "--candidates", "49"], "--candidates=49"),
        (["per-weight", "--model", "small-cnn", "--gain", "theorem"], "--gain='theorem'"),
        (["per-weight", "--model", "attention", "--width", "7"], "width"),
        (["shallow", "--model", "small-cnn"], "is a convolution and no linear layer"),
    ],
)
def test_wrong_convolutional_constructions_write_nothing(capsys, tmp_path, arguments, words):
    data = [] if "--data" in arguments else ["--data", "digits", "--epochs", "0"]
    data += ["--limit", "32"]
    ran = run(capsys, "construct", *arguments, *data, "--out", tmp_path / "o")
    assert ran.code == 2
    assert words in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("memory", ["nan", "inf", "-1", "0"])
def test_shrink_with_a_strange_memory(capsys, made, tmp_path, memory):
    ran = run(capsys, "ticket", "shrink", made / "net.ticket", "--out", tmp_path / "s", "--memory", memory)
    assert ran.code == 2
    assert "--memory=" in ran.err
    assert not (tmp_path / "s").exists()


def test_shrink_needs_a_folder(capsys, made):
    ran = run(capsys, "ticket", "shrink", made / "net.ticket")
    assert ran.code == 2
    assert "--out" in ran.err
