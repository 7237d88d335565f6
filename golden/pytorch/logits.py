"""The logits in whatever a model returns, and their division by a temperature."""

from __future__ import annotations

import copy
from dataclasses import is_dataclass, replace
from typing import Any

from torch import Tensor

from golden.errors import InvalidInput, InvalidType

__all__ = ["divided", "logits_of"]


def divided(output: Any, by: float) -> Any:
    """Return a model's output with its logits divided.

    Raises
    ------
    InvalidInput
        If the output is neither a tensor nor has ``logits``, or has a loss of the undivided ones.
    """
    if by == 1:
        return output
    if isinstance(output, Tensor):
        return output / by
    if isinstance(getattr(output, "logits", None), Tensor) and getattr(output, "loss", None) is None:
        if hasattr(output, "_replace"):  # a named tuple
            return output._replace(logits=output.logits / by)
        if is_dataclass(type(output)) and type(output).__dataclass_params__.frozen:
            return replace(output, logits=output.logits / by)
        output = copy.copy(output)
        output.logits = output.logits / by
        return output
    raise InvalidInput(
        f"temperature={by:g} divides logits, and the {type(output).__name__} that the model returns "
        + ("has a loss of the undivided ones; compute the loss outside the model" if hasattr(output, "logits")
           else "has none; return a tensor, or an object with logits")
    )  # fmt: skip


def logits_of(output: Any) -> Tensor:
    """Return the logits of a model's output.

    Raises
    ------
    InvalidType
        If it is neither a tensor nor has ``logits``.
    """
    logits = output if isinstance(output, Tensor) else getattr(output, "logits", None)
    if not isinstance(logits, Tensor):
        raise InvalidType(f"a {type(output).__name__} has no logits; return a tensor, or an object with logits")
    return logits
