"""Two processes search and train what one does: equal up to rounding, the same bits in both, one set of files."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError, EngineError
from slth.rng import WeightLaw
from slth.searches import GemMiner, search
from slth.trainable import IMP
from slth.trainable import train as levels_of
from slth.training import Constant, Examples, Recipe, split, train
from slth.training.fit import check_last_batch
from slth.training.ranks import Ranks, together
from tests.training.test_loop import blobs

WORKER = """
import sys
from pathlib import Path
import torch
import torch.distributed as distributed
from tests.training.test_ranks import found, pruned, trained

rank, folder = int(sys.argv[1]), Path(sys.argv[2])
distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
result = found(folder / "search")
again = found(folder / "search")
assert all(torch.equal(again.scores[name], one) for name, one in result.scores.items())
tensors = {**result.scores, **{f"trained.{name}": one for name, one in trained().state_dict().items()}}
levels = pruned(folder / "levels").levels
for level, once_more in zip(levels, pruned(folder / "levels").levels, strict=True):
    assert all(torch.equal(once_more.state[name], one) for name, one in level.state.items())
    tensors |= {f"{level.number}.state.{name}": one for name, one in level.state.items()}
    tensors |= {f"{level.number}.mask.{name}": one for name, one in level.masks.items()}
torch.save({**tensors, "losses": torch.tensor([one.loss for one in result.trace])},
           folder / f"out.{rank}")
distributed.destroy_process_group()
"""
RECIPE = Recipe(3, 33, Constant(0.2))  # the last batch of 160 has 28, and an odd batch is shared unevenly


def found(folder=None):
    module = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))
    kept, held = split(blobs(), 0.2)
    return search(module, kept, GemMiner(0.5, period=1), recipe=RECIPE, validation=held, folder=folder)


def trained():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).double()
    train(module, Examples(blobs().inputs.double(), blobs().targets), Recipe(2, 40, Constant(0.1)))
    return module


def pruned(folder=None):
    """Two levels behind the dense one, in float64: both orders of sums remove the same weights."""
    module = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3)).double()
    data, held = split(Examples(blobs().inputs.double(), blobs().targets), 0.2)
    method, law = IMP(rate=0.3, levels=2), WeightLaw("normal")
    return levels_of(module, data, method, recipe=RECIPE, validation=held, law=law, folder=folder)


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path):
    code = [sys.executable, "-c", WORKER]
    running = [subprocess.Popen([*code, str(rank), str(tmp_path)], stderr=subprocess.PIPE) for rank in (0, 1)]
    for process in running:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said.decode()
    outs = [torch.load(tmp_path / f"out.{rank}", weights_only=True) for rank in (0, 1)]
    assert all(torch.equal(outs[0][name], outs[1][name]) for name in outs[0])
    alone = found()
    for name, scores in alone.scores.items():
        torch.testing.assert_close(outs[0][name], scores, rtol=1e-4, atol=1e-5)
    losses = torch.tensor([one.loss for one in alone.trace])
    torch.testing.assert_close(outs[0]["losses"], losses, rtol=1e-4, atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "search").iterdir()) == ["last.checkpoint", "trace.json"]
    for level in pruned().levels:
        for name, mask in level.masks.items():
            assert torch.equal(outs[0][f"{level.number}.mask.{name}"], mask)
            torch.testing.assert_close(outs[0][f"{level.number}.state.{name}"], level.state[name], rtol=1e-9, atol=1e-9)
    names = [f"level-{number:02d}-ticket.safetensors" for number in range(3)]
    assert sorted(path.name for path in (tmp_path / "levels").iterdir()) == names


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("batch", [1, 2, 7, 10])
def test_shares_are_the_batch(count, batch):
    places = torch.arange(batch)
    shares = [Ranks(rank, count).share(places) for rank in range(count)]
    assert all(len(one) > 0 for one in shares)
    own = [len(range(rank, batch, count)) for rank in range(count)]
    kept = torch.cat([one[:number] for one, number in zip(shares, own, strict=True)])
    assert kept.sort().values.tolist() == places.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("verb", [("train", "imp", "--levels", "2"), ("search", "edge-popup", "--checks", "1")])
def test_torchrun_starts_what_one_process_does(tmp_path, verb):
    quick = ["--data", "digits", "--model", "mlp", "--hidden", "16", "--epochs", "2", "--batch-size", "32"]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    said = []
    for place, started in (("alone", []), ("together", torchrun)):
        out = ["--limit", "300", "--json", "--out", str(tmp_path / place)]
        code = [sys.executable, *started, "-m", "slth", *verb, *quick, *out]
        ran = subprocess.run(code, capture_output=True, timeout=600, check=False)
        assert ran.returncode == 0, ran.stderr.decode()
        said.append(json.loads(ran.stdout))
    alone, both = said
    for name in ("accuracy", "density", "law", "method", "recipe"):
        assert both[name] == alone[name]
    if "levels" in alone:
        assert [row["kept"] for row in both["levels"]] == [row["kept"] for row in alone["levels"]]
        assert [row["accuracy"] for row in both["levels"]] == [row["accuracy"] for row in alone["levels"]]
    names = [sorted(str(one.relative_to(tmp_path / place)) for one in (tmp_path / place).rglob("*"))
             for place in ("alone", "together")]  # fmt: skip
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("examples", "batch_size", "processes", "said"),
    [
        (43, 20, 1, None),
        (41, 20, 1, "a last batch of one of 41"),
        (43, 20, 2, "a last batch of 3 for 2 processes of 43"),
        (44, 20, 2, None),
        (45, 20, 3, "a last batch of 5 for 3 processes"),
        (44, 2, 2, "batches of 2 for 2 processes"),
        (44, 1, 1, "batches of one of 44"),
    ],
)
def test_no_process_normalises_one_example(examples, batch_size, processes, said):
    module = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8))
    if said is None:
        check_last_batch(module, examples, Recipe(1, batch_size), processes)
    else:
        with pytest.raises(ArgumentError, match=said):
            check_last_batch(module, examples, Recipe(1, batch_size), processes)
    whole = Recipe(1, batch_size, drop_last=True)
    if batch_size >= 2 * processes:
        check_last_batch(module, examples, whole, processes)
    check_last_batch(module[0], examples, Recipe(1, batch_size), processes)


def test_processes_that_do_not_meet_are_an_error(monkeypatch):
    told = {"RANK": "0", "WORLD_SIZE": "two", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EngineError, match="do not meet"), together(os.environ, "cpu"):
        pass
    with together({**told, "WORLD_SIZE": "1"}, "cpu") as first:
        assert first


def test_one_process_changes_nothing():
    loss, gradient = torch.tensor(2.0), torch.ones(3)
    assert Ranks.here() == Ranks(0, 1)
    assert Ranks().joined(loss, [gradient], 4) is loss
    Ranks().average([gradient])
    assert gradient.tolist() == [1.0] * 3
