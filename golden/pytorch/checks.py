"""What a product must be made of: one clear sentence for everything that cannot run on a multiplier."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch  # pyright: ignore[reportAttributeAccessIssue] - torch's stubs lack it

from golden.errors import InvalidInput, InvalidType

__all__ = ["require_dense", "require_eager", "require_plain"]


def require_eager(what: Callable[[], str]) -> None:
    """Raise InvalidInput under autocast, tracing or compilation: there is no product of values to emulate."""
    if any(torch.is_autocast_enabled(device) for device in ("cpu", "cuda")):
        raise InvalidInput(f"{what()} runs under autocast, and products are defined on float32; leave autocast first")
    if torch._C._is_tracing() or torch.compiler.is_compiling():
        raise InvalidInput(
            f"{what()} is being traced or compiled, which the emulation cannot enter; call the original model"
        )


def require_dense(what: Callable[[], str], arguments: Iterable[Any]) -> None:
    """Raise InvalidType if any tensor among a function's arguments is quantised, nested or sparse."""
    for x in arguments:
        if isinstance(x, Tensor) and (x.is_quantized or x.is_nested or x.layout != torch.strided):
            kind = "quantised" if x.is_quantized else "nested" if x.is_nested else f"of layout {x.layout}"
            raise InvalidType(f"{what()} has an operand that is {kind}; give dense float32 tensors")


def require_plain(what: Callable[[], str], operands: dict[str, Any], any_device: bool) -> None:
    """Raise unless every operand that is given is a float32 tensor, on one device, where the emulation runs."""
    devices = {name: x.device for name, x in operands.items() if isinstance(x, Tensor)}
    for name, x in operands.items():
        if x is None:
            continue
        if not isinstance(x, Tensor):
            raise InvalidType(f"{what()} has {name} of type {type(x).__name__}; give a tensor")
        if _functorch.is_functorch_wrapped_tensor(x):
            raise InvalidInput(
                f"{what()} runs under a torch.func transform, which the emulation cannot enter; loop instead"
            )
        if x.dtype != torch.float32:
            raise InvalidType(
                f"{what()} has {name} of dtype {str(x.dtype).removeprefix('torch.')}, and products are defined on "
                "float32; convert it with .float()"
            )
        if x.device.type not in ("cpu", "cuda") and not any_device:
            raise InvalidType(
                f"{what()} has {name} on {x.device}, and the emulation runs on CPUs and NVIDIA GPUs; use .cpu()"
            )
        first = next(iter(devices))
        if x.device != devices[first]:
            raise InvalidType(f"{what()} has {first} on {devices[first]} and {name} on {x.device}; move one of them")
