"""``coverage``: what of a model runs on a multiplier, operator by operator, with its multiplications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from golden.catalogue import Multiplier
from golden.errors import InvalidType
from golden.pytorch.context import approximate
from golden.pytorch.contractions import Contraction
from golden.pytorch.macs import multiplications, sums_products
from golden.pytorch.modes import EnteredContext
from golden.pytorch.rules import Layers, Settings

__all__ = ["Coverage", "Operator", "coverage"]


@dataclass(frozen=True)
class Operator:
    """One operator of one module.

    Parameters
    ----------
    module : str
        Name of the module that calls it, as in ``named_modules()``; empty for the model itself.
    operator : str
        Name of the function (approximated) or of torch's operator (exact).
    approximated : bool
        Whether it runs on the multiplier.
    multiplier : str
        The multiplier's name; empty for exact operators.
    calls : int
        Calls for one example batch.
    macs : int
        Multiplications in all calls, those by padding included: multiply-accumulates of a contraction, one per result
        of an elementwise product, division or normalisation, one per operand's element of a norm, variance or product
        along a dimension, one per neighbour that interpolation weighs. 0 for functions of one operand, sums, means,
        comparisons, and for what is not ``counted``.
    uncovered : bool
        Whether it sums products that the multiplier should compute and cannot, or may do so for all that is known of
        it; ``approximate`` raises on those unless told otherwise.
    counted : bool
        Whether ``macs`` is known; it is not where torch does not tell how often an operator multiplies.
    """

    module: str
    operator: str
    approximated: bool
    multiplier: str
    calls: int
    macs: int
    uncovered: bool
    counted: bool = True


@dataclass(frozen=True)
class Coverage:
    """Every operator of a model in order of first call; iterable, and ``str()`` is a table."""

    operators: tuple[Operator, ...]

    def __iter__(self) -> Iterator[Operator]:
        return iter(self.operators)

    def __len__(self) -> int:
        return len(self.operators)

    @property
    def approximated_macs(self) -> int:
        """Multiplications on multipliers."""
        return sum(operator.macs for operator in self.operators if operator.approximated)

    @property
    def macs(self) -> int:
        """All multiplications that are known, see ``uncounted``."""
        return sum(operator.macs for operator in self.operators)

    @property
    def uncounted(self) -> tuple[Operator, ...]:
        """Exact operators that multiply nobody knows how often: the approximated share is at most what it seems."""
        return tuple(operator for operator in self.operators if not operator.counted)

    def table(self) -> str:
        """Return a text table with a line per operator and a line of sums."""
        rows = [("module", "operator", "runs on", "calls", "MACs")]
        rows += [
            (
                o.module or "(model)",
                o.operator,
                o.multiplier or ("exact (uncovered)" if o.uncovered else "exact"),
                str(o.calls),
                f"{o.macs:,}" if o.macs else "-" if o.counted else "?",
            )
            for o in self.operators
        ]
        share = self.approximated_macs / self.macs if self.macs else 0.0
        most, more = ("at most ", " + ?") if self.uncounted else ("", "")
        rows.append(("all", "", f"{most}{share:.2%} approximated", "", f"{self.macs:,}{more}"))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [
            "  ".join(
                cell.rjust(w) if i > 2 else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        return "\n".join(line.rstrip() for line in lines)

    def __str__(self) -> str:
        return self.table()


def coverage(model: nn.Module, example: Any, multiplier: str | Multiplier, *, layers: Layers | None = None) -> Coverage:
    """Return what of a model runs on a multiplier.

    The model runs once, in its present mode and without gradients, in plain torch: nothing is emulated. Contexts that
    it enters itself, such as an ``ApproximateModule`` within it, decide by their own settings and count as well.

    Parameters
    ----------
    model : torch.nn.Module
        The model; of an ``ApproximateModule`` the wrapped one.
    example : Tensor, ndarray or tuple
        The model's input, or a tuple of its inputs, of which arrays become tensors; MACs are for this batch.
    multiplier : str or Multiplier
        The multiplier in question.
    layers
        As for ``golden.pytorch.approximate``.

    Raises
    ------
    InvalidInput, InvalidType
        As for ``golden.pytorch.approximate``; uncovered operators are listed.
    """
    from golden.pytorch.module import ApproximateModule

    if isinstance(model, ApproximateModule):
        layers = model.context.settings.layers if layers is None else layers
        model = model.model
    if not isinstance(model, nn.Module):
        raise InvalidType(f"a model is a torch.nn.Module, not {type(model).__name__}")
    context = approximate(multiplier, layers=layers)
    entered = _Counter(context.settings)
    with torch.no_grad():
        entered.enter(owner=context)
        try:
            model(*map(_as_tensor, example if isinstance(example, tuple) else (example,)))
        finally:
            entered.leave()
    return Coverage(tuple(entered.counted.values()))


def _as_tensor(value: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value


class _Counter(EnteredContext):
    """A context that counts instead of emulating; one that is entered inside another shares its table."""

    def __init__(self, settings: Settings, outer: _Counter | None = None) -> None:
        super().__init__(replace(settings, rule=replace(settings.rule, compute="torch"), uncovered="exact"), {})
        self.outer = outer
        self.top: _Counter = outer.top if outer else self
        self.counted: dict[tuple[str, str, str], Operator] = outer.counted if outer else {}

    def inside(self, settings: Settings, found: dict[str, None]) -> _Counter:
        """Return a counter for a context that the model enters."""
        return _Counter(settings, self)

    def _name_here(self) -> str:
        """Return the name of the module being called under the model, also where an inner context has its own root."""
        names, module = self.calls.here()
        if self.outer is None:
            return names[0]
        before = self.outer._name_here()
        root = module is self.calls.root  # which the model knows as the ApproximateModule around it
        known = (self.top.calls.names or {}).get(id(self.through if root else module))
        return known[0] if known else ".".join(name for name in (before, names[0]) if name)

    def _count(self, operator: str, multiplier: str, macs: int | None, uncovered: bool = False) -> None:
        key = (self._name_here(), operator, multiplier)
        before = self.counted.get(key) or Operator(key[0], operator, bool(multiplier), multiplier, 0, 0, uncovered)
        self.counted[key] = replace(
            before,
            calls=before.calls + 1,
            macs=before.macs + (macs or 0),
            uncovered=before.uncovered or uncovered,
            counted=before.counted and macs is not None,
        )

    def record(self, operation: Contraction, x: Tensor, w: Tensor) -> None:
        """Count a contraction under the function that the model called."""
        rule = self.rule_here()
        assert rule is not None
        self._count(self.function, str(rule.multiplier), operation.macs(x, w))

    def observe(self, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Count an exact operator."""
        macs = multiplications(func, args, kwargs, result)
        missed = sums_products(func, args, kwargs) and self.rule_here() is not None
        name = func._schema.name if hasattr(func, "_schema") else func.name()
        self._count(name.removeprefix("aten::"), "", macs, missed)
