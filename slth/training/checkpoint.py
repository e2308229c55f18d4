"""Checkpoints: one safetensors file with all tensors of a run, and in its header, as JSON, what the run is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from slth.errors import ArgumentError, DataError, unwritable
from slth.files import write_bytes
from slth.networks.layouts import layout_of
from slth.tickets.layout import Layout
from slth.training.examples import Examples
from slth.training.recipe import Recipe

FORMAT = "checkpoint/1"


@dataclass(frozen=True, eq=False)
class Problem:
    """What a run trains, and how: what a checkpoint must agree with."""

    module: nn.Module
    data: Examples
    recipe: Recipe
    method: object
    trained: tuple[str, ...]
    seed: int

    @cached_property
    def words(self) -> dict[str, Any]:
        """The same as JSON: values by their fields, functions by their names, data by a digest."""
        return {
            "method": described(self.method),
            "module": layout_of(self.module).describe(),
            "trained": list(self.trained),
            "data": self.data.sha256(),
            "recipe": described(self.recipe),
            "seed": self.seed,
        }


def write_checkpoint(
    path: Path, problem: Problem, tensors: Mapping[str, Tensor], numbers: Mapping[str, int | float]
) -> None:
    """Write a file under a temporary name in the same folder, and rename it."""
    held = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())}
    metadata = {
        "slth.format": FORMAT,
        "problem": json.dumps(problem.words),
        "numbers": json.dumps(dict(numbers)),
        "sha256": digest(held),
    }
    try:
        write_bytes(path, save(held, metadata))
    except OSError as error:
        raise unwritable(path, error) from None


def read_checkpoint(path: Path, problem: Problem) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file that was written for the same problem."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("slth.format") != FORMAT:
                raise DataError(f"{path}: is not a checkpoint of format {FORMAT}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a checkpoint ({error})") from None
    if digest(tensors) != metadata["sha256"]:
        raise DataError(f"{path}: is damaged: its tensors are not those that were written")
    _compare(path, json.loads(metadata["problem"]), problem)
    return tensors, json.loads(metadata["numbers"])


def file_of(path: object, argument: str = "path") -> Path:
    """Return a path, if it is one."""
    if not isinstance(path, str | Path):
        raise ArgumentError(argument, path, "is no path", "pass the name of a file or folder")
    return Path(path)


def described(value: Any) -> Any:
    """Return a value as JSON: dataclasses by kind and fields that they show, functions by name, others as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        content = {field.name: described(getattr(value, field.name)) for field in fields(value) if field.repr}
        return {"kind": type(value).__qualname__, **content}
    if isinstance(value, Mapping):
        return {str(name): described(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if isinstance(value, partial):
        return {
            "kind": "partial",
            "function": described(value.func),
            "arguments": described([value.args, value.keywords]),
        }
    if isinstance(value, Tensor):
        return {"kind": "tensor", "shape": list(value.shape), "sha256": digest({"": value.detach().cpu()})}
    if hasattr(value, "structure") and hasattr(value, "__dict__") and not isinstance(value, type):
        return {"kind": type(value).__qualname__, **described(vars(value))}  # a selection that is no dataclass
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if name else type(value).__qualname__


def _compare(path: Path, found: Any, problem: Problem) -> None:
    """Refuse a checkpoint of another problem, naming the first field that differs."""
    expected = problem.words
    if found["module"] != expected["module"]:
        layouts = [Layout.from_description(words["module"]) for words in (found, expected)]
        difference = layouts[0].difference(layouts[1]) or "other layers share their random weights"
        rule = f"was written for another module: {difference}"
        raise ArgumentError("checkpoint", str(path), rule, "resume with the module that it was written for")
    place = _difference(found, expected)
    if place is not None:
        name, there, here = place
        rule = f"was written for another problem: {name} is {_short(there)} there and {_short(here)} here"
        raise ArgumentError(
            "checkpoint", str(path), rule, f"resume with the same {name.split('.')[0]}, or use another folder"
        )


def _difference(there: Any, here: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """Return the first place at which two JSON values differ, and both values there."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*there, *(key for key in here if key not in there)]:
            inner = f"{name}.{key}" if name else key
            if key not in there or key not in here:
                return inner, there.get(key), here.get(key)
            found = _difference(there[key], here[key], inner)
            if found is not None:
                return found
        return None
    # JSON has no tuples and writes every float so that it reads back exactly.
    return None if json.dumps(there) == json.dumps(here) else (name, there, here)


def _short(value: Any) -> str:
    """Return a value as text of at most 60 characters."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of tensors by name."""
    content = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        content.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()
