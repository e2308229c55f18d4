"""Another activation in the place of a module's ReLUs, and one that is binary."""

from __future__ import annotations

from torch import Tensor, nn

from slth.errors import ArgumentError


class SignActivation(nn.Module):
    r"""Binary activations: :math:`\mathrm{sign}(x)`, with the gradient :math:`2 (1 - |x|)` within :math:`\pm 1`.

    It has no parameters. In front of it stands a norm layer, as in the networks of :class:`slth.searches.Biprop` with
    binary weights and activations: conv, norm, sign, conv, pool, norm, sign. An input of 0 gives 0.

    Notes
    -----
    Source of the gradient: Liu, Wu, Luo, Yang, Liu, Cheng, "Bi-Real Net: Enhancing the Performance of 1-bit CNNs with
    Improved Representational Capability and Advanced Training Algorithm", ECCV 2018, that of a sign approximated by
    parabolas.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([-3.0, -0.25, 0.5], requires_grad=True)
    >>> slth.searches.SignActivation()(x).tolist()
    [-1.0, -1.0, 1.0]
    >>> slth.searches.SignActivation()(x).sum().backward()
    >>> x.grad.tolist()
    [0.0, 1.5, 1.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the signs."""
        near = x.clamp(-1.0, 1.0)
        passed = near * (2.0 - near.abs())
        return x.detach().sign() + (passed - passed.detach())


ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "elu": nn.ELU, "sign": SignActivation}


def activated(module: nn.Module, name: str) -> nn.Module:
    """Put an activation in the place of each ``nn.ReLU`` below a module, and return it."""
    places = [
        (part, child) for part in module.modules() for child, layer in part.named_children() if type(layer) is nn.ReLU
    ]
    if not places and name != "relu":
        rule = f"takes the place of nn.ReLU layers, and {type(module).__name__} has none"
        raise ArgumentError("activations", name, rule, "choose a model with them, such as lenet-300-100 or conv-4")
    for part, child in places:
        setattr(part, child, ACTIVATIONS[name]())
    return module
