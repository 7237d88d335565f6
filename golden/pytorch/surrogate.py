"""``surrogate``: a differentiable stand-in for a model on a multiplier, in exact products of masked operands."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from golden.catalogue import Multiplier
from golden.pytorch.context import approximate
from golden.pytorch.module import ApproximateModule
from golden.pytorch.rules import Layers
from golden.pytorch.split import two_product_form

__all__ = ["Surrogate", "surrogate"]


class Surrogate(ApproximateModule):
    """A model whose products take the two-product form; made by ``surrogate``."""

    def __init__(self, model: nn.Module, context: approximate, temperature: float) -> None:
        nn.Module.__init__(self)
        self._wrap(model, context, temperature)


def surrogate(
    model: nn.Module,
    multiplier: str | Multiplier | None = None,
    *,
    layers: Layers | None = None,
    uncovered: str = "error",
    temperature: float | None = None,
) -> Surrogate:
    """Return the differentiable two-product form of a model, for crafting attacks quickly, on any device.

    Every covered contraction of x and w becomes two exact ones, l(x) b(w) + c(x) t(w) with the masked operands of
    ``golden.pytorch.split``, which is a contraction of doubled depth, [l, c] . [b; t]. For ``widen`` multipliers that
    do not truncate products this is the bit-exact sum up to the rounding of sums; truncation lowers each product by
    less than one unit in its last place. For ``halve`` and ``wrap`` it is the ``widen`` form, which is another
    function: examples crafted on it must be evaluated on the bit-exact model. Its derivative is ``masked``, see
    ``golden.pytorch.gradients``.

    Parameters
    ----------
    model : torch.nn.Module
        A model, or an ``ApproximateModule``, whose multiplier, layers and temperature are then taken over.
    multiplier : str or Multiplier, optional
        ``ax-fpm`` unless the model brings its own.
    layers, uncovered
        As for ``golden.pytorch.approximate``.
    temperature : float, optional
        Divisor of the logits, 1 unless the model brings its own. Without one, inflated logits hide gradients from
        attacks; ``ApproximateModule`` says more.

    Returns
    -------
    Surrogate
        An ``ApproximateModule`` in all but the arithmetic: it shares the model's parameters.

    Raises
    ------
    InvalidInput
        (a ValueError) If a name is unknown, the multiplier has no two-product form, or the temperature is not positive
        and finite.
    InvalidType
        (a TypeError) If the model is no ``torch.nn.Module``, or compiled.
    """
    if isinstance(model, ApproximateModule):
        settings = model.context.settings
        multiplier = settings.rule.multiplier if multiplier is None else multiplier
        layers = settings.layers if layers is None else layers
        temperature = model.temperature if temperature is None else temperature
        model = model.model
    context = approximate(multiplier or "ax-fpm", layers=layers, gradient="masked", uncovered=uncovered)
    two_product_form(context.settings.rule.multiplier)
    context.settings = replace(context.settings, rule=replace(context.settings.rule, compute="two-products"))
    return Surrogate(model, context, 1.0 if temperature is None else temperature)
