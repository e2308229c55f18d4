"""The package of today behind four questions, so that the guard itself knows none of its classes.

Whoever replaces the classes rewrites this file alone: :func:`certified` feeds frozen numbers to a certificate,
:func:`rules` says what each of its rules comes to, :func:`constructed` makes a ticket of a frozen target, and
:func:`measured` describes one.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from slth.constructions.attention_certificate import certify_parts
from slth.constructions.attention_parts import AttentionParts, take_apart
from slth.constructions.certify import _norm_bounds as dense_norm_bounds
from slth.constructions.certify import certify_layers
from slth.constructions.conv_certify import _norm_bounds as image_norm_bounds
from slth.constructions.conv_certify import certify_kernels, graph_ranges
from slth.constructions.conv_graph import EffectiveConv, effective_convs, graph_of
from slth.constructions.conv_ranges import start as image_start
from slth.constructions.conv_ranges import through
from slth.constructions.conv_selections import by_lines, by_selections
from slth.constructions.effective import EffectiveLayer, effective_layers
from slth.constructions.interval import Interval
from slth.constructions.propagation import propagate, start

import slth
from slth.constructions import propagation
from slth.tickets import (
    AttentionNetwork,
    Branch,
    ConvLayer,
    ConvNetwork,
    DenseLayer,
    DenseNetwork,
    Flatten,
    FoldedHeads,
    Join,
    Pool,
    Swap,
)


def certified(case):
    """Return the numbers of the certificate of a case's frozen ticket, as :func:`numbers` does."""
    target = target_of(case)
    if case.family == "dense":
        certificate = certify_layers(target, _dense_layers(case), _flat_box(case))
    elif case.family == "convolutional":
        certificate = certify_kernels(target, _convolutions(case), case.box)
    else:
        certificate = certify_parts(target, _attention_parts(case), _flat_box(case))
    return numbers(certificate)


def numbers(certificate):
    """Return what a certificate publishes as plain numbers."""
    result = {**certificate.summary(), "per_output": certificate.per_output.tolist()}
    result["layers"] = [asdict(layer) for layer in certificate.layers]
    if hasattr(certificate, "softmax"):
        result["softmax"] = asdict(certificate.softmax)
    return result


def constructed(case, seed):
    """Return the construction of a case's target by its method."""
    options = dict(case.method)
    method = options.pop("method")
    if method == "structured":
        method = slth.Structured(**options)
    elif method == "shallow":
        method = slth.Dense(**options, depth="plus-one")
    else:
        method = {"dense": slth.Dense, "convolutional": slth.Conv, "attention": slth.Attention}[case.family](**options)
    box = case.box if case.family == "convolutional" else _flat_box(case)
    return slth.construct(target_of(case), method=method, input_box=box, seed=seed)


def measured(construction):
    """Return kept entries, bytes of the file, and errors of a construction's layers as plain numbers."""
    ticket, certificate = construction.ticket, construction.certificate
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.ticket"
        ticket.save(path)
        size = path.stat().st_size
    layers = []
    for layer, bounds in zip(ticket.description.random_layers, certificate.layers, strict=True):
        masks = [ticket.mask[name] for name in layer.mask_shapes]
        layers.append(
            {
                "kept": sum(int(mask.sum()) for mask in masks),
                "kept_last": int(masks[-1].sum()),
                "open": int(layer.open_positions),
                "largest_weight_error": bounds.largest_weight_error,
                "median_weight_error": bounds.median_weight_error,
            }
        )
    return {"kept": sum(row["kept"] for row in layers), "bytes": size, "error": certificate.error, "layers": layers}


def forward(case, x):
    """Evaluate the target of a case with the package."""
    if case.family == "convolutional":
        return target_of(case).forward(x)
    return target_of(case).forward(x[:, :, 0].swapaxes(1, 2).reshape(len(x), -1))


def target_of(case):
    """Return the target of a case."""
    if case.family == "convolutional":
        return ConvNetwork(case.input_shape, [_step(case, name) for name in case.steps])
    if case.family == "dense":
        return DenseNetwork([_dense_layer(case, node["name"]) for node in case.weighted()])
    embedding, attend, readout = _attention_nodes(case)
    return AttentionNetwork(
        case.input_shape[2],
        DenseNetwork([_dense_layer(case, name) for name in embedding]),
        case.array(attend, "scores"),
        case.array(attend, "values"),
        DenseNetwork([_dense_layer(case, name) for name in readout]),
        residual=case.node(attend)["residual"],
    )


def _flat_box(case):
    """The box in the order of a flat input: token after token."""
    return tuple(end[:, 0].T.ravel() for end in case.box)


def _activation(case, name):
    behind = any(node["kind"] == "relu" and node["inputs"] == [name] for node in case.nodes)
    return "relu" if behind else "identity"


def _dense_layer(case, name):
    return DenseLayer(case.array(name, "weight")[:, :, 0, 0], case.array(name, "bias"), _activation(case, name))


def _step(case, name):
    if name in ("branch", "swap"):
        return {"branch": Branch(), "swap": Swap()}[name]
    node = case.node(name)
    if node["kind"] == "affine":
        window = tuple(node["stride"]), tuple(node["padding"]), node["groups"]
        return ConvLayer(case.array(name, "weight"), case.array(name, "bias"), _activation(case, name), *window)
    if node["kind"] == "pool":
        return Pool(node["operation"], *(tuple(node[part]) for part in ("kernel", "stride", "padding")))
    return Flatten() if node["kind"] == "flatten" else Join(_activation(case, name))


def _attention_nodes(case):
    names = [node["name"] for node in case.weighted()]
    middle = next(number for number, name in enumerate(names) if case.node(name)["kind"] == "attend")
    return names[:middle], names[middle], names[middle + 1 :]


def _interval(case, name, part):
    lower = case.array(name, f"{part}_lower")
    return None if lower is None else Interval(lower, case.array(name, f"{part}_upper"))


def _dense_layers(case, names=None):
    names = names or [node["name"] for node in case.weighted()]
    return [_dense_effective(case, name) for name in names]


def _dense_effective(case, name):
    def columns(part, constant):
        weights, last = case.array(name, part), case.array(name, constant)
        if weights is None:
            return None
        last = np.zeros_like(weights[:, :1, 0, 0]) if constant == "" else last
        return weights[:, :, 0, 0] if last is None else np.hstack([weights[:, :, 0, 0], last.reshape(-1, 1)])

    ends = [columns(f"positive_{end}", f"constant_{end}") for end in ("lower", "upper")]
    negative = [columns(f"negative_{end}", "") for end in ("lower", "upper")]
    target, node = case.array(name, "weight"), case.node(name)
    source, sink = case.array(name, "source"), case.array(name, "sink")
    return EffectiveLayer(
        positive=Interval(*ends),
        negative=None if negative[0] is None else Interval(*negative),
        magnitude=columns("magnitude", "constant_magnitude"),
        terms=node["terms"],
        factor=node["factor"],
        source=np.arange(target.shape[1] + 1) if source is None else source,
        sink=np.arange(len(target)) if sink is None else sink,
    )


def _convolutions(case):
    return [
        EffectiveConv(
            positive=_interval(case, node["name"], "positive"),
            negative=_interval(case, node["name"], "negative"),
            constant=_interval(case, node["name"], "constant"),
            magnitude=case.array(node["name"], "magnitude"),
            constant_magnitude=case.array(node["name"], "constant_magnitude"),
            terms=node["terms"],
            factor=node["factor"],
        )
        for node in case.weighted()
    ]


def _attention_parts(case):
    embedding, attend, readout = _attention_nodes(case)
    node = case.node(attend)
    heads = [
        FoldedHeads(*(case.array(attend, f"{part}_{end}") for end in ("lower", "upper", "magnitude")), node[terms])
        for part, terms in (("scores", "scores_terms"), ("values", "values_terms"))
    ]
    return AttentionParts(
        tuple(_dense_layers(case, embedding)), tuple(_dense_layers(case, readout)), *heads, factor=node["factor"]
    )


def freeze_ticket(case, ticket):
    """Write down in a case what its ticket folds to: all that the certificate takes of it."""
    target = target_of(case)
    if case.family == "dense":
        for node, layer in zip(case.weighted(), effective_layers(ticket, target), strict=True):
            _freeze_dense(case, node, layer)
    elif case.family == "convolutional":
        for node, conv in zip(case.weighted(), effective_convs(ticket, target), strict=True):
            _freeze_interval(case, node, "positive", conv.positive)
            _freeze_interval(case, node, "negative", conv.negative)
            _freeze_interval(case, node, "constant", conv.constant)
            _freeze(case, node, "magnitude", conv.magnitude)
            _freeze(case, node, "constant_magnitude", conv.constant_magnitude)
            node.update(terms=conv.terms, factor=conv.factor)
    else:
        parts = take_apart(target, ticket)
        layers = [*parts.embedding, None, *parts.readout]
        for node, layer in zip(case.weighted(), layers, strict=True):
            if layer is not None:
                _freeze_dense(case, node, layer)
                continue
            for part, heads in (("scores", parts.scores), ("values", parts.values)):
                _freeze_interval(case, node, part, heads)
                _freeze(case, node, f"{part}_magnitude", heads.magnitude)
                node[f"{part}_terms"] = heads.terms
            node["factor"] = parts.factor


def _freeze_dense(case, node, layer):
    inputs = case.array(node["name"], "weight").shape[1]
    pair = layer.negative is not None  # else a plain layer on copies, the constant's among them
    last = inputs if pair else None

    def kernel(array):
        return array[:, :last, None, None]

    _freeze_interval(case, node, "positive", Interval(kernel(layer.positive.lower), kernel(layer.positive.upper)))
    _freeze(case, node, "magnitude", kernel(layer.magnitude))
    if pair:
        negative = Interval(kernel(layer.negative.lower), kernel(layer.negative.upper))
        constant = layer.positive[:, inputs:, None]
        _freeze_interval(case, node, "negative", negative)
        _freeze_interval(case, node, "constant", constant)
        _freeze(case, node, "constant_magnitude", layer.magnitude[:, inputs:, None])
    if case.method["method"] == "shallow":
        _freeze(case, node, "source", layer.source)
        _freeze(case, node, "sink", layer.sink)
    node.update(terms=layer.terms, factor=layer.factor)


def _freeze_interval(case, node, part, interval):
    if interval is not None:
        _freeze(case, node, f"{part}_lower", interval.lower)
        _freeze(case, node, f"{part}_upper", interval.upper)


def _freeze(case, node, part, array):
    if array is not None:
        case.arrays[f"{node['name']}/{part}"] = np.ascontiguousarray(array)


def rules(case):
    """Return the bound of each output by each of the certificate's rules alone; the smallest one is published."""
    with np.errstate(over="ignore", invalid="ignore"):
        return {name: np.asarray(bounds).tolist() for name, bounds in RULES[case.family](case).items()}


def _dense_rules(case):
    target, layers, box = target_of(case), _dense_layers(case), _flat_box(case)
    states = propagate(target, layers, start(*box))
    return {
        "ranges": _without_linear_bounds(lambda: propagate(target, layers, start(*box)))[-1].difference.magnitude[:-1],
        "linear": states[-1].difference.magnitude[:-1],
        "norms": np.full(target.layers[-1].outputs, dense_norm_bounds(target, layers, states)[-1]),
    }


def _convolutional_rules(case):
    graph = graph_of(target_of(case), _convolutions(case))
    plain = [image_start(*(end.ravel() for end in case.box))]
    for number in range(1, len(graph.nodes) + 1):
        plain.append(through(graph, number, plain))
    ranges = graph_ranges(graph, case.box)
    last, bounds = graph.output, ranges[graph.output].difference.magnitude
    linear = by_lines(graph, ranges, last, bounds)
    return {
        "ranges": plain[-1].difference.magnitude,
        "narrowed ranges": bounds,
        "linear": linear,
        "selections": by_selections(graph, ranges, last, np.fmin(bounds, linear)),
        "norms": np.full(len(bounds), image_norm_bounds(graph, ranges)[graph.output]),
    }


def _attention_rules(case):
    target, parts, box = target_of(case), _attention_parts(case), _flat_box(case)

    def published(key):
        found = certify_parts(target, parts, box)
        return found.per_output if key == "error" else np.full(target.outputs, found.norm_bound)

    return {
        "ranges": _without_linear_bounds(lambda: published("error")),
        "linear": published("error"),
        "lemma": published("norm"),
    }


def _without_linear_bounds(compute):
    kept, propagation._MOST_LINEAR = propagation._MOST_LINEAR, 0
    try:
        return compute()
    finally:
        propagation._MOST_LINEAR = kept


RULES = {"dense": _dense_rules, "convolutional": _convolutional_rules, "attention": _attention_rules}
