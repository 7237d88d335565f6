"""``ApproximateModule``: a model that enters the context inside its own ``forward``, for attack libraries."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from golden.catalogue import Multiplier
from golden.checks import check_number
from golden.errors import InvalidInput, InvalidType
from golden.pytorch.context import approximate
from golden.pytorch.logits import divided
from golden.pytorch.masking import Once, watched
from golden.pytorch.reached import attribute, own, reached
from golden.pytorch.rules import Layers

__all__ = ["ApproximateModule"]

_SHARED = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set")


class ApproximateModule(nn.Module):
    """A model on a multiplier, as a module.

    Parameters, buffers and submodules are the wrapped model's own objects under their own names, without a prefix:
    training this module trains the model, and a ``state_dict`` of either loads into the other. Moving, casting and
    train/eval mode reach the model. Deep copies and pickles hold a model of their own.

    Attributes other than ``model``, ``context`` and ``temperature`` are the model's, and written to the model; a
    ``forward`` that is written stays here, and may call the one before. What can be called among them runs on the
    multiplier as well, with the names of the whole model: its methods (``encode``, ``generate``), its submodules and
    theirs (``module.features[0](x)``), functions, and iterators, step by step. A submodule reached so is a view: it
    shares all of the submodule's state, equals it, and differs in how it runs; lists, dicts and sets of such things are
    given as tuples, read-only mappings and frozen sets. What runs later than the call that made it, a coroutine say,
    raises. Classes, and objects of the model that are no modules and cannot be called, are given as they are, and
    their methods run exactly. Methods of every ``torch.nn.Module`` do what they always do: ``children()``,
    ``named_modules()``, ``modules()`` and the like give the model's own objects, which run exactly when called outside
    this module, as does ``model``, the model itself.

    Parameters
    ----------
    model : torch.nn.Module
        The model, as ``model``; names of ``layers=`` are those of its ``named_modules()``.
    multiplier, layers, accumulate, gradient, uncovered
        As for ``golden.pytorch.approximate``; the context is ``context``.
    temperature : float
        Divisor of the logits, the tensor that ``forward`` returns or the ``logits`` of what it returns; ``1`` leaves
        them. What is reached otherwise is not divided.

    Raises
    ------
    InvalidType
        (a TypeError) If the model is no ``torch.nn.Module``, or one under ``torch.jit`` or ``torch.compile``.
    InvalidInput
        (a ValueError) As for ``approximate``, and if the model uses ``torch.utils.checkpoint`` around a product while
        gradients are recorded: ``backward`` would compute it again when the context has ended. A checkpoint around
        this whole module is fine.

    Warns
    -----
    GradientMaskingWarning
        Once, when a gradient with respect to the input that was asked of this module is exactly zero for part of a
        batch.

    Notes
    -----
    A multiplier that inflates products inflates logits, and a loss of large logits may have no gradient at all in
    float32: attacks that follow it stop, and the model seems robust. PGD with cross-entropy, Linf 0.2, on ``ax-fpm``
    and the checkpoint ``lenet5-mnist``: of the first 64 test images 26 keep their class, and 27 clean ones have a
    gradient of exactly zero; with ``temperature=16`` none keeps it, nor with 5.7, which ``golden.pytorch.temperature``
    gives. The predicted classes are the same.
    """

    model: nn.Module
    context: approximate
    _axfpm_temperature: float
    _axfpm_masking: Once

    def __init__(
        self,
        model: nn.Module,
        multiplier: str | Multiplier,
        *,
        layers: Layers | None = None,
        accumulate: str = "float32",
        gradient: str = "scaled",
        uncovered: str = "error",
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        context = approximate(multiplier, layers=layers, accumulate=accumulate, gradient=gradient, uncovered=uncovered)
        self._wrap(model, context, temperature)

    def _wrap(self, model: nn.Module, context: approximate, temperature: float) -> None:
        if not isinstance(model, nn.Module):
            raise InvalidType(f"a model is a torch.nn.Module, not {type(model).__name__}")
        if isinstance(model, torch.jit.ScriptModule) or type(model).__module__.startswith("torch._dynamo"):
            raise InvalidType(
                f"a {type(model).__name__} hides its operators from the emulation; give the model it was compiled from"
            )
        # Past __setattr__, which writes to the model. Sharing the dictionaries themselves keeps every traversal of
        # nn.Module working, without a prefix.
        divisor = check_number("temperature", temperature, above=0)
        self.__dict__.update(model=model, context=context, _axfpm_temperature=divisor, _axfpm_masking=Once())
        self.__dict__.update({shared: model.__dict__[shared] for shared in _SHARED})

    @property
    def training(self) -> bool:
        """Whether the wrapped model is in training mode."""
        return self.__dict__["model"].training

    @training.setter
    def training(self, mode: bool) -> None:  # pyright: ignore[reportIncompatibleVariableOverride] - the model's
        if "model" in self.__dict__:
            self.model.training = mode

    @property
    def temperature(self) -> float:
        """The divisor of the logits."""
        return self._axfpm_temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self.__dict__["_axfpm_temperature"] = check_number("temperature", value, above=0)

    def entered(self) -> AbstractContextManager[None]:
        """Return the context as it is entered around a call of the model or of something in it."""
        return self.context.around(self)

    def __getattr__(self, name: str) -> Any:
        if "model" not in self.__dict__ or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return attribute(self, self.model, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "model":
            raise InvalidInput("an ApproximateModule keeps its model; make another one for another model")
        if name == "__class__":
            raise InvalidInput(
                "an ApproximateModule keeps its class; register a parametrization of the model's own weights on the "
                "model itself"
            )
        if name == "forward":  # its own, so that what is written may call what it replaces
            self.__dict__[name] = reached(self, own(value))
            return
        if name in _SHARED:
            self.__dict__[name] = value
        if name in self.__dict__ or not callable(getattr(type(self), name, len)):  # len: callable, as methods are
            object.__setattr__(self, name, value)
        else:
            setattr(self.model, name, own(value))

    def __delattr__(self, name: str) -> None:
        if name == "forward":
            super().__delattr__(name)
        elif name in self.__dict__:
            raise AttributeError(f"{name!r} is the ApproximateModule's own, and stays")
        else:
            delattr(self.model, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self.model)})

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the wrapped model on the multiplier."""
        args = tuple(watched(self._axfpm_masking, value) for value in args)
        kwargs = {name: watched(self._axfpm_masking, value) for name, value in kwargs.items()}
        with self.entered():
            result = self.model(*args, **kwargs)
        return reached(self, divided(result, self._axfpm_temperature))

    def get_submodule(self, target: str) -> nn.Module:
        """Return a submodule by its name; like an attribute, it runs on the multiplier."""
        return reached(self, self.model.get_submodule(target))

    def apply(self, fn: Callable[[nn.Module], Any]) -> ApproximateModule:
        """Apply a function to every module of the wrapped model."""
        self.model.apply(fn)
        return self

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
        shown = f", temperature={self.temperature:g}" if self.temperature != 1 else ""
        return f"multiplier={self.context.settings.rule.multiplier}{shown}"


def _delegated(name: str) -> Callable[..., Any]:
    def method(self: ApproximateModule, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.model, name)(*own(args), **kwargs)

    method.__name__, method.__doc__ = name, f"Call the wrapped model's ``{name}``."
    return method


for _name in (
    "add_module",
    "register_module",
    "set_submodule",
    "register_state_dict_pre_hook",
    "register_state_dict_post_hook",
    "register_load_state_dict_pre_hook",
    "register_load_state_dict_post_hook",
):
    setattr(ApproximateModule, _name, _delegated(_name))
