"""Batch norm, trained with and deployed without: folded into the layer before it.

After training a batch norm is the affine map y = (x - mean) / sqrt(var + eps) * gamma + beta of each channel. Behind a
convolution or linear layer x = w a + b it is one with it, of the weights w gamma / sqrt(var + eps) and the bias
(b - mean) gamma / sqrt(var + eps) + beta (B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018, section 3.2). Accelerators run networks so.
"""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

__all__ = ["folded"]


def folded(module: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode whose batch norms are folded into the layers before them.

    In every ``nn.Sequential`` of it, a ``BatchNorm2d`` straight after a ``Conv2d`` and a ``BatchNorm1d`` straight after
    a ``Linear`` disappear, so that the layers behind move up; others stay.
    """
    return _folded(copy.deepcopy(module).eval())


def _folded(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        setattr(module, name, _folded(child))
    if not isinstance(module, nn.Sequential):
        return module
    layers: list[nn.Module] = []
    for layer in module:
        before = layers[-1] if layers else None
        if isinstance(before, nn.Conv2d) and isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(before, layer)
        elif isinstance(before, nn.Linear) and isinstance(layer, nn.BatchNorm1d):
            layers[-1] = fuse_linear_bn_eval(before, layer)
        else:
            layers.append(layer)
    return nn.Sequential(*layers).eval()
