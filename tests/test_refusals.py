"""Nothing but SlthError leaves a public function for what a caller gives it, and it has the argument's name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth import networks, training
from slth.errors import SlthError
from tests.bad_values import ARRAYS, COUNTS, HUGE, MODULES, NOTHINGS, NUMBERS_IN_MODULES, PAIRS, SHAPES, WORDS


@cache
def target() -> slth.Graph:
    return slth.Graph((4,), [slth.Node("a", slth.Conv(np.arange(12.0).reshape(3, 4) / 12), ("input",))])


@cache
def ticket() -> slth.Ticket:
    return slth.construct(target(), method=slth.PerWeight(candidates=6)).ticket


def layer() -> nn.Module:
    return nn.Linear(4, 3)


def lstm_ticket() -> slth.Ticket:
    layout = networks.layout_of(nn.Linear(4, 3, bias=False))
    return slth.Ticket(layout, slth.WeightLaw("normal"), 0, slth.Mask({"weight": np.ones((3, 4), bool)}), [1.0])


def data(count: int = 4) -> training.Examples:
    return training.Examples(np.zeros((count, 4)), [0, 1, 2, 0][:count])


BOTH = {**MODULES, **NUMBERS_IN_MODULES}
METHOD = slth.PerWeight(candidates=6)
NO_TICKETS = {**NOTHINGS, "number": lambda: 1.0, "module": layer, "graph": target}
NO_PARTNERS = {
    **NOTHINGS,
    "number": lambda: 1.0,
    "another graph": lambda: slth.Graph((3,), [slth.Node("a", slth.Conv(np.ones((2, 3))), ("input",))]),
    "another ticket": lambda: slth.construct(NO_PARTNERS["another graph"](), method=METHOD).ticket,
}
BOXES = {name: make for name, make in PAIRS.items() if name not in ("Nones", "generator")} | {
    "turned": lambda: (1.0, 0.0),
    "infinite": lambda: (0.0, np.inf),
}
ANY_NUMBERS = ("number", "NaN", "infinity", "no axis", "too many axes", "other size", "empty")
POINT = np.full((1, 4), 0.5)
NOT_TENSORS = {name: make for name, make in ARRAYS.items() if name not in ANY_NUMBERS}
BOUNDED = {name: make for name, make in COUNTS.items() if name != "huge"}
"""Where a large number is a long run and no mistake."""
RUNS = {**COUNTS, "of 400 digits": lambda: HUGE}
CASES: dict[str, dict[str, tuple[Callable[[Any], Any], dict[str, Any]]]] = {
    "describe": {
        "module": (lambda v: slth.describe(v, input_shape=(4,)), BOTH),
        "input_shape": (lambda v: slth.describe(layer(), input_shape=v), SHAPES),
        "normalisation": (lambda v: slth.describe(layer(), normalisation=v), PAIRS),
    },
    "construct": {
        "target": (lambda v: slth.construct(v, method=METHOD, input_shape=(4,)), BOTH),
        "method": (lambda v: slth.construct(target(), method=v), {**NOTHINGS, "class": lambda: slth.PerWeight}),
        "input_shape": (lambda v: slth.construct(target(), method=METHOD, input_shape=v), SHAPES),
        "input_box": (lambda v: slth.construct(target(), method=METHOD, input_box=v), BOXES),
        "normalisation": (lambda v: slth.construct(layer(), method=METHOD, normalisation=v), PAIRS),
        "seed": (lambda v: slth.construct(target(), method=METHOD, seed=v), COUNTS),
        "law": (lambda v: slth.construct(target(), method=METHOD, law=v), {**NOTHINGS, "None": lambda: 1.0}),
    },
    "certify": {
        "target": (lambda v: slth.certify(v, ticket()), BOTH),
        "ticket": (lambda v: slth.certify(target(), v), NO_PARTNERS),
        "input_box": (lambda v: slth.certify(target(), ticket(), input_box=v), BOXES),
        "inputs": (lambda v: slth.certify(target(), ticket(), inputs=v, radius=0.0),
                   {name: make for name, make in ARRAYS.items() if name != "None"}),
        "radius": (lambda v: slth.certify(target(), ticket(), inputs=np.zeros((1, 4)), radius=v),
                   {name: make for name, make in COUNTS.items() if name not in ("fraction", "huge", "truth value")}),
        "effort": (lambda v: slth.certify(target(), ticket(), inputs=np.zeros((1, 4)), radius=0.1, effort=v), BOUNDED),
        "device": (lambda v: slth.certify(target(), ticket(), inputs=np.zeros((1, 4)), radius=0.1, device=v), WORDS),
    },
    "attack": {
        "target": (lambda v: slth.attack(v, ticket()), BOTH),
        "ticket": (lambda v: slth.attack(target(), v), NO_PARTNERS),
        "input_box": (lambda v: slth.attack(target(), ticket(), input_box=v), BOXES),
        "starts": (lambda v: slth.attack(target(), ticket(), starts=v), RUNS),
        "steps": (lambda v: slth.attack(target(), ticket(), steps=v), RUNS),
        "seed": (lambda v: slth.attack(target(), ticket(), seed=v), COUNTS),
        "points": (lambda v: slth.attack(target(), ticket(), points=v),
                   {name: make for name, make in ARRAYS.items() if name != "None"}),
    },
    "attack_around": {
        "target": (lambda v: slth.attack_around(v, ticket(), POINT, radius=0.1), BOTH),
        "ticket": (lambda v: slth.attack_around(target(), v, POINT, radius=0.1), NO_PARTNERS),
        "inputs": (lambda v: slth.attack_around(target(), ticket(), v, radius=0.1), ARRAYS),
        "radius": (lambda v: slth.attack_around(target(), ticket(), POINT, radius=v),
                   {name: make for name, make in COUNTS.items() if name not in ("fraction", "huge", "truth value")}),
        "input_box": (lambda v: slth.attack_around(target(), ticket(), POINT, radius=0.1, input_box=v), BOXES),
        "starts": (lambda v: slth.attack_around(target(), ticket(), POINT, radius=0.1, starts=v), RUNS),
        "steps": (lambda v: slth.attack_around(target(), ticket(), POINT, radius=0.1, steps=v), RUNS),
        "seed": (lambda v: slth.attack_around(target(), ticket(), POINT, radius=0.1, seed=v), COUNTS),
    },
    "apply_to": {
        "module": (lambda v: slth.apply_to(v, lstm_ticket()), MODULES),
        "ticket": (lambda v: slth.apply_to(layer(), v), NO_TICKETS),
    },
    "to_torch": {
        "ticket": (slth.to_torch, {name: make for name, make in NO_TICKETS.items() if name != "graph"}),
        "form": (lambda v: slth.to_torch(ticket(), form=v), WORDS),
        "dtype": (lambda v: slth.to_torch(ticket(), dtype=v),
                  {**WORDS, "None": lambda: torch.float16, "number": lambda: 64}),
    },
    "export": {
        "module": (lambda v: slth.export(v, lstm_ticket(), "file"), MODULES),
        "ticket": (lambda v: slth.export(layer(), v, "file"), NO_TICKETS),
        "to": (lambda v: slth.export(layer(), lstm_ticket(), "file", to=v), WORDS),
        "path": (lambda v: slth.export(nn.Linear(4, 3, bias=False), lstm_ticket(), v),
                 {**NOTHINGS, "text": lambda: "/proc/none/file"}),
    },
    "mask": {
        "module": (lambda v: slth.mask(v, networks.TopK(0.5)),
                   {k: v for k, v in MODULES.items() if k != "lazy inside"}),
        "method": (lambda v: slth.mask(layer(), v), {**NOTHINGS, "number": lambda: 0.5}),
        "seed": (lambda v: slth.mask(layer(), networks.TopK(0.5), seed=v), COUNTS),
        "scores": (lambda v: slth.mask(layer(), networks.TopK(0.5), scores=v if isinstance(v, int) else {"weight": v}),
                   ARRAYS | {"whole number": lambda: 2}),
    },
    "networks.TopK": {
        name: (lambda v, name=name: networks.TopK(0.5, **{name: v}), WORDS)
        for name in ("scope", "magnitude", "signed", "rounding")
    },
    "EdgePopup": {"anneal": (lambda v: slth.EdgePopup(density=0.5, anneal=v),
                             {k: v for k, v in WORDS.items() if k != "None"})},
    "IMP": {
        name: (lambda v, name=name: slth.IMP(rate=0.2, **{name: v}), WORDS)
        for name in ("scope", "reset", "published_count")
    },
    "search": {
        "law": (lambda v: slth.search(layer(), data(), slth.EdgePopup(density=0.5), law=v),
                {k: v for k, v in WORDS.items() if k != "None"}),
        **{name: (lambda v, name=name: slth.search(layer(), data(), slth.EdgePopup(density=0.5), **{name: v}), WORDS)
           for name in ("scale", "keep")},
        "order": (lambda v: slth.search(layer(), data(), slth.EdgePopup(density=0.5), order=v),
                  {k: v for k, v in COUNTS.items() if k != "None"}),
        "seed": (lambda v: slth.search(layer(), data(), slth.EdgePopup(density=0.5), seed=v), COUNTS),
        "progress": (lambda v: slth.search(layer(), data(), slth.EdgePopup(density=0.5), progress=v),
                     {k: v for k, v in WORDS.items() if k not in ("None", "class")}),
    },
    "train_many": {
        "modules": (lambda v: slth.train_many(v, data(), slth.IMP(rate=0.5, levels=1)), NOTHINGS),
        "seeds": (lambda v: slth.train_many(layer(), data(), slth.IMP(rate=0.5, levels=1), seeds=v), NOTHINGS),
    },
    "evaluate": {
        "network": (lambda v: slth.evaluate(v, (POINT, [0])), {k: v for k, v in MODULES.items() if k != "complex"}),
        "data": (lambda v: slth.evaluate(target(), (v, [0, 1])), ARRAYS),
        "target": (lambda v: slth.evaluate(target(), (POINT, [0]), target=v),
                   {k: v for k, v in MODULES.items() if k not in ("None", "complex")}),
        "progress": (lambda v: slth.evaluate(target(), (POINT, [0]), progress=v),
                     {k: v for k, v in WORDS.items() if k not in ("None", "class")}),
    },
    "WeightLaw": {"name": (slth.WeightLaw, WORDS)},
    "solve": {"device": (lambda v: slth.solve([0.3, 0.2], 0.4, device=v), WORDS)},
    "solutions": {"limit": (lambda v: slth.solutions([0.3, 0.2], 0.4, tolerance=1.0, limit=v),
                            {k: v for k, v in RUNS.items() if k != "None"})},
    "predict_error": {"density": (lambda v: slth.predict_error([0.3, 0.2], 0.4, density=v), WORDS)},
    "networks.module_of": {"graph": (networks.module_of, NO_TICKETS | {"graph": layer})},
    "networks.evaluate": {
        "network": (lambda v: networks.evaluate(v, np.zeros((1, 4))), {**NOTHINGS, "module": layer}),
        "x": (lambda v: networks.evaluate(target(), v), ARRAYS),
        "progress": (lambda v: networks.evaluate(target(), POINT, progress=v),
                     {k: v for k, v in WORDS.items() if k not in ("None", "class")}),
    },
    "networks.outputs_of": {
        "module": (lambda v: networks.outputs_of(v, np.zeros((1, 4))),
                   {k: v for k, v in MODULES.items() if k != "complex"}),  # which some inputs could be given to
        "examples": (lambda v: networks.outputs_of(layer(), v),
                     {k: v for k, v in ARRAYS.items() if k not in ("NaN", "infinity")}),
        "batch": (lambda v: networks.outputs_of(layer(), np.zeros((1, 4)), batch=v), {
            k: v for k, v in COUNTS.items() if k not in ("None", "huge")}),
    },
    "networks.layout_of": {"module": (networks.layout_of, {**NOTHINGS, "lazy": MODULES["lazy"]})},
    "networks.maskable": {"module": (networks.maskable, NOTHINGS)},
    "networks.untied": {"module": (networks.untied, MODULES)},
    "networks.masks": {"module": (networks.masks, NOTHINGS)},
    "networks.bake": {"module": (networks.bake, NOTHINGS)},
    "networks.attach_masks": {
        "module": (lambda v: networks.attach_masks(v, {"weight": torch.ones(3, 4)}), NOTHINGS),
        "given": (lambda v: networks.attach_masks(layer(), {"weight": v}), ARRAYS),
    },
    "networks.attach_scores": {
        "module": (lambda v: networks.attach_scores(v, {"weight": torch.ones(3, 4)}, 0.5), NOTHINGS),
        "scores": (lambda v: networks.attach_scores(layer(), {"weight": v}, 0.5), ARRAYS),
        "density": (lambda v: networks.attach_scores(layer(), {"weight": torch.ones(3, 4)}, v),
                    {k: v for k, v in COUNTS.items() if k != "empty"}),
    },
    "networks.initialised": {
        "make": (lambda v: networks.initialised(v, 0), {k: v for k, v in NOTHINGS.items() if k != "class"}),
        "seed": (lambda v: networks.initialised(layer, v), COUNTS),
    },
    "networks.kth_largest": {
        "values": (lambda v: networks.kth_largest(v, 1), NOT_TENSORS),
        "k": (lambda v: networks.kth_largest(torch.ones(3), v), COUNTS),
    },
    "networks.top_k": {
        "scores": (lambda v: networks.top_k(v, 1), NOT_TENSORS | {"NaN": ARRAYS["NaN"]}),
        "k": (lambda v: networks.top_k(torch.ones(3), v), COUNTS),
    },
    "networks.mlp": {"sizes": (networks.mlp, {**{k: v for k, v in SHAPES.items() if k != "too many"}, "None": list})},
    "training.Examples": {
        "inputs": (lambda v: training.Examples(v, [0, 1]),
                   {k: v for k, v in ARRAYS.items() if k not in ("too many axes", "other size")}),
        "targets": (lambda v: training.Examples(np.zeros((2, 4)), v),
                    NOT_TENSORS | {name: ARRAYS[name] for name in ("number", "no axis", "empty")}),
        "shape": (lambda v: training.Examples(np.zeros((2, 4)), [0, 1], shape=v),
                  {k: v for k, v in SHAPES.items() if k != "too many"}),
    },
    "training.Recipe": {
        "normalisation": (lambda v: training.Recipe(normalisation=v),
                          {k: v for k, v in PAIRS.items() if k != "other sizes"}),
        **{name: (lambda v, name=name: training.Recipe(**{name: v}), BOUNDED)
           for name in ("epochs", "batch_size", "start")},
        **{name: (lambda v, name=name: training.Recipe(**{name: v}), NOTHINGS)
           for name in ("schedule", "optimizer")},
        "augmentation": (lambda v: training.Recipe(augmentation=v), NOTHINGS),
    },
    "training.train": {
        "module": (lambda v: training.train(v, data(), training.Recipe(epochs=1)),
                   {k: v for k, v in MODULES.items() if k != "complex"}),
        "data": (lambda v: training.train(layer(), v, training.Recipe(epochs=1)), ARRAYS),
        "recipe": (lambda v: training.train(layer(), data(), v), {**NOTHINGS, "None": lambda: 3}),
        "validation": (lambda v: training.train(layer(), data(), training.Recipe(epochs=1), validation=v),
                       {k: v for k, v in ARRAYS.items() if k != "None"}),
        "seed": (lambda v: training.train(layer(), data(), training.Recipe(epochs=1), seed=v), COUNTS),
        "device": (lambda v: training.train(layer(), data(), device=v), {**WORDS, "None": lambda: 3.5}),
        "keep": (lambda v: training.train(layer(), data(), keep=v), NOTHINGS),
    },
    "training.TrainingRun": {
        "trained": (lambda v: training.TrainingRun(layer(), data(), trained=v),
                    {**{k: v for k, v in NOTHINGS.items() if k not in ("None", "class")}, "number": lambda: 3}),
        "method": (lambda v: training.TrainingRun(layer(), data(), method=v),
                   {k: v for k, v in NOTHINGS.items() if k != "None"}),
        "path": (lambda v: training.TrainingRun(layer(), data()).save(v),
                 {k: v for k, v in NOTHINGS.items() if k != "text"}),
        "every": (lambda v: next(training.TrainingRun(layer(), data()).records(v)),
                  {k: v for k, v in COUNTS.items() if k not in ("None", "huge")}),
    },
    "training.partition": {"module": (training.partition, {**NOTHINGS, "lazy": MODULES["lazy"]})},
    "training.split": {
        "examples": (lambda v: training.split(v, 0.5), ARRAYS),
        "held_out": (lambda v: training.split(data(), v), COUNTS),
        "seed": (lambda v: training.split(data(), 0.5, seed=v), COUNTS),
    },
    "training.evaluate": {
        "module": (lambda v: training.evaluate(v, data()), {k: v for k, v in MODULES.items() if k != "complex"}),
        "examples": (lambda v: training.evaluate(layer(), v), ARRAYS),
        "batch_size": (lambda v: training.evaluate(layer(), data(), batch_size=v),
                       {k: v for k, v in COUNTS.items() if k != "huge"}),
    },
    "training.accuracy": {
        "module": (lambda v: training.accuracy(v, torch.zeros(2, 4), torch.zeros(2, dtype=torch.int64)), NOTHINGS),
        "inputs": (lambda v: training.accuracy(layer(), v, torch.zeros(2, dtype=torch.int64)),
                   {k: v for k, v in ARRAYS.items() if k not in ("NaN", "infinity", "other size", "too many axes")}),
        "labels": (lambda v: training.accuracy(layer(), torch.zeros(2, 4), v), ARRAYS),
    },
}  # fmt: skip
MODELS = ("mlp", "small_cnn", "cnn6", "lenet5", "lenet300", "lenet5_variant", "conv_n", "vgg", "resnet_cifar", "resnet",
          "vit")  # fmt: skip
NEEDED = {"mlp": {"sizes": (4, 3)}, "conv_n": {"depth": 2}}
SIZES = ("classes", "seed", "size", "patch", "heads", "features", "depth", "padding", "width", "channels")
FEW = {"None": COUNTS["None"], "text": COUNTS["text"], "NaN": COUNTS["NaN"], "negative": COUNTS["negative"]}


def cases() -> Iterator[Any]:
    for function, arguments in CASES.items():
        for argument, (call, values) in arguments.items():
            for value, make in values.items():
                yield pytest.param(argument, call, make, id=f"{function}-{argument}-{value}")


@pytest.mark.parametrize(("argument", "call", "make"), list(cases()))
def test_what_an_argument_cannot_be_is_refused_by_its_name(argument, call, make):
    with pytest.raises(SlthError) as caught:
        call(make())
    assert re.match(r"\w+", getattr(caught.value, "argument", "nothing"))[0] == argument, caught.value


@pytest.mark.parametrize("name", MODELS)
def test_models_refuse_what_their_numbers_cannot_be(name):
    model = getattr(networks, name)
    tried = 0
    for argument in inspect.signature(model).parameters:
        values = {**FEW, "fraction": COUNTS["fraction"]} if argument in SIZES else {}
        if (name, argument) == ("conv_n", "width"):
            values = FEW
        if argument == "input_shape":
            values = {**SHAPES, "None": lambda: None}
        if argument in ("variant", "shortcut", "images"):
            values = NOTHINGS
        for make in values.values():
            with pytest.raises(SlthError, match=argument):
                model(**{**NEEDED.get(name, {}), argument: make()})
            tried += 1
    assert tried >= 4


@pytest.mark.parametrize(
    "name",
    ["attack", "attack_around", "certify", "construct", "describe", "evaluate", "mask", "to_torch"],
)
def test_every_argument_that_holds_something_is_walked(name):
    """A new argument of these functions needs a row above, or a reason here."""
    harmless = {"progress", "device", "folder"}
    assert set(inspect.signature(getattr(slth, name)).parameters) - set(CASES[name]) <= harmless
