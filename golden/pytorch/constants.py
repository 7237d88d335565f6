"""Constants of a model that calls add to products: biases, shifts of norms, position embeddings.

``Constants`` sees those calls. With zeros for the constants such a call gives the products alone, whatever function it
is; with others, it gives what a model of other constants would.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from golden.errors import InvalidInput
from golden.pytorch.operators import OPENED
from golden.pytorch.state import issued_by_us, issuing

__all__ = ["Added", "Constants", "Key", "Run", "key_of"]

Key = tuple[int, int, tuple[int, ...], tuple[int, ...]]
"""A parameter or buffer, or a view of one: its memory, offset, shape and strides."""

Added = dict[tuple[int, str], Tensor]
"""Constants by position and name among a call's arguments."""

Run = Callable[[Added], Any]
"""Makes a call with given constants."""


def key_of(x: Tensor) -> Key:
    """Return what tells a constant from others."""
    return x.untyped_storage().data_ptr(), int(x.storage_offset()), tuple(x.shape), x.stride()


@dataclass(frozen=True)
class _Adds:
    """A function of torch that adds constants to products: where they stand among its arguments.

    Parameters
    ----------
    arguments : tuple of (int, str)
        Position and name of each.
    always : bool
        Whether a tensor there is a bias whatever its origin, or only where it is the model's own.
    unless : (int, str, bool), optional
        Position, name and default of the argument that says that a norm takes its own statistics.
    """

    arguments: tuple[tuple[int, str], ...]
    always: bool = True
    unless: tuple[int, str, bool] | None = None


_BIAS, _NORM = _Adds(((2, "bias"),)), ((1, "running_mean"), (4, "bias"))
_TERMS = _Adds(((0, "input"), (1, "other")), always=False)
_ADDING: dict[Any, _Adds] = {
    **{getattr(torch, f"conv{kind}{n}d"): _BIAS for kind in ("", "_transpose") for n in (1, 2, 3)},
    functional.linear: _BIAS,
    functional.bilinear: _Adds(((3, "bias"),)),
    functional.batch_norm: _Adds(_NORM, unless=(5, "training", False)),
    functional.instance_norm: _Adds(_NORM, unless=(5, "use_input_stats", True)),
    torch.addmm: _Adds(((0, "input"),), always=False),
    torch.Tensor.addmm: _Adds(((0, "input"),), always=False),
    **{getattr(torch, name): _TERMS for name in ("add", "sub", "subtract")},
    **{
        getattr(torch.Tensor, name): _TERMS
        for name in ("add", "add_", "sub", "sub_", "subtract", "subtract_", "__radd__", "__rsub__")
    },
}
"""Function of torch -> what it adds. With zeros instead, it returns the products alone."""


class Constants(TorchFunctionMode):
    """Sees every call that adds constants of a model; entered inside the context that computes products."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.state = {
            tensor.untyped_storage().data_ptr(): name
            for name, tensor in (*model.named_buffers(), *model.named_parameters())
            if tensor.numel()
        }

    def name_of(self, x: Tensor) -> str:
        """Name the parameter or buffer that a tensor is, or a part of."""
        pointer, offset, shape, _ = key_of(x)
        whole = x.untyped_storage().nbytes() == x.numel() * x.element_size()
        return self.state[pointer] + ("" if whole else f"[{offset}:{offset + math.prod(shape)}]")

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Hand calls that add constants to ``call``."""
        kwargs = kwargs or {}
        if func in OPENED and not issued_by_us():
            with self:
                return OPENED[func](*args, **kwargs)
        adds = None if issued_by_us() else _ADDING.get(func)
        if adds is None or (adds.unless and _given(args, kwargs, *adds.unless)):
            return func(*args, **kwargs)
        with issuing():
            found = self._found(adds, args, kwargs, getattr(func, "__name__", "a call").strip("_"))
        if not found:
            return func(*args, **kwargs)

        def run(constants: Added) -> Any:
            positional, named = _replaced(args, kwargs, constants)
            return func(*positional, **named)

        return self.call(run, found)

    def _found(self, adds: _Adds, args: Any, kwargs: Any, what: str) -> Added:
        tensors = {place: _given(args, kwargs, *place) for place in adds.arguments}
        tensors = {place: x for place, x in tensors.items() if isinstance(x, Tensor) and x.is_floating_point()}
        found = {place: x for place, x in tensors.items() if x.untyped_storage().data_ptr() in self.state}
        if adds.always and len(found) < len(tensors):
            raise InvalidInput(
                f"{what} adds a bias that the model computes from others, which no factor can be written to; make it a "
                "parameter first (torch.nn.utils.parametrize.remove_parametrizations)"
            )
        # Sums of activations have no constant, sums of constants no activation.
        return found if adds.always or len(adds.arguments) == 1 or len(found) < len(tensors) else {}

    def call(self, run: Run, found: Added) -> Any:
        """Return the result of a call, ``run(found)``, or of one with other constants."""
        raise NotImplementedError


def _given(args: Any, kwargs: Any, position: int, name: str, default: Any = None) -> Any:
    return args[position] if position < len(args) else kwargs.get(name, default)


def _replaced(args: Any, kwargs: Any, by: Added) -> tuple[list[Any], dict[str, Any]]:
    args, kwargs = list(args), dict(kwargs)
    for (position, name), x in by.items():
        if position < len(args):
            args[position] = x
        else:
            kwargs[name] = x
    return args, kwargs
