"""``slth ticket info``, ``verify``, ``eval``, ``shrink`` and ``export``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_file, check_out, check_unclaimed, load_data
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, json_name, key_value_table
from slth.cli.places import data_folders
from slth.cli.progress import progress
from slth.cli.targets import Module, command_text
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.data.datasets import DataSet
    from slth.jobs.models import Model
    from slth.tickets import Ticket

MODULE = Module()

File = Annotated[Path, Parameter(help="The ticket file.")]


def info(file: File, /, *, common: Common = COMMON) -> Outcome:
    """What a ticket file says about itself."""
    command = _claim("ticket info", file, common)
    ticket, data = _load(file)
    layers: list[dict[str, Any]] = [
        {
            "path": layer.path,
            "kind": type(layer).__name__,
            "inputs": getattr(layer, "inputs", None),
            "outputs": getattr(layer, "outputs", None),
            "kernel": list(layer.geometry.window.kernel) if hasattr(layer, "geometry") else None,
            "shape": list(getattr(layer, "extents", ())) or None,
            "units": getattr(layer, "units", None),
            "removal": getattr(layer, "removal", None),
            "stream": getattr(layer, "stream", None),
            "gain": ticket.gain(layer.path),
        }
        for layer in ticket.layers
    ]
    data |= {**_costs(ticket), "layers": layers, "command": command}

    def show() -> list[RenderableType]:
        rows = {key: value for key, value in data.items() if key not in ("layers", "command")}
        for layer in layers:
            rows[layer["path"]] = _said(layer)
        return [key_value_table(rows)]

    return Outcome("ticket info", common, data, show)


def _costs(ticket: Ticket) -> dict[str, Any]:
    """Say what the kept weights of a graph cost, and its target's products where its layers say them."""
    from slth.constructions.costs import of_ticket
    from slth.graphs import Graph
    from slth.tickets import Pair

    own = of_ticket(ticket) if isinstance(ticket.source, Graph) else None
    told = own is not None and all(isinstance(layer, Pair) for layer in ticket.layers)
    return {
        "multiply_adds": None if own is None else own.multiply_adds,
        "kept_weight_bytes": None if own is None else own.bytes,
        "target_multiply_adds": ticket.graph.multiply_adds if told else None,
    }


def _said(layer: dict[str, Any]) -> str:
    """Say in a line what a random layer is."""
    if layer["inputs"] is None:
        shared = "" if layer["stream"] == layer["path"] else f", the random numbers of {layer['stream']}"
        return f"{layer['kind']} of shape {layer['shape']}{shared}"
    kernel = ", {} x {}".format(*layer["kernel"]) if layer["kernel"] != [1, 1] else ""
    removal = "" if layer["removal"] is None else f", {layer['removal']} removed of {layer['units']} a source"
    return f"{layer['kind']} {layer['inputs']} -> {layer['outputs']}{kernel}{removal}"


def verify(file: File, /, *, common: Common = COMMON) -> Outcome:
    """Regenerate the kept weights and compare their hash; exit code 1 if anything is wrong."""
    command = _claim("ticket verify", file, common)
    ticket, data = _load(file)
    # Loading has compared the hash that the file states; this one is computed once more, for the report.
    data |= {"verified": ticket.kept_weights_sha256() == data["sha256"], "command": command}

    def show() -> list[RenderableType]:
        return [f"{file}: every kept weight regenerates (sha256 {data['sha256']})"]

    return Outcome("ticket verify", common, data, show, exit_code=int(not data["verified"]))


def evaluate(
    file: File,
    /,
    *,
    module: Module = MODULE,
    target: Path | None = None,
    common: Common = COMMON,
) -> Outcome:
    """Accuracy of a ticket on a data set's test images, in float64, or of a module that a ticket was searched for.

    A module's inputs are standardised by mean and deviation of the training examples, as `slth search` does it: the
    ticket does not say them, and the JSON summary names both. So model, its options, data and limit of the search give
    its accuracy again.

    Parameters
    ----------
    file
        A ticket file; of one that was searched, --model says for what.
    target
        target.safetensors of the network that the ticket approximates: its accuracy and the largest difference too.
    """
    from slth.graphs.file import load_graph
    from slth.jobs.evaluation import evaluate_module_ticket, evaluate_ticket

    if target is not None:
        check_file("target", target)
    command = _claim("ticket eval", file, common, module, target=target)
    ticket, facts = _load(file)
    chosen = _model(ticket, module, target)
    data_set = _data(module, chosen, common)
    facts |= {"data": data_set.name, "command": command}
    if chosen is None:
        network = None if target is None else load_graph(target)
        with progress(common) as report:
            facts |= evaluate_ticket(ticket, data_set, target=network, limit=module.limit, progress=report)
    else:
        facts |= evaluate_module_ticket(ticket, chosen, data_set, limit=module.limit)

    def show() -> list[RenderableType]:
        rows = {key: value for key, value in facts.items() if key not in ("normalisation", "command")}
        means = facts.get("normalisation")
        said = {"inputs": "standardised by mean and deviation of the training examples"} if means else {}
        return [key_value_table(rows | said)]

    return Outcome("ticket eval", common, facts, show)


def _model(ticket: Ticket, module: Module, target: Path | None = None) -> Model | None:
    """Return the module that a ticket was searched for, which must be named; None of a network of its own."""
    from slth.tickets import Layout

    if not isinstance(ticket.source, Layout):
        for name, given in {"model": module.model, **module.options()}.items():
            if given != "":
                raise ArgumentError(name, given, "is not needed: the ticket is a network of its own", "leave it out")
        return None
    if not module.model:
        remedy = "pass --model lenet-300-100, or your own as package.module:factory"
        raise ArgumentError("model", None, "must name what the ticket was searched for", remedy)
    if target is not None:
        raise ArgumentError("target", str(target), "is none of a searched ticket, which has no target", "leave it out")
    return module.described()


def _data(module: Module, model: Model | None, common: Common) -> DataSet:
    """Return the data set that was named, or what the model is for, or digits."""
    if model is not None:
        return module.load(model, seed=common.seed)
    return load_data(module.data or "digits", data_folders(module.data_dir), seed=common.seed)


def shrink(
    file: File,
    /,
    *,
    module: Module = MODULE,
    fold: Annotated[bool, Parameter(negative="")] = False,
    onnx: Annotated[bool, Parameter(negative="")] = False,
    memory: float | None = None,
    common: Common = COMMON,
) -> Outcome:
    """Write what a ticket keeps as a small network, and time it against the masked random one.

    Of a module that a ticket was searched for, channels that compute nothing are gone; `small.safetensors` is a network
    file, as `slth construct` writes one for its target.

    Parameters
    ----------
    file
        A ticket file; of one that was searched, --model and --data say for what.
    fold
        Write the random layers of a construction multiplied out too.
    onnx
        Write ONNX files too.
    memory
        GiB for the masked network of a construction; half of what is free by default.
    """
    from slth.jobs.shrinking import shrink_module_ticket, shrink_ticket

    check_file("FILE", file)
    if common.out is None:
        raise ArgumentError("out", None, "must name the folder for the networks", "pass --out DIR")
    kinds = ("small", "folded") if fold else ("small",)
    endings = ("safetensors", "onnx") if onnx else ("safetensors",)
    check_out(common.out, (*(f"{kind}.{ending}" for kind in kinds for ending in endings), json_name("ticket shrink")))
    command = _claim("ticket shrink", file, common, module, fold=fold or None, onnx=onnx or None)
    if memory is not None and not 2.0**-10 <= memory < 2.0**20:
        remedy = "leave it out for half of what is free"
        raise ArgumentError("memory", memory, "must be a number of GiB from 0.001 on", remedy)
    model = _model(_load(file)[0], module)
    if model is not None:
        for name, given in (("fold", fold), ("memory", memory)):
            if given:
                raise ArgumentError(name, given, "is of constructed tickets", "leave it out for one that was searched")
        data_set = _data(module, model, common)
        facts = shrink_module_ticket(file, common.out, model, data_set, onnx=onnx, limit=module.limit)
    else:
        allowed = None if memory is None else int(memory * 2**30)
        with progress(common) as report:
            facts = shrink_ticket(file, common.out, fold=fold, onnx=onnx, memory=allowed, progress=report)

    def show() -> list[RenderableType]:
        rows = {key: value for key, value in facts.items() if key not in ("files", "timings")}
        for one in facts.get("timings", ()):
            seconds = f"{one['small_seconds']:.3g} s against {one['masked_seconds']:.3g} s"
            rows[f"batch of {one['batch']}"] = f"{seconds}: {one['speedup']:.3g} times as fast"
        sizes = {str(common.out / name): f"{size} bytes" for name, size in facts["files"].items()}
        return [key_value_table({**rows, **sizes})]

    return Outcome("ticket shrink", common, {**facts, "command": command}, show)


def export(
    file: File,
    /,
    *,
    to: str = "dense",
    module: Module = MODULE,
    common: Common = COMMON,
) -> Outcome:
    """Write the module that a searched ticket makes, with its masked weights, for other programs to read.

    Into the folder --out: weights.safetensors under the module's own names, or network.onnx, and a JSON summary.
    The module takes inputs as the search gave them: standardised by the mean and deviation in its JSON summary.

    Parameters
    ----------
    file
        A ticket file that was searched; --model and --data say for what.
    to
        dense; csr: of each weight what is kept, row by row; 2:4, or another n:m: where the mask keeps at most n of m
        consecutive inputs, these and their places; onnx. `slth.export` says what is in the file.
    """
    from slth.jobs.models import made
    from slth.networks import export as write

    check_file("FILE", file)
    if common.out is None:
        raise ArgumentError("out", None, "must name the folder for the file", "pass --out DIR")
    name = "network.onnx" if to == "onnx" else "weights.safetensors"
    check_out(common.out, (name, json_name("ticket export")))
    command = _claim("ticket export", file, common, module, to=to)
    ticket, facts = _load(file)
    model = _model(ticket, module)
    if model is None:
        rule = "holds a network of its own, whose random layers are no module's"
        raise ArgumentError("FILE", str(file), rule, "write it with slth ticket shrink FILE --out DIR, or with --onnx")
    data_set = _data(module, model, common)
    path = common.out / name
    write(made(model, data_set, ticket.seed), ticket, path, to=to, input_shape=model.input_shape(data_set))
    facts |= {"model": model.name, "to": to, "written": path, "written_bytes": path.stat().st_size, "command": command}

    def show() -> list[RenderableType]:
        shown = ("file", "bytes", "density", "model", "to", "written", "written_bytes")
        return [key_value_table({key: facts[key] for key in shown})]

    return Outcome("ticket export", common, facts, show)


def _claim(verb: str, file: Path, common: Common, module: Module = MODULE, /, **options: Any) -> str:
    """Return what to type to make the same again; a folder for it that holds what another command made is refused."""
    command = command_text(verb, module, options, seed=common.seed, file=file)
    if common.out is not None:
        check_unclaimed(common.out, command)
    return command


def _load(file: Path) -> tuple[Ticket, dict[str, Any]]:
    from slth.tickets import load_ticket

    check_file("FILE", file)
    ticket = load_ticket(file)
    content = file.read_bytes()
    statistics = ticket.statistics()
    weights = statistics.target_weights
    return ticket, {
        "file": file,
        "bytes": len(content),
        "file_sha256": hashlib.sha256(content).hexdigest(),
        "sha256": ticket.kept_weights_sha256(),
        "family": ticket.family,
        "ticket_seed": ticket.seed,
        "law": ticket.law.describe(),
        "alphabet": list(ticket.mask.alphabet),
        "reading": ticket.mask.reading,
        "kept": statistics.kept,
        "open_positions": statistics.open_positions,
        "density": statistics.density,
        "random_parameters": statistics.random_parameters,
        "target_weights": weights,
        "bits_per_weight": 8 * len(content) / weights if weights else None,
        "entropy_bound_bytes": statistics.entropy_bound_bits / 8.0,
        "entropy_bound_bits_per_weight": statistics.entropy_bound_bits_per_weight,
    }
