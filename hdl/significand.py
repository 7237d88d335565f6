"""The significand product of every kind of design: columns of bits, a compressor tree, one final adder.

A design from outside brings hardware for its significand function by ``register_hardware``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden import catalogue
from golden.catalogue import Multiplier
from golden.designs import MITCHELL, CellBlocks, Design, Function, Masks, TableBlocks
from golden.errors import InvalidInput, InvalidType
from hdl.bits import Bit, Word, and_, hold, wire, word_of
from hdl.booth import BOOTH_DELAY, booth_rows
from hdl.compressor import BOOTH, OPERATOR, TREES, Heap, check_tree, sum_columns
from hdl.delays import Delay, rows
from hdl.digits import cell_block, table_block
from hdl.limits import check_stages
from hdl.outside_circuit import instantiate
from hdl.pipeline import ENABLE, Cut, Path, pipeline
from hdl.segments import add_in_segments

__all__ = [
    "Hardware",
    "SignificandMultiplier",
    "check_hardware",
    "hardware_of",
    "product_width",
    "register_hardware",
    "significand_product",
]

ROWS_DELAY = 1.0
FUNCTION_DELAY = rows(20.0)
# Halves of the operands multiplied, and what the whole product takes beside that; on FPGAs by an ECP5's DSP blocks.
OPERATOR_DELAY = rows(38.0, luts=18.0)
OPERATOR_SUM_DELAY = rows(24.0, luts=14.0)
DSP_BITS = 18
"""Unsigned operands of an ECP5's MULT18X18D; an iCE40's and a Xilinx 7's blocks have 16 and 17."""


@dataclass(frozen=True)
class Hardware:
    """Hardware for a significand product that is given by a function.

    Parameters
    ----------
    build : callable
        ``build(m, a, b) -> P``: adds combinational logic to the module ``m`` and returns the product of the p-bit
        values ``a`` and ``b``, whose top bits are 1. It may be a datapath (``hdl.pipeline``) that returns P.
    range : callable
        ``range(p) -> (lowest, highest)``: bounds of P, so that the normaliser need not be larger than P's reach.
    delay : float or callable
        Estimated delay in units of one two-input gate, or a function as in ``hdl.delays``; of a datapath, that behind
        its last cut.
    """

    build: Callable[[Module, Word, Word], Word | Path]
    range: Callable[[int], tuple[int, int]]
    delay: Delay = FUNCTION_DELAY


_HARDWARE: dict[Function, Hardware] = {}


def register_hardware(design: Function, hardware: Hardware) -> Hardware:
    """Give a ``Function`` design its hardware, and return it.

    The design is known by its function, not by its name: another function of the same name has none of this.

    Raises
    ------
    InvalidInput
        If the design has other hardware already.
    InvalidType
        If ``design`` is no ``Function``.
    """
    if not isinstance(design, Function):
        raise InvalidType(f"hardware belongs to a golden.designs.Function, not to {design!r}; give the design itself")
    if _HARDWARE.get(design, hardware) != hardware:
        raise InvalidInput(f"the design {design.name!r} has other hardware already; register each function once")
    _HARDWARE[design] = hardware
    return hardware


def hardware_of(design: Function) -> Hardware:
    """Look up the hardware of a ``Function`` design; a circuit is its own.

    Raises
    ------
    InvalidInput
        If there is none.
    """
    if design.circuit is not None:
        circuit = design.circuit
        return Hardware(
            lambda m, a, b: instantiate(m, circuit, a, b, "circuit"), lambda p: (0, (1 << 2 * p) - 1), OPERATOR_DELAY
        )
    if design not in _HARDWARE:
        raise InvalidInput(
            f"the design {design.name!r} has no hardware; add it with hdl.significand.register_hardware, which knows "
            "a design by its function"
        )
    return _HARDWARE[design]


def check_hardware(design: Design, tree: str = "dadda") -> None:
    """Raise InvalidInput unless the design can be built with that compressor tree."""
    check_tree(tree)
    if isinstance(design, Function):
        hardware_of(design)
    if tree in (BOOTH, OPERATOR) and not design.is_exact:
        form = "with Booth digits" if tree == BOOTH else "as an operator"
        raise InvalidInput(f"{design.name} cannot be written {form}; choose from {', '.join(TREES)}")


def product_width(design: Design, precision: int) -> int:
    """Bits of the significand product: 2p + 1 where it may reach 2^(2p), else 2p."""
    return 2 * precision + design.carries


def _blocks(m: Module, design: CellBlocks | TableBlocks, a: Sequence[Bit], b: Sequence[Bit]) -> Heap:
    n = design.block
    heap: dict[int, list[Bit]] = defaultdict(list)
    for i in range(0, len(a), n):
        for j in range(0, len(b), n):
            digits = a[i : i + n], b[j : j + n]
            name = f"block_{i // n}_{j // n}"
            if isinstance(design, TableBlocks) and design.circuit is not None:
                product = [*instantiate(m, design.circuit, word_of(digits[0]), word_of(digits[1]), name)]
            elif isinstance(design, TableBlocks):
                product = table_block(m, design.table, *digits, name)
            else:
                product = cell_block(m, design.cell, *digits, name)
            for weight, bit in enumerate(product, start=i + j):
                heap[weight].append(bit)
    return heap


def _masks(m: Module, design: Masks, a: Sequence[Bit], b: Sequence[Bit]) -> Heap:
    # P = (A & low) * B + 2 * (A & high) * (B & top)
    heap: dict[int, list[Bit]] = defaultdict(list)
    for i in range(len(a)):
        for j in range(len(b)):
            if design.low >> i & 1:
                heap[i + j].append(hold(m, and_(a[i], b[j]), f"pp_{i}_{j}"))
            elif design.high >> i & 1 and design.top >> j & 1:
                heap[i + j + 1].append(hold(m, and_(a[i], b[j]), f"pp_{i}_{j}"))
    return heap


def significand_product(
    m: Module, design: Design, a: Sequence[Bit], b: Sequence[Bit], *, tree: str = "dadda", unread: int = 0
) -> Path:
    """Multiply two significands: a datapath (see ``hdl.pipeline``) that returns P.

    Parameters
    ----------
    m : Module
        Receives the logic.
    design : Design
        What multiplies.
    a, b : sequences of p bits
        Significands of activation and weight, lowest bit first; the top bit, the hidden one, is 1.
    tree : str
        Compressor tree, a name in ``hdl.compressor.TREES``; or ``booth`` or ``operator`` for an exact product.
    unread : int
        Lowest bits of P that nobody reads, as for ``hdl.compressor.sum_columns``.

    Returns
    -------
    Word
        ``product_width(design, p)`` bits.

    Raises
    ------
    InvalidInput
        If the design has no hardware, or no tree has that name.
    """
    width = product_width(design, len(a))
    if isinstance(design, Function):
        hardware = hardware_of(design)
        built: Any = hardware.build(m, word_of(a), word_of(b))
        if isinstance(built, Generator):
            built = yield from built
        product = Signal(width, name="product")
        m.d.comb += product.eq(built)
        return (yield Cut(hardware.delay, product))
    if tree == OPERATOR:
        return (yield from _operator(m, a, b, width))
    if tree == BOOTH:
        heap = yield Cut(rows(BOOTH_DELAY), booth_rows(m, a, b))
        return (yield from sum_columns(m, heap, width, unread=unread))
    heap = _masks(m, design, a, b) if isinstance(design, Masks) else _blocks(m, design, a, b)
    heap = yield Cut(rows(ROWS_DELAY), heap)
    return (yield from sum_columns(m, heap, width, tree=tree, unread=unread))


def _operator(m: Module, a: Sequence[Bit], b: Sequence[Bit], width: int) -> Path:
    """One ``*``; or where a register goes into it, four of halves and their sum: a DSP block multiplies 18 bits."""
    half = (len(a) + 1) // 2
    whole = wire(m, word_of(a) * word_of(b), "product")
    if len(a) <= DSP_BITS:
        return (yield Cut(OPERATOR_DELAY, whole))

    def quarters() -> list[Word]:
        parts = [(i, j, word_of(a[i : i + half]) * word_of(b[j : j + half])) for i in (0, half) for j in (0, half)]
        return [wire(m, part, f"part_{i}_{j}") for i, j, part in parts]

    parts = yield Cut(OPERATOR_DELAY, quarters)
    if parts is not None:
        ends, middle = Cat(parts[0], parts[3]), parts[1] + parts[2]
        whole = wire(m, (ends + Cat(Const(0, half), middle))[:width], "product")
    return (yield Cut(OPERATOR_SUM_DELAY, whole))


class SignificandMultiplier(wiring.Component):
    """y = P(a, b): the significand product of any multiplier of the catalogue alone, as ``FloatMultiplier`` has it.

    Parameters
    ----------
    multiplier : Multiplier or str
        What to build, or its name; its carry policy and roundings are no part of the product.
    stages : int
        Registers between operands and result, as for ``FloatMultiplier``.
    tree : str
        Compressor tree, or ``booth``, as for ``FloatMultiplier``.

    Members
    -------
    a, b : In(p - 1)
        Fractions of activation and weight: their significands without the leading one, which is a constant inside.
    y : Out(product_width(design, p))
        The product of the significands, ``stages`` cycles after its operands.
    en : In(1)
        Present where ``stages > 0``: while it is 0 the whole pipeline stands still.

    Raises
    ------
    InvalidInput
        If the multiplier or tree is unknown, ``stages`` is negative, or the design has no hardware.
    InvalidType
        If ``stages`` is not a whole number.
    """

    a: Any
    b: Any
    y: Any
    en: Any

    def __init__(self, multiplier: Multiplier | str, *, stages: int = 0, tree: str = "dadda") -> None:
        self.multiplier = catalogue.multiplier(multiplier)
        self.stages = check_stages(stages)
        design, precision = self.multiplier.design, self.multiplier.precision
        check_hardware(design, tree)
        self.tree = tree
        fraction = In(precision - 1)
        members: dict[str, Any] = {"a": fraction, "b": fraction, "y": Out(product_width(design, precision))}
        if stages:
            members["en"] = ENABLE
        super().__init__(wiring.Signature(members))

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()

        def path(m: Module, words: tuple[Word, Word]) -> Path:
            a, b = ([*word, 1] for word in words)
            product = yield from significand_product(m, self.multiplier.design, a, b, tree=self.tree)
            return wire(m, product, "significand_product")

        en = self.en if self.stages else None
        m.d.comb += self.y.eq(pipeline(m, path, (self.a, self.b), stages=self.stages, en=en))
        return m


def _mitchell(m: Module, a: Word, b: Word) -> Path:
    # The fractions add: F = fa + fb. F < 1 stands for 1.F at weight 2p-2, else 1.(F - 1) at weight 2p-1. In either case
    # the leading one is followed by the p-1 low bits of the sum, and the sum's carry says which case it is.
    p = len(a)
    addends = ([*word[: p - 1], 0] for word in (a, b))
    total: Word = yield from add_in_segments(m, *addends, name="fraction_sum")
    fraction, carry = total[: p - 1], total[p - 1]
    zeros = Const(0, p - 1)
    return Mux(carry, Cat(zeros, Const(0, 1), fraction, Const(1, 1)), Cat(zeros, fraction, Const(1, 1), Const(0, 1)))


register_hardware(MITCHELL, Hardware(_mitchell, lambda p: (1 << (2 * p - 2), (1 << (2 * p)) - 1), delay=rows(3.0)))
