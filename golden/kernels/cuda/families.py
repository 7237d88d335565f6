"""Which kernels of the device compute a multiplier, as plain numbers: no Triton here.

A *family* is a way to compute products in float32 lanes, one for each body of the CPU that works on float32
(``golden.kernels.bodies``). Arithmetic, masks and ranges are derived there; this file only reads them off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from golden.catalogue import Multiplier
from golden.designs import MITCHELL
from golden.errors import InvalidInput
from golden.kernels.bodies.body import FULL, ONE, Body, Range, instance
from golden.kernels.bodies.ieee_products import Rounded
from golden.kernels.bodies.look_up import Tables
from golden.kernels.bodies.mitchell import Mitchell
from golden.kernels.bodies.toward_zero import Avx512
from golden.kernels.bodies.truncated_narrow import Short
from golden.kernels.bodies.whole_products import Fused
from golden.significand import closed_form

__all__ = ["Design", "Family", "Packing", "Reach", "design", "family"]


@dataclass(frozen=True)
class Reach:
    """Biased exponents that a family covers: least <= ea + eb - 127 <= greatest, ea <= most_a, eb <= most_b."""

    least: int
    greatest: int
    most_a: int
    most_b: int


@dataclass(frozen=True)
class Packing:
    """How ``pack`` derives an operand's streams: its KIND, and the masks FIRST and SECOND."""

    kind: str
    first: int = 0
    second: int = 0

    @property
    def streams(self) -> int:
        """How many."""
        return 1 if self.kind == "one" else 2


@dataclass(frozen=True)
class Family:
    """A way to compute products in float32 lanes.

    Parameters
    ----------
    name : str
        As in ``golden.kernels.cuda.products``.
    activations, weights : Packing
        Their streams.
    kept : int
        Mask over the bits of a product that its format has, as int32.
    reach : Reach
        Which operands it covers.
    signs_zeros : bool
        Whether zero products have the right sign, which shows in sums that start from -0.
    """

    name: str
    activations: Packing
    weights: Packing
    kept: int
    reach: Reach
    signs_zeros: bool


@lru_cache(maxsize=256)
def family(m: Multiplier) -> Family | None:
    """The family of a multiplier, or None where only the integer kernel computes it."""
    for kind, build in _FAMILIES.items():
        if kind.accepts(m):
            body = instance(kind, m)
            name, activations, weights = build(body)
            kept = -1 << (24 - m.precision) if kind is Short else -1
            return Family(name, activations, weights, kept, _reach(body), body.signs_zeros)
    return None


def _whole(name: str) -> Callable[[Body], tuple[str, Packing, Packing]]:
    return lambda body: (name, Packing("one"), Packing("one"))


def _directed(body: Body) -> tuple[str, Packing, Packing]:
    if body.m.design.is_exact:
        return _whole("truncate")(body)
    return body.m.carry, Packing("activation", body.low, body.high), Packing("weight", 0, body.top)


def _short(body: Body) -> tuple[str, Packing, Packing]:
    if not body.high:
        return _whole("short")(body)
    # The masks cover the format's bits; a packed operand has no others.
    low = body.low | FULL >> body.m.precision
    return f"short-{body.m.carry}", Packing("activation", low, body.high), Packing("weight", 0, body.top)


def _words(body: Body) -> tuple[str, Packing, Packing]:
    return "mitchell", Packing("word"), Packing("word", ONE)


_FAMILIES: dict[type[Body], Callable[[Body], tuple[str, Packing, Packing]]] = {
    Fused: _whole("fused"),
    Rounded: _whole("nearest"),
    Short: _short,
    Mitchell: _words,
    Avx512: _directed,
}


def _reach(body: Body) -> Reach:
    """Read the numbers off ``Body.covers``, which bounds a sum of exponents from both sides and each from above."""

    def covers(a: int, b: int) -> bool:
        return body.covers(Range(a, a), Range(b, b))

    pairs = [(e // 2, e - e // 2) for e in range(511)]  # ea + eb, evenly
    sums = [a + b - 127 for a, b in pairs if covers(a, b)]
    return Reach(
        min(sums),
        max(sums),
        max(a for a in range(256) if covers(a, max(1, sums[0] + 127 - a))),
        max(b for b in range(256) if covers(max(1, sums[0] + 127 - b), b)),
    )


@dataclass(frozen=True)
class Design:
    """What the integer kernel multiplies significands by.

    Parameters
    ----------
    kind : str
        ``masks``, ``tables`` or ``mitchell``.
    low, high, top : int
        Masks of the closed form.
    digit : int
        Bits of the digits that the table multiplies.
    table : ndarray of int32, optional
        Products of digits, the activation's first.
    """

    kind: str
    low: int = 0
    high: int = 0
    top: int = 0
    digit: int = 0
    table: np.ndarray | None = None


@lru_cache(maxsize=64)
def design(m: Multiplier) -> Design:
    """What the integer kernel multiplies significands of a multiplier by.

    Raises
    ------
    InvalidInput
        If no kernel of the device can: functions, circuits, blocks of more than 8 bits without a closed form.
    """
    masks = closed_form(m.design, m.precision)
    if masks is not None:
        return Design("masks", *masks)
    if m.design == MITCHELL:
        return Design("mitchell")
    if Tables.accepts(m):
        body = instance(Tables, m)
        assert isinstance(body, Tables) and body.table is not None
        return Design("tables", digit=body.digit, table=body.table.view(np.int32))
    raise InvalidInput(
        f"{str(m)!r} multiplies by {m.design.name}, which no GPU kernel computes; move model and data with .cpu()"
    )
