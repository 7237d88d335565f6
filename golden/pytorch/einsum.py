"""Einstein summation of two operands as one batched matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from golden.errors import InvalidInput

__all__ = ["Contracted", "parse"]


@dataclass(frozen=True)
class Contracted:
    """Dimensions of the operands a and b by role, and the order of (batch, left, right) in the result.

    The sum runs over ``k_a`` in the order given, the last one fastest.
    """

    batch_a: Sequence[int]
    batch_b: Sequence[int]
    left: Sequence[int]
    right: Sequence[int]
    k_a: Sequence[int]
    k_b: Sequence[int]
    order: Sequence[int]


def parse(equation: str, shapes: Sequence[Sequence[int]]) -> Contracted | None:
    """Return the plan of an equation, or None where it sums no products.

    The sum runs over the indices that the result does not have, in the order in which the first operand, the
    activations, names them. An ellipsis is a batch of dimensions.

    Raises
    ------
    InvalidInput
        If the order of sums or roles would be ambiguous: more than two operands, an index repeated within one, an
        index that one operand sums alone, dimensions that broadcast.
    """
    if not isinstance(equation, str):
        raise InvalidInput("einsum takes an equation as a string here; write it as such")
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise InvalidInput(f"einsum {equation!r} does not fit {len(shapes)} operands")
    expanded = [_expand(term, len(shape), equation) for term, shape in zip(terms, shapes, strict=True)]
    everything = [index for term in expanded for index in term]
    if arrow:
        dots = max(([index for index in term if _rank(index) < 0] for term in expanded), key=len)
        before, ellipsis, after = output.partition("...")
        result = [*before, *(dots if ellipsis else []), *after]
    else:  # indices that occur once, sorted, after those of an ellipsis
        result = sorted({index for index in everything if everything.count(index) == 1 or _rank(index) < 0}, key=_rank)
    if len(shapes) == 1:
        return None
    if len(shapes) != 2:
        raise InvalidInput(f"einsum {equation!r} has {len(shapes)} operands; write it as products of two")
    a, b = expanded
    k = [index for index in a if index in b and index not in result]
    for term in expanded:
        alone = [index for index in term if index not in result and index not in k]
        if alone or len(set(term)) != len(term):
            raise InvalidInput(
                f"einsum {equation!r} repeats or sums an index within one operand; do that before, with sum or diagonal"
            )
    if not k:
        return None
    shared = [index for index in a if index in b]
    for index in shared:
        if shapes[0][a.index(index)] != shapes[1][b.index(index)]:
            raise InvalidInput(f"einsum {equation!r} has operands of different size along {index!r}; expand them first")
    batch = [index for index in shared if index in result]
    left, right = ([index for index in term if index not in shared] for term in expanded)
    return Contracted(
        [a.index(i) for i in batch],
        [b.index(i) for i in batch],
        [a.index(i) for i in left],
        [b.index(i) for i in right],
        [a.index(i) for i in k],
        [b.index(i) for i in k],
        [[*batch, *left, *right].index(i) for i in result],
    )


def _expand(term: str, dimensions: int, equation: str) -> list[str]:
    """Return one index per dimension; the dimensions of an ellipsis are numbered from its end, ``...1`` the last."""
    before, ellipsis, after = term.partition("...")
    hidden = dimensions - len(before) - len(after)
    letters = before + after
    if hidden < 0 or (hidden and not ellipsis) or (letters and not letters.isalpha()):
        raise InvalidInput(f"einsum {equation!r} does not fit an operand of {dimensions} dimensions")
    return [*before, *(f"...{i}" for i in range(hidden, 0, -1)), *after]


def _rank(index: str) -> float:
    """Sort dimensions of an ellipsis, widest first, before letters."""
    return -float(index[3:]) if index.startswith("...") else float(ord(index))
