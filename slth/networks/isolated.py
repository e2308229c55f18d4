"""A copy of a module that computes the same in float64 at evaluation, and shares nothing with it."""

from __future__ import annotations

import copy
import logging
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from slth.errors import ArgumentError, SlthError
from slth.networks.given import check_dense, first_line, module_given
from slth.networks.handover import bake

_LOG = logging.getLogger("slth.networks")


def isolated(module: Any) -> nn.Module:
    """Return a copy on the CPU, in evaluation mode, with float64 numbers; what was converted is logged."""
    module = getattr(module_given(module), "_orig_mod", module)  # what torch.compile() wraps
    if any(kind.__name__ == "ScriptModule" for kind in type(module).__mro__):
        raise ArgumentError("module", type(module).__name__, "is a ScriptModule", "pass the module that it came from")
    for name, tensor in _tensors(module):
        _check(name, tensor)
    memo = {id(tensor): _double(tensor.detach().clone()) for _, tensor in _attributes(module)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            twin = bake(copy.deepcopy(module, memo)).cpu().to(torch.float64).eval()
    except SlthError:
        raise
    except Exception as error:
        rule = f"cannot be copied ({first_line(error)})"
        raise ArgumentError("module", type(module).__name__, rule, "remove what deepcopy refuses") from None
    for name, tensor in _tensors(twin):
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            place = [int(i) for i in torch.nonzero(~torch.isfinite(tensor))[0]]
            remedy = "load the weights of a trained module"
            raise ArgumentError("module", f"{name}{place}", "is not a finite number", remedy)
    twin.requires_grad_(requires_grad=True)  # with gradients, torch takes no fused path of its own for attention
    _say(module)
    return twin


def _tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(), *module.named_buffers()]


def _attributes(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Return tensors that are plain attributes, which no conversion of torch reaches."""
    found = []
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            if name.startswith("_") and name in ("_parameters", "_buffers", "_modules"):
                continue
            several = (
                value if isinstance(value, list | tuple) else value.values() if isinstance(value, dict) else [value]
            )
            found += [(f"{path}.{name}", one) for one in several if isinstance(one, Tensor) and type(one) is Tensor]
    return found


def _double(tensor: Tensor) -> Tensor:
    return tensor.cpu().double() if tensor.is_floating_point() else tensor.cpu()


def _check(name: str, tensor: Any) -> None:
    check_dense(name, tensor)
    if tensor.is_complex():
        raise ArgumentError("module", name, f"is {tensor.dtype}, and networks here are real", "use real weights")


def _say(module: nn.Module) -> None:
    coarse = sorted({str(one.dtype) for _, one in _tensors(module) if one.is_floating_point()
                     and one.dtype not in (torch.float32, torch.float64)})  # fmt: skip
    if coarse:
        message = "weights in %s are described as the float64 numbers that they are; the module itself rounds more"
        _LOG.warning(message, ", ".join(coarse))
    if module.training:
        _LOG.info("the module is in training mode; it is described as it computes at evaluation")


class Doubled(TorchFunctionMode):
    """While it is active, whoever asks for float32 gets float64: ``x.float()`` is no rounding of the function."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        options = {name: self._double(one) for name, one in (kwargs or {}).items()}
        function = Tensor.double if func is Tensor.float else func
        return function(*(self._double(one) for one in args), **options)

    @staticmethod
    def _double(given: Any) -> Any:
        return torch.float64 if given is torch.float32 else given


def called(twin: nn.Module, x: Tensor) -> Tensor:
    """Return what a module gives for a batch, or raise ArgumentError that names the layer where the call fails."""
    try:
        with Doubled():
            result = twin(x.clone())
    except Exception as error:
        place = place_of(twin, error)
        rule = f"cannot be called on float64 of shape {list(x.shape)}: {place} raises {first_line(error)}"
        remedy = "give the input_shape that it expects; forward must take one tensor of any batch"
        raise ArgumentError("module", type(twin).__name__, rule, remedy) from None
    if not isinstance(result, Tensor) or not result.is_floating_point() or result.shape[:1] != x.shape[:1]:
        shown = f"{result.dtype} of shape {list(result.shape)}" if isinstance(result, Tensor) else type(result).__name__
        rule = f"must give one tensor of real numbers with the batch of {len(x)} as first axis, and gives {shown}"
        raise ArgumentError("module", type(twin).__name__, rule, "wrap it in a module that returns one output")
    return result.detach()


def place_of(twin: nn.Module, error: BaseException) -> str:
    """Return the path of the innermost module in whose forward an error was raised."""
    paths = {id(part): path for path, part in twin.named_modules()}
    place, trace = "forward", error.__traceback__
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        place = paths.get(id(owner), "") or place
        trace = trace.tb_next
    return place
