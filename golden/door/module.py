"""``ApproximateModule``: a model that enters the context inside its own ``forward``, for attack libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from golden.catalogue import Multiplier
from golden.door.context import approximate
from golden.door.rules import Layers
from golden.door.state import thread
from golden.errors import InvalidType

__all__ = ["ApproximateModule"]


class ApproximateModule(nn.Module):
    """A model on a multiplier, as a module.

    Parameters, buffers and submodules are the wrapped model's own objects under their own names, without a prefix:
    training this module trains the model, and a ``state_dict`` of either loads into the other. Moving, casting and
    train/eval mode reach the model. Deep copies and pickles hold a model of their own. Attributes that this class does
    not have are the model's.

    Parameters
    ----------
    model : torch.nn.Module
        The model, as ``model``; names of ``layers=`` are those of its ``named_modules()``.
    multiplier, layers, accumulate, gradient, uncovered
        As for ``golden.door.approximate``; the context is ``context``.

    Raises
    ------
    InvalidType
        (a TypeError) If the model is no ``torch.nn.Module``, or one under ``torch.jit`` or ``torch.compile``.
    InvalidInput
        (a ValueError) As for ``approximate``, and if the model uses ``torch.utils.checkpoint`` around a product while
        gradients are recorded: ``backward`` would compute it again when the context has ended. A checkpoint around
        this whole module is fine.
    """

    model: nn.Module
    context: approximate

    def __init__(
        self,
        model: nn.Module,
        multiplier: str | Multiplier,
        *,
        layers: Layers | None = None,
        accumulate: str = "float32",
        gradient: str = "scaled",
        uncovered: str = "error",
    ) -> None:
        super().__init__()
        context = approximate(multiplier, layers=layers, accumulate=accumulate, gradient=gradient, uncovered=uncovered)
        self._wrap(model, context)

    def _wrap(self, model: nn.Module, context: approximate) -> None:
        if not isinstance(model, nn.Module):
            raise InvalidType(f"a model is a torch.nn.Module, not {type(model).__name__}")
        if isinstance(model, torch.jit.ScriptModule) or type(model).__module__.startswith("torch._dynamo"):
            raise InvalidType(
                f"a {type(model).__name__} hides its operators from the door; give the model it was compiled from"
            )
        # Past nn.Module's own __setattr__, which would register a submodule and with it a prefix. Sharing the
        # dictionaries themselves keeps every traversal of nn.Module working.
        self.__dict__.update(model=model, context=context)
        for shared in ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"):
            self.__dict__[shared] = model.__dict__[shared]

    @property
    def training(self) -> bool:
        """Whether the wrapped model is in training mode."""
        return self.__dict__["model"].training

    @training.setter
    def training(self, mode: bool) -> None:  # type: ignore[override]
        if "model" in self.__dict__:
            self.model.training = mode

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if "model" not in self.__dict__ or name.startswith("__"):
                raise
            return getattr(self.__dict__["model"], name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the wrapped model on the multiplier."""
        with self.__dict__["context"]:
            thread.doors[-1].ends_with_forward = True
            return self.__dict__["model"](*args, **kwargs)

    def train(self, mode: bool = True) -> ApproximateModule:
        """Set the wrapped model's training mode."""
        self.__dict__["model"].train(mode)
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the wrapped model's ``state_dict``."""
        return self.__dict__["model"].state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Load a ``state_dict`` of the wrapped model."""
        return self.__dict__["model"].load_state_dict(*args, **kwargs)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> ApproximateModule:
        self.__dict__["model"]._apply(fn, recurse)
        return self

    def extra_repr(self) -> str:
        """Name the multiplier."""
        return f"multiplier={self.__dict__['context'].settings.rule.multiplier}"
