"""Weights that are computed from others before they are used: constants of a deployed model.

``torch.nn.utils.parametrize`` and the older ``spectral_norm`` and ``weight_norm`` compute a layer's weight whenever it
is asked for, and some of them move a buffer each time while the model trains. Hardware holds the result. Inside a
context the computation is exact and not audited, is that of evaluation mode, and leaves every buffer as it was.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from golden.pytorch.state import current_context, issuing

__all__ = ["deploy", "undeploy"]

# What computes weights, and the modules whose mode and buffers it uses.
_COMPUTATIONS: tuple[tuple[type, str, Callable[..., Iterable[nn.Module]]], ...] = (
    (ParametrizationList, "forward", lambda parametrizations, *_: parametrizations.modules()),
    (ParametrizationList, "right_inverse", lambda *_: ()),  # of a weight that is written, which may set buffers
    (SpectralNorm, "__call__", lambda hook, module, *_: (module,)),
    (WeightNorm, "__call__", lambda hook, module, *_: (module,)),
)
_originals: list[Any] = []


def deploy() -> None:
    """Have weights computed as those of a deployed model in threads that are inside a context."""
    _originals[:] = [getattr(cls, name) for cls, name, _ in _COMPUTATIONS]
    for (cls, name, modules), original in zip(_COMPUTATIONS, _originals, strict=True):
        setattr(cls, name, _deployed(original, modules))


def undeploy() -> None:
    """Have weights computed as they were before ``deploy``."""
    for (cls, name, _), original in zip(_COMPUTATIONS, _originals, strict=True):
        setattr(cls, name, original)


def _deployed(original: Callable[..., Any], modules: Callable[..., Iterable[nn.Module]]) -> Callable[..., Any]:
    @functools.wraps(original)
    def compute(*args: Any, **kwargs: Any) -> Any:
        if current_context() is None:
            return original(*args, **kwargs)
        with issuing(), _frozen(list(modules(*args))):
            return original(*args, **kwargs)

    return compute


@contextmanager
def _frozen(modules: list[nn.Module]) -> Iterator[None]:
    """Hold modules, without those below them, in evaluation mode, and restore their mode and buffers."""
    training = [module.training for module in modules]
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in modules
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, mode in zip(modules, training, strict=True):
            module.training = mode
        with torch.no_grad():
            for module, name, buffer, before in buffers:
                module._buffers[name] = buffer
                if not torch.equal(buffer, before):  # writing what is there already would invalidate gradients
                    buffer.copy_(before)
