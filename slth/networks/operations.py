"""One handler for each operation of torch: numbers to numbers here, layers and views in their own modules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from slth.graphs import Relu
from slth.networks import layers, products, views
from slth.networks.affine import affine, summed
from slth.networks.scores import Scores
from slth.networks.traced import Constant, Tracer, Value


def relu(tracer: Tracer, value: Value) -> Value:
    """Rectify: 0 stays 0, so that it commutes with every view."""
    value = tracer.written(value)
    return Value(tracer.add(Relu(), value.source), value.shape, value.index)


def negative(tracer: Tracer, value: Value) -> Value:
    """Write -value."""
    return affine(tracer, value, -1.0)


def below(tracer: Tracer, value: Value, most: float) -> Value:
    """Write min(value, most) = most - relu(most - value)."""
    if most == 0:
        return negative(tracer, relu(tracer, negative(tracer, value)))
    return affine(tracer, relu(tracer, affine(tracer, value, -1.0, most)), -1.0, most)


def above(tracer: Tracer, value: Value, least: float) -> Value:
    """Write max(value, least) = least + relu(value - least)."""
    if least == 0:
        return relu(tracer, value)
    return affine(tracer, relu(tracer, affine(tracer, value, 1.0, -least)), 1.0, least)


def clamp(tracer: Tracer, value: Value, least: Any = None, most: Any = None) -> Value:
    """Write a clip to fixed numbers by two ReLUs."""
    for bound in (least, most):
        if isinstance(bound, Value | Constant):
            raise tracer.refusal("clips by tensors", "clip by numbers")
    if least is not None and most is not None:
        if least >= most:
            raise tracer.refusal(f"clips to [{least}, {most}]", "give a lower and a larger upper number")
        # least + min(relu(x - least), most - least): the shift in the middle is one number
        risen = relu(tracer, value if least == 0 else affine(tracer, value, 1.0, -float(least)))
        capped = relu(tracer, affine(tracer, risen, -1.0, float(most) - float(least)))
        return affine(tracer, capped, -1.0, float(most))
    if least is not None:
        return above(tracer, value, float(least))
    return value if most is None else below(tracer, value, float(most))


def hardsigmoid(tracer: Tracer, value: Value) -> Value:
    """Write relu6(x + 3) / 6."""
    return affine(tracer, clamp(tracer, affine(tracer, value, 1.0, 3.0), 0.0, 6.0), 1.0 / 6.0)


def leaky_relu(tracer: Tracer, value: Value, slope: float = 0.01) -> Value:
    """Write slope x + (1 - slope) relu(x)."""
    if slope == 0:
        return relu(tracer, value)
    rectified = affine(tracer, relu(tracer, value), 1.0 - slope)
    return summed(tracer, affine(tracer, value, slope), rectified)


def prelu(tracer: Tracer, value: Value, slope: Constant) -> Value:
    """Write slope x + (1 - slope) relu(x) with trained slopes, one or one a channel."""
    slopes = slope.tensor.detach().reshape(-1, *[1] * (len(value.shape) - 2))
    rectified = affine(tracer, relu(tracer, value), 1.0 - slopes, trained=slope.trained)
    return summed(tracer, affine(tracer, value, slopes, trained=slope.trained), rectified)


def absolute(tracer: Tracer, value: Value) -> Value:
    """Write relu(x) + relu(-x)."""
    return summed(tracer, relu(tracer, value), relu(tracer, negative(tracer, value)))


def threshold(tracer: Tracer, value: Value, limit: float, fill: float) -> Value:
    """Write the threshold that is ReLU."""
    if limit != fill or limit != 0:
        raise tracer.refusal("jumps, or is no ReLU", "use ReLU")
    return relu(tracer, value)


def maximum(tracer: Tracer, first: Any, second: Any) -> Value:
    """Write max(x, y) = y + relu(x - y)."""
    if isinstance(first, Constant):
        first, second = second, first
    found: Value = add(tracer, relu(tracer, _minus(tracer, first, second)), second)
    return found


def minimum(tracer: Tracer, first: Any, second: Any) -> Value:
    """Write min(x, y) = -max(-x, -y)."""
    sides = (multiply(tracer, one, -1.0) if isinstance(one, Value) else Constant(-one.tensor, one.trained)
             for one in (first, second))  # fmt: skip
    return negative(tracer, maximum(tracer, *sides))


def add(tracer: Tracer, first: Any, second: Any, *, alpha: float = 1) -> Any:
    """Write x + alpha y, of values, tensors and numbers."""
    if isinstance(first, Scores) or isinstance(second, Scores):
        raise tracer.refusal("adds to the scores of attention, as masks and biases of positions do", "leave them out")
    if isinstance(first, Value) and isinstance(second, Value):
        return summed(tracer, first, second if alpha == 1 else affine(tracer, second, float(alpha)))
    if not isinstance(first, Value):
        constant, factor, value, scale = first, 1.0, second, float(alpha)
    else:
        constant, factor, value, scale = second, float(alpha), first, 1.0
    if not isinstance(constant, Constant):
        return affine(tracer, value, scale, factor * float(constant))
    found = value if scale == 1.0 else affine(tracer, value, scale)
    return affine(tracer, found, 1.0, factor * constant.tensor, trained=constant.trained)


def _minus(tracer: Tracer, first: Any, second: Any, *, alpha: float = 1) -> Any:
    return add(tracer, first, second, alpha=-alpha)


def multiply(tracer: Tracer, first: Any, second: Any) -> Any:
    """Write a product with a constant."""
    if not isinstance(first, Value | Scores):
        first, second = second, first
    if isinstance(second, Value | Scores):
        rule = "multiplies two values that depend on the input"
        raise tracer.refusal(rule, "use additions: gates and squeeze-and-excitation are outside of the language")
    trained = isinstance(second, Constant) and second.trained
    factor = second.tensor.detach().double() if isinstance(second, Constant) else float(second)
    if isinstance(first, Scores):
        return _scaled(tracer, first, factor)
    return affine(tracer, first, factor, trained=trained)


def _scaled(tracer: Tracer, scores: Scores, factor: Any) -> Scores:
    if scores.shares or (isinstance(factor, torch.Tensor) and factor.numel() != 1):
        raise tracer.refusal("scales shares, or scores one by one", "scale all scores by one number")
    return replace(scores, scale=scores.scale * float(factor))


def divide(tracer: Tracer, first: Any, second: Any, *, rounding_mode: str | None = None) -> Any:
    """Write a quotient by a constant."""
    if rounding_mode is not None or not isinstance(first, Value | Scores) or isinstance(second, Value | Scores):
        raise tracer.refusal("divides by values, or rounds", "divide by numbers")
    if isinstance(second, Constant):
        return multiply(tracer, first, Constant(1.0 / second.tensor.double(), second.trained))
    return multiply(tracer, first, 1.0 / float(second))


def dropout(tracer: Tracer, value: Any, p: float = 0.5, train: bool = False, *_: Any) -> Any:  # noqa: FBT001, FBT002
    """Leave out what does nothing at evaluation."""
    if train and p:
        raise tracer.refusal("drops numbers at evaluation too", "pass training=self.training")
    return value


HANDLERS: dict[str, layers.Handler] = {
    "conv1d": layers.convolution(1), "conv2d": layers.convolution(2), "linear": layers.linear,
    "addmm": products.added_linear, "mm": products.product, "bmm": products.product, "matmul": products.product,
    "einsum": products.einsum,
    "batch_norm": layers.batch_norm, "_native_batch_norm_legit_no_training": layers.batch_norm_parts,
    "scaled_dot_product_attention": products.attention, "softmax": products.softmax, "_softmax": products.softmax,
    "max_pool1d": layers.max_pool(1), "max_pool2d": layers.max_pool(2),
    "max_pool2d_with_indices": layers.with_indices(layers.max_pool(2)),
    "max_pool1d_with_indices": layers.with_indices(layers.max_pool(1)),
    "avg_pool1d": layers.average_pool(1), "avg_pool2d": layers.average_pool(2),
    "adaptive_avg_pool1d": layers.adaptive_pool("average", 1),
    "adaptive_avg_pool2d": layers.adaptive_pool("average", 2),
    "adaptive_max_pool1d": layers.adaptive_pool("max", 1, indices=True),
    "adaptive_max_pool2d": layers.adaptive_pool("max", 2, indices=True),
    "mean": layers.over_axes("average"), "sum": layers.over_axes("average", total=True),
    "amax": layers.over_axes("max"),
    "max": layers.with_indices(layers.over_axes("max")),
    "relu": relu, "relu6": lambda tracer, value: clamp(tracer, value, 0.0, 6.0),
    "hardtanh": lambda tracer, value, least=-1.0, most=1.0: clamp(tracer, value, least, most),
    "clamp": clamp, "clip": clamp, "clamp_min": above,
    "clamp_max": below, "leaky_relu": leaky_relu, "prelu": prelu, "_prelu_kernel": prelu, "hardsigmoid": hardsigmoid,
    "threshold": threshold, "abs": absolute, "maximum": maximum, "minimum": minimum,
    "add": add, "sub": _minus, "subtract": _minus,
    "rsub": lambda tracer, first, second, alpha=1: add(tracer, second, first, alpha=-alpha),
    "mul": multiply, "multiply": multiply,
    "div": divide, "divide": divide, "true_divide": divide, "neg": negative, "negative": negative,
    "dropout": dropout, "feature_dropout": dropout, "alpha_dropout": dropout, "feature_alpha_dropout": dropout,
    "native_dropout": layers.with_indices(dropout),
    "cat": views.concatenated, "concat": views.concatenated, "concatenate": views.concatenated, "stack": views.stacked,
    "pad": views.padded, "constant_pad_nd": lambda tracer, given, pads, value=0: views.padded(
        tracer, given, pads, value=value),
    "to": views.converted, "_to_copy": views.converted, "type_as": views.converted,
}  # fmt: skip
"""What is done for each operation of torch, by its name; those that pick numbers are in :data:`views.VIEWS`."""

OF_SCORES = frozenset({
    "softmax", "_softmax", "matmul", "bmm", "einsum", "mul", "multiply", "div", "divide", "true_divide", "add", "sub",
    "dropout", "native_dropout", "to", "_to_copy", "type_as",
})  # fmt: skip
"""Operations that know scores of attention, besides views."""

REMEDIES = {
    "gelu": "use ReLU", "silu": "use ReLU", "mish": "use ReLU", "elu": "use ReLU or LeakyReLU", "celu": "use ReLU",
    "selu": "use ReLU", "softplus": "use ReLU", "sigmoid": "use ReLU, or leave it out behind the last layer",
    "tanh": "use ReLU or Hardtanh", "hardswish": "use ReLU or ReLU6", "log_softmax": "leave it out: return the logits",
    "logsigmoid": "leave it out", "layer_norm": "use BatchNorm, or no normalisation",
    "native_layer_norm": "use BatchNorm, or no normalisation", "group_norm": "use BatchNorm",
    "instance_norm": "use BatchNorm", "rms_norm": "use BatchNorm", "embedding": "start behind the embedding",
    "conv_transpose2d": "use Conv2d", "conv3d": "use Conv2d",
    "gt": "use ReLU or LeakyReLU", "lt": "use ReLU or LeakyReLU", "ge": "use ReLU or LeakyReLU",
    "glu": "use ReLU, without gates", "lstm": "use layers without gates", "gru": "use layers without gates",
    "rnn_relu": "write its steps as Linear and ReLU", "rnn_relu_cell": "write its steps as Linear and ReLU",
    "baddbmm": "leave the mask out", "masked_fill": "leave the mask out", "where": "use ReLU for what is cut off",
    "slice_scatter": "write to no part of a tensor: use torch.cat",
    "copy": "write to no part of a tensor: use torch.cat",
    "select_scatter": "write to no part of a tensor: use torch.cat", "pow": "use ReLU networks without powers",
}  # fmt: skip
"""What to do instead of operations that are often met and lie outside of the language."""
