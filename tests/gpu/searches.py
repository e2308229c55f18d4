"""Searches on a bare machine with a GPU: what a step costs, many seeds at once, and published recipes; see ``--help``.

It needs torch with its Triton, numpy, scipy and safetensors, and CIFAR-10 (``cifar-10-batches-bin``) in a folder. From
the root of the repository:

    python3 -m tests.gpu.searches --data-dir DIR
    python3 -m tests.gpu.searches --toy              # on a processor, on random images, for a moment

What was measured so is in ``docs/gpu.md``. Exit codes: 0 done, 2 a wrong argument or no device, 3 time ended before.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from slth.data.datasets import load
from slth.networks import conv_n, resnet, resnet_cifar, total_density
from slth.rng import WeightLaw
from slth.searches import EdgePopup, GemMiner, SearchMethod, SignedSupermask
from slth.searches.method import Searched, Selected
from slth.searches.random_source import RandomSource, random_source
from slth.training import (
    CROP_AND_FLIP,
    SGD,
    Constant,
    Cosine,
    Examples,
    FixedMasks,
    MultiStep,
    Recipe,
    StepDecay,
    TrainingRun,
    split,
)

Moments = tuple[list[float], list[float]]
POPUP = {"batch_size": 128, "optimizer": SGD(weight_decay=1e-4), "augmentation": CROP_AND_FLIP}


class Bench:
    """Where, how long, and on what: with a line for each thing that was measured."""

    def __init__(self, device: str, out: Path, minutes: float, toy: bool) -> None:
        self.device, self.toy, self.begin = torch.device(device), toy, time.perf_counter()
        self.end = self.begin + 60.0 * minutes
        self.fast = {} if device == "cpu" else {"bfloat16": True, "cuda_graphs": True}
        self.path = out / "searches.jsonl"
        self.path.write_text("", encoding="utf-8")

    def say(self, name: str, **values: Any) -> None:
        """Write a line to the file and to the screen."""
        row = {"name": name, "at": round(time.perf_counter() - self.begin, 1), **values}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), file=sys.stderr, flush=True)

    def wait(self) -> None:
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def in_turns(self, runs: Mapping[str, Iterator[Any]]) -> bool:
        """Let runs go on in turns, on streams of their own, until all are over or time is; say whether they are."""
        left = dict(runs)
        cuda = self.device.type == "cuda"
        streams = {name: torch.cuda.Stream(self.device) for name in runs} if cuda else {}
        while left and time.perf_counter() < self.end:
            for name, run in list(left.items()):
                with torch.cuda.stream(streams.get(name)):  # of None on a processor, where it does nothing
                    if next(run, self) is self:
                        del left[name]
        self.wait()
        return not left


def searching(
    bench: Bench, module: nn.Module, method: Any, recipe: Recipe, data: Examples, seed: int = 0, scale: Any = "kaiming"
) -> tuple[TrainingRun, RandomSource]:
    """Return the run of a search, and its random network."""
    kind = method if isinstance(method, SearchMethod) else Selected(method)
    density = getattr(method, "density", None)
    source = random_source(module, law=WeightLaw("signed-constant"), seed=seed, scale=scale, density=density)
    run = TrainingRun(source.module, data, recipe, method=Searched(kind, source), seed=seed, device=str(bench.device))
    return run, source


def steps(bench: Bench, data: Examples, moments: Moments) -> None:
    """Time a step of edge-popup beside the dense step of the same loop, both captured."""
    models: dict[str, Callable[[], nn.Module]] = {"conv-6": lambda: conv_n(6), "resnet-18": _resnet18}
    cases = [("conv-6", 8, {})] if bench.toy else [
        (model, batch, flags) for model, batch in (("conv-6", 128), ("resnet-18", 128), ("resnet-18", 256))
        for flags in ({"cuda_graphs": True}, bench.fast)
    ]  # fmt: skip
    for model, batch, flags in cases:
        some = data.at(torch.arange(min(len(data), 32 * batch), device=bench.device))
        settings = {**POPUP, "batch_size": batch, "normalisation": moments, **flags}
        recipe = Recipe(epochs=10**6, schedule=Constant(0.01), **settings)
        dense = TrainingRun(models[model](), some, recipe, device=str(bench.device))
        popup, _ = searching(bench, models[model](), EdgePopup(0.5), recipe, some)
        times = [_milliseconds(bench, run) for run in (dense, popup)]
        bench.say("step", model=model, batch=batch, flags=sorted(flags), dense=times[0], edge_popup=times[1])


def _resnet18() -> nn.Module:
    return resnet(18, images="small", classes=10)


def _milliseconds(bench: Bench, run: TrainingRun) -> float:
    """Median over epochs of the time of a step."""
    records, found = iter(run), []
    for _ in range(2 if bench.toy else 6):
        begin = time.perf_counter()
        next(records)
        bench.wait()
        found.append(1e3 * (time.perf_counter() - begin) / run.step.per_epoch)
    return sorted(found[1:])[len(found[1:]) // 2]


def seeds(bench: Bench, data: Examples, moments: Moments) -> None:
    """Time steps of Conv-4 from one seed after another, and from sixteen that take turns."""
    batch, many, rounds = (16, 2, 2) if bench.toy else (128, 16, 60)
    some = data.at(torch.arange(min(len(data), 160 * batch), device=bench.device))
    plain = {name: value for name, value in bench.fast.items() if name == "bfloat16"}
    for name, count, flags in (("alone", 2, plain), ("alone, graphs", 4, bench.fast), ("together", many, bench.fast)):
        settings = {**POPUP, "batch_size": batch, "normalisation": moments, **flags}
        recipe = Recipe(epochs=3, schedule=Constant(0.05), **settings)
        runs = [searching(bench, conv_n(4), EdgePopup(0.5), recipe, some, seed)[0].steps() for seed in range(count)]
        for run in runs:
            for _ in range(3):  # until all is captured
                next(run)
        bench.wait()
        begin = time.perf_counter()
        some_steps = {str(number): _first(run, rounds) for number, run in enumerate(runs)}
        for each in [some_steps] if name == "together" else [{key: run} for key, run in some_steps.items()]:
            bench.in_turns(each)
        taken = 1e3 * (time.perf_counter() - begin) / (rounds * count)
        bench.say("a step of one seed of conv-4", how=name, seeds=count, milliseconds=taken)


def _first(run: Iterator[Any], count: int) -> Iterator[Any]:
    for _ in range(count):
        yield next(run)


def recipes(bench: Bench, data: Examples, test: Examples, moments: Moments) -> bool:
    """Run published recipes in turns; fine-tune what Gem-Miner found beside its sanity checks; say if all was done."""
    held, _ = split(data, 0.1)
    epochs = 1 if bench.toy else 100
    shared = {"normalisation": moments, **bench.fast}
    popup = Recipe(epochs=epochs, schedule=Cosine(0.1, per="epoch"), **POPUP, **shared)
    signed = Recipe(epochs, 128, StepDecay(0.005, every=1, factor=0.96), SGD(0.9, True, 0.006), **shared)
    period, length = (1, 2) if bench.toy else (5, 150)
    unregularised = {**POPUP, "optimizer": SGD(weight_decay=0.0)}
    miner = Recipe(epochs=length, schedule=Cosine(0.1, per="epoch"), **unregularised, **shared)
    mined = GemMiner(density=0.0372, period=period, decay=3e-5, unflag=True)
    begun = time.perf_counter()
    first, _ = searching(bench, conv_n(6), EdgePopup(0.5), popup, data)
    done = bench.in_turns({"conv-6": _told(bench, "edge-popup conv-6", first, test)})
    bench.say("conv-6", seconds=time.perf_counter() - begun)
    found = {
        "gem-miner resnet-20": searching(bench, resnet_cifar(20, affine=False), mined, miner, held),
        "edge-popup conv-2": searching(bench, conv_n(2), EdgePopup(0.5), popup, data),
        "edge-popup conv-4": searching(bench, conv_n(4), EdgePopup(0.5), popup, data),
        "signed conv-2": searching(bench, _elu(conv_n(2)), SignedSupermask(0.01), signed, data, scale="elu"),
        "signed conv-4": searching(bench, _elu(conv_n(4)), SignedSupermask(0.01), signed, data, scale="elu"),
    }
    done &= bench.in_turns({name: _told(bench, name, run, test) for name, (run, _) in found.items()})
    run, source = found["gem-miner resnet-20"]
    flags = {name: one.clone() for name, one in run.state.fixed.items()}
    bench.say("layer densities", **{name: float(one.float().mean()) for name, one in flags.items()})
    milestones = (1,) if bench.toy else (80, 120)
    tuning = Recipe(length, 128, MultiStep(0.01, milestones, 0.1), SGD(0.9, False, 1e-4), **shared)
    tuning = Recipe(**{**vars(tuning), "augmentation": CROP_AND_FLIP})
    branches = {name: _branch(source, flags, name) for name in ("ticket", "shuffled", "redrawn")}
    tuned = {
        name: TrainingRun(module, held, tuning, method=FixedMasks(masks), trained=list(masks), device=str(bench.device))
        for name, (module, masks) in branches.items()
    }
    done &= bench.in_turns({name: _told(bench, f"tuned {name}", one, test) for name, one in tuned.items()})
    for name, one in tuned.items():
        bench.say(f"fine-tuned {name}", epochs=one.step.epoch, test=one.evaluate(test).accuracy)
    return done


def _elu(module: nn.Sequential) -> nn.Sequential:
    return nn.Sequential(*(nn.ELU() if isinstance(part, nn.ReLU) else part for part in module))


def _told(bench: Bench, name: str, run: TrainingRun, test: Examples) -> Iterator[None]:
    """Go on step by step, and tell of each twenty-fifth epoch and of the last."""
    for record in run.steps():
        if record is None:
            yield
        elif record.epoch % 25 == 0 or record.epoch == run.recipe.epochs:
            density = total_density(run.masks()).density
            bench.say(name, epoch=record.epoch, loss=record.loss, test=run.evaluate(test).accuracy, density=density)


def _branch(source: RandomSource, flags: Mapping[str, Tensor], kind: str) -> tuple[nn.Module, dict[str, Tensor]]:
    """Return the random network under masks, which are shuffled, or whose weights are drawn again."""
    module, masks = copy.deepcopy(source.module), dict(flags)
    generator = torch.Generator(next(module.parameters()).device).manual_seed(5)
    if kind == "shuffled":
        for name, one in flags.items():
            order = torch.randperm(one.numel(), generator=generator, device=one.device)
            masks[name] = one.reshape(-1)[order].reshape(one.shape)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
    for name, mask in masks.items():
        weight = module.get_parameter(name)
        if kind == "redrawn":
            nn.init.kaiming_normal_(weight, generator=generator)
        with torch.no_grad():
            weight.mul_(mask)
        weight.requires_grad_(True)
    return module, masks


def _examples(bench: Bench, folder: Path | None) -> tuple[Examples, Examples, Moments]:
    """Return training and test images in [0, 1], and mean and deviation of their colours."""
    if folder is None:
        generator = torch.Generator().manual_seed(0)
        images = torch.rand((256, 3, 32, 32), generator=generator)
        train = test = Examples(images, torch.arange(256) % 10).to(bench.device)
    else:
        data = load("cifar10", data_dir=folder)
        train, test = (
            Examples(data.inputs(part).reshape(-1, 3, 32, 32), data.labels(part)).to(bench.device)
            for part in ("train", "test")
        )
    numbers = train.inputs.double()
    return train, test, (numbers.mean((0, 2, 3)).tolist(), numbers.std((0, 2, 3)).tolist())


def main(arguments: list[str] | None = None) -> int:
    """Run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.searches", description=__doc__.partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="on torch's CPU backend, at toy size")
    parser.add_argument("--device", default="cuda", help="a CUDA device (default: cuda)")
    parser.add_argument("--data-dir", type=Path, help="the folder with cifar-10-batches-bin")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--minutes", type=float, default=9.0, help="stop then, and say how far each is (default: 9)")
    given = parser.parse_args(arguments)
    if not given.toy and not torch.cuda.is_available():
        parser.error(f"torch {torch.__version__} finds no CUDA device: install its CUDA build, or pass --toy")
    if not given.toy and (given.data_dir is None or not (given.data_dir / "cifar-10-batches-bin").is_dir()):
        parser.error(f"--data-dir {given.data_dir} holds no cifar-10-batches-bin: name the folder of data sets")
    given.out.mkdir(parents=True, exist_ok=True)
    bench = Bench("cpu" if given.toy else given.device, given.out, given.minutes, given.toy)
    torch.backends.cudnn.benchmark = True
    data, test, moments = _examples(bench, None if given.toy else given.data_dir)
    steps(bench, data, moments)
    seeds(bench, data, moments)
    return 0 if recipes(bench, data, test, moments) else 3


if __name__ == "__main__":
    raise SystemExit(main())
