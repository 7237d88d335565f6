"""``coverage``: what of a model runs on a multiplier, operator by operator, with its multiplications."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import flop_counter

from golden.catalogue import Multiplier
from golden.door.context import approximate
from golden.door.contractions import Contraction
from golden.door.modes import Door
from golden.door.rules import Layers
from golden.door.vocabulary import sums_products
from golden.errors import InvalidType

__all__ = ["Coverage", "Operator", "coverage"]

# Operators that move or make numbers without computing them.
_MOVES = re.compile(
    r"_*(arange|bernoulli|cat|clone|constant_pad_nd|contiguous|copy|detach|empty|expand|fill|full|gather|index|lift_fresh"
    r"|local_scalar_dense|masked_fill|new|ones|permute|rand|randn|reflection_pad|repeat|replication_pad|reshape|select"
    r"|scalar_tensor|slice|split|stack|t|to|transpose|tril|unsafe|unsqueeze|view|zero|zeros)"
    r"(_like|_alias|_copy|_empty|_full|_ones|_zeros|_split|_view|_select|[123]d)?_?"
)
# Operators that multiply, or divide, once per element of their result.
_ELEMENTWISE_PRODUCTS = re.compile(r"(mul|div|square|pow)_?|_*(native_|cudnn_|fused_)?(batch|layer|group|rms)_norm.*")


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
        of an elementwise product, division or norm, 0 for what does not multiply.
    uncovered : bool
        Whether it is a convolution, matrix product, attention or recurrent operator that the multiplier should run and
        cannot; ``approximate`` raises on those unless told otherwise.
    """

    module: str
    operator: str
    approximated: bool
    multiplier: str
    calls: int
    macs: int
    uncovered: bool


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
        """All multiplications."""
        return sum(operator.macs for operator in self.operators)

    def table(self) -> str:
        """Return a text table with a line per operator and a line of sums."""
        rows = [("module", "operator", "runs on", "calls", "MACs")]
        rows += [
            (
                o.module or "(model)",
                o.operator,
                o.multiplier or ("exact (uncovered)" if o.uncovered else "exact"),
                str(o.calls),
                f"{o.macs:,}" if o.macs else "?" if o.uncovered else "-",
            )
            for o in self.operators
        ]
        share = self.approximated_macs / self.macs if self.macs else 0.0
        rows.append(("all", "", f"{share:.2%} approximated", "", f"{self.macs:,}"))
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

    The model runs once, in its present mode and without gradients, in plain torch: nothing is emulated.

    Parameters
    ----------
    model : torch.nn.Module
        The model; of an ``ApproximateModule`` the wrapped one.
    example : Tensor or tuple
        The model's input, or a tuple of its inputs; MACs are for this batch.
    multiplier : str or Multiplier
        The multiplier in question.
    layers
        As for ``golden.door.approximate``.

    Raises
    ------
    InvalidInput, InvalidType
        As for ``golden.door.approximate``; uncovered operators are listed.
    """
    from golden.door.module import ApproximateModule

    if isinstance(model, ApproximateModule):
        layers = model.context.settings.layers if layers is None else layers
        model = model.model
    if not isinstance(model, nn.Module):
        raise InvalidType(f"a model is a torch.nn.Module, not {type(model).__name__}")
    context = approximate(multiplier, layers=layers, uncovered="exact")
    settings = replace(context.settings, rule=replace(context.settings.rule, compute="torch"))
    door = _Counter(replace(settings), {})
    with torch.no_grad():
        door.enter(owner=context)
        try:
            model(*example) if isinstance(example, tuple) else model(example)
        finally:
            door.leave()
    return Coverage(tuple(door.counted.values()))


class _Counter(Door):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.counted: dict[tuple[str, str, str], Operator] = {}

    def _count(self, operator: str, multiplier: str, macs: int, uncovered: bool = False) -> None:
        module = self.calls.here()[0][0]
        key = (module, operator, multiplier)
        before = self.counted.get(key)
        self.counted[key] = (
            replace(before, calls=before.calls + 1, macs=before.macs + macs)
            if before
            else Operator(module, operator, bool(multiplier), multiplier, 1, macs, uncovered)
        )

    def record(self, operation: Contraction, x: Tensor, w: Tensor) -> None:
        """Count a contraction under the function that the model called."""
        rule = self.rule_here()
        assert rule is not None
        self._count(self.function, str(rule.multiplier), operation.macs(x, w))

    def observe(self, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Count an exact operator, unless it only moves numbers."""
        name = func._schema.name.rpartition("::")[2]
        if _MOVES.fullmatch(name) or getattr(func, "is_view", False):
            return
        macs = 0
        if func._overloadpacket in flop_counter.flop_registry:
            macs = flop_counter.flop_registry[func._overloadpacket](*args, **kwargs, out_val=result) // 2
        elif _ELEMENTWISE_PRODUCTS.fullmatch(name):
            first = result[0] if isinstance(result, (tuple, list)) else result
            macs = first.numel()
        self._count(name, "", macs, uncovered=sums_products(func) and self.rule_here() is not None)
