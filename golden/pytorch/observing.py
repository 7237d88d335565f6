"""What a model multiplies, in the order of execution: its first layer, its products, and the weights of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from golden.assignments import Assignment
from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.pytorch.context import approximate
from golden.pytorch.contractions import Contraction, Convolution
from golden.pytorch.fitting import evaluating, require_exact
from golden.pytorch.modes import EnteredContext
from golden.pytorch.rules import Settings

__all__ = ["Layer", "Product", "Weight", "first_layer", "multiplied", "multiplied_weights", "product_names"]


@dataclass(frozen=True)
class Layer:
    """A module with a weight that is multiplied with what comes in.

    Parameters
    ----------
    name : str
        As in ``named_modules()``; empty for the model itself.
    module : torch.nn.Module
        The module.
    weight : Tensor
        Its weight.
    """

    name: str
    module: nn.Module
    weight: Tensor


@dataclass(frozen=True)
class Product:
    """The operands of one covered product.

    Parameters
    ----------
    name : str
        The module that computes it, as in ``named_modules()``; empty for the model itself.
    operation : Contraction
        What is computed of them.
    x, w : Tensor
        Activations and weights.
    """

    name: str
    operation: Contraction
    x: Tensor
    w: Tensor


@dataclass(frozen=True)
class Weight:
    """A parameter that products have as their second operand.

    Parameters
    ----------
    name : str
        As in ``named_parameters()``.
    operand : Tensor
        The parameter as products see it: a view of its memory.
    output : int
        The dimension of the operand along which results lie.
    """

    name: str
    operand: Tensor
    output: int


def first_layer(model: nn.Module, images: Tensor) -> Layer:
    """Return the layer that makes the first product of a model which multipliers cover.

    The model runs once, exactly, in evaluation mode and without gradients, and is left as it was.

    Parameters
    ----------
    model : torch.nn.Module
        An exact model.
    images : Tensor
        Inputs, batch first; the first is enough.

    Raises
    ------
    InvalidInput
        If there is no such product, or it is not of a module with a weight of its own; or if the model is not exact.
    """
    found: list[tuple[Tensor, str, nn.Module | None]] = []
    _observe(model, images[:1], lambda operation, x, *seen: found.append(seen))
    if not found:
        raise InvalidInput(
            "the model has no first layer: nothing that it computes is a product that a multiplier covers; give a "
            "model of convolutions or linear layers"
        )
    operand, name, module = found[0]
    weight = getattr(module, "weight", None)
    if module is None or not isinstance(weight, Tensor) or weight.numel() != operand.numel():
        raise InvalidInput(
            f"the model's first product is computed in {name or type(module or model).__name__!r}, which is no layer "
            "with a weight; make it a module like torch.nn.Conv2d or torch.nn.Linear"
        )
    return Layer(name, module, weight)


def multiplied_weights(model: nn.Module, images: Tensor) -> tuple[Weight, ...]:
    """Return the parameters that are weights of products which multipliers cover, each once, in order of first use.

    The model runs once, as for ``first_layer``. Whatever is written to the operands is written to the parameters.

    Raises
    ------
    InvalidInput
        If there are none: the model has no products, or computes its weights from others.
    """
    names = {p.untyped_storage().data_ptr(): name for name, p in model.named_parameters()}
    found: dict[str, Weight] = {}

    def see(operation: Contraction, x: Tensor, w: Tensor, name: str, module: nn.Module | None) -> None:
        known = names.get(w.untyped_storage().data_ptr())
        if known is not None:
            found.setdefault(known, Weight(known, w.detach(), 0 if isinstance(operation, Convolution) else w.dim() - 1))

    _observe(model, images[:1], see)
    if not found:
        raise InvalidInput(
            "no product that a multiplier covers has a parameter of the model as its weight; give a model of "
            "convolutions or linear layers whose weights are not computed from others"
        )
    return tuple(found.values())


def product_names(model: nn.Module, images: Tensor) -> tuple[str, ...]:
    """Return the names of the modules that make the products which multipliers cover, each once, in order of first use.

    The model runs once, as for ``first_layer``.

    Raises
    ------
    InvalidInput
        If the model is not exact.
    """
    found: dict[str, None] = {}
    _observe(model, images[:1], lambda operation, x, w, name, module: found.setdefault(name))
    return tuple(found)


def multiplied(
    model: nn.Module,
    images: Tensor,
    multiplier: str | Multiplier | Assignment = "exact",
) -> tuple[Product, ...]:
    """Return every covered product of a model on a multiplier or an assignment, with the operands that it has there.

    The model runs once, in evaluation mode and without gradients, and is left as it was. Operands are bit for bit
    those of the hardware, and the same on every machine.

    Raises
    ------
    InvalidInput
        If the model is an ``ApproximateModule``, or has operators that no multiplier covers; or the multiplier is
        unknown, or an assignment does not fit.
    """
    found: list[Product] = []
    if isinstance(multiplier, Assignment):
        multiplier.require_layers(product_names(model, images))
        context = approximate(multiplier.multipliers[0], layers=multiplier)
    else:
        context = approximate(multiplier)

    def see(operation: Contraction, x: Tensor, w: Tensor, name: str, module: nn.Module | None) -> None:
        found.append(Product(name, operation, x.detach().clone(), w.detach().clone()))

    _observe(model, images, see, context)
    return tuple(found)


See = Callable[[Contraction, Tensor, Tensor, str, nn.Module | None], None]


def _observe(model: nn.Module, images: Tensor, see: See, context: approximate | None = None) -> None:
    """Show every covered product of a model: operation, operands, name and module; in plain torch without a context."""
    require_exact(model)
    if context is None:
        context = approximate("exact", uncovered="exact")
        settings = replace(context.settings, rule=replace(context.settings.rule, compute="torch"))
    else:
        settings = context.settings
    entered = _Observing(settings, see)
    with evaluating(model), torch.no_grad():
        entered.enter(owner=context)
        try:
            model(images)
        finally:
            entered.leave()


class _Observing(EnteredContext):
    """A context that shows its products."""

    def __init__(self, settings: Settings, see: See) -> None:
        super().__init__(settings, {})
        self.see = see

    def record(self, operation: Contraction, x: Tensor, w: Tensor) -> None:
        names, module = self.calls.here()
        self.see(operation, x, w, names[0], module)
