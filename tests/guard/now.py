"""What the package makes of the frozen targets today."""

from __future__ import annotations

from slth.constructions import PerWeight, Shallow, Structured
from tests.certificates.frozen_graphs import graphs_of

METHODS = {"per-weight": PerWeight, "structured": Structured, "shallow": Shallow}


def constructed(case, seed):
    """Return the construction of a case's target by its method."""
    options = dict(case.method)
    method = METHODS[options.pop("method")](**options)
    target, _, _ = graphs_of(case)
    return method.construct(target, input_box=tuple(end.reshape(target.input_shape) for end in case.box), seed=seed)


def measured(construction):
    """Return kept entries, bytes of the file, and errors of a construction's layers as plain numbers."""
    ticket, certificate = construction.ticket, construction.certificate
    layers = [
        {
            "kept": sum(int(ticket.mask[name].sum()) for name in layer.mask_shapes),
            "open": int(layer.open_positions),
            "largest_weight_error": bounds.largest_weight_error,
            "median_weight_error": bounds.median_weight_error,
        }
        for layer, bounds in zip(ticket.layers, certificate.layers, strict=True)
    ]
    kept = sum(row["kept"] for row in layers)
    return {"kept": kept, "bytes": len(ticket.to_bytes()), "error": certificate.error, "layers": layers}
