"""``ApproximateModule``: a model that enters the context inside its own ``forward``, for attack libraries."""

from __future__ import annotations

from typing import Any

from torch import nn

from golden.catalogue import Multiplier
from golden.door.context import approximate

__all__ = ["ApproximateModule"]


class ApproximateModule(nn.Module):
    """A model on a multiplier, as a module: parameters, buffers and ``state_dict`` keys are the wrapped model's own."""

    model: nn.Module
    context: approximate

    def __init__(self, model: nn.Module, multiplier: str | Multiplier, **settings: Any) -> None:
        super().__init__()
        self.__dict__["model"] = model
        self.__dict__["context"] = approximate(multiplier, **settings)
        # Sharing the dictionaries themselves leaves every traversal of nn.Module working, without a prefix.
        self._parameters, self._buffers, self._modules = model._parameters, model._buffers, model._modules
        self.training = model.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the wrapped model on the multiplier."""
        with self.context:
            return self.model(*args, **kwargs)

    def train(self, mode: bool = True) -> ApproximateModule:
        """Set training mode, of the wrapped model too."""
        self.model.train(mode)
        self.training = mode
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the wrapped model's ``state_dict``."""
        return self.model.state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Load a ``state_dict`` of the wrapped model."""
        return self.model.load_state_dict(*args, **kwargs)
