"""Significand products as descriptions: what multiplies two p-bit significands, before normalisation and rounding.

A design only describes. ``golden.reference`` and ``golden.significand`` compute with it, ``hdl.significand`` builds it.
Whoever adds a multiplier writes one of these: blocks of a cell given by its truth table, blocks given by a table, a
triple of masks, or a function on significands. A name is for tables and messages only: designs are equal where their
tables, masks, functions and circuits are, and nothing may be looked up by a name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from golden.block_tables import flat_table
from golden.cells import CELLS, Cell
from golden.checks import check_count
from golden.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "CIRCUIT_MODULE",
    "MITCHELL",
    "CellBlocks",
    "Circuit",
    "Design",
    "Function",
    "Masks",
    "TableBlocks",
    "circuit_of",
    "table_of",
]

CIRCUIT_MODULE = "part_circuit"
"""What the module of a ``Circuit`` is called."""


@dataclass(frozen=True)
class CellBlocks:
    """Digit products by ``block`` x ``block`` row-ripple arrays of one cell, added exactly.

    Parameters
    ----------
    cell : Cell
        The full adder of the arrays.
    block : int
        Digit width n; it must divide the precision. n = 1 is the exact product with every cell.
    """

    cell: Cell
    block: int

    @property
    def name(self) -> str:
        """Short description for tables and messages."""
        if self.is_exact:
            return "exact product"
        # A cell that bears the name of another one is shown with its tables.
        own = CELLS.get(self.cell.name, self.cell) == self.cell
        tables = "" if own else f" of Sum {self.cell.sum} and Cout {self.cell.carry}"
        return f"{self.block} x {self.block} blocks of {self.cell.name} cells{tables}"

    @property
    def is_exact(self) -> bool:
        """Whether the product is A * B by construction."""
        return self.cell.is_exact or self.block == 1

    @property
    def carries(self) -> bool:
        """Whether the product may reach 2^(2p), so that the carry policy matters."""
        return not self.is_exact

    def check(self, precision: int) -> None:
        """Raise InvalidInput unless the design fits significands of ``precision`` bits."""
        _check_block(self.block, precision)


@dataclass(frozen=True)
class Circuit:
    """A combinational circuit that multiplies two unsigned operands.

    Parameters
    ----------
    width : int
        Bits of either operand; the product has twice as many.
    verilog : str
        One module ``CIRCUIT_MODULE`` with the ports ``a`` (activation), ``b`` (weight) and ``p`` (product).
    gates : tuple
        The same as gates, as ``golden.multiplier_files.gates.netlist`` makes them and evaluates them.
    """

    width: int
    verilog: str = field(repr=False)
    gates: tuple[Any, ...] = field(repr=False, compare=False)


@dataclass(frozen=True, init=False)
class TableBlocks:
    """Digit products looked up in a table, added exactly.

    Parameters
    ----------
    name : str
        Name for tables and messages.
    block : int
        Digit width n <= 8; it must divide the precision.
    table : array_like of int
        The products, below 2^(2n): 2^n rows of 2^n, ``table[a][b]`` the product of the digits a (activation) and b
        (weight), as nested lists, tuples or an array; or all of them in one row, entry ``a << n | b``, as they are
        kept: a tuple of int.
    circuit : Circuit, optional
        What multiplies digits in hardware, equal to the table; without it the table itself is built.

    Raises
    ------
    InvalidInput
        If the block is too large, the table has another shape, or a product is out of range or not whole.
    """

    name: str = field(compare=False)
    block: int
    table: tuple[int, ...] = field(repr=False)
    circuit: Circuit | None = field(default=None, repr=False)

    is_exact = False
    carries = True

    def __init__(self, name: str, block: int, table: Any, circuit: Circuit | None = None) -> None:
        what = f"block table {name!r}"
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "block", check_count(f"{what}: block", block, 1, 8))
        object.__setattr__(self, "table", flat_table(what, self.block, table))
        object.__setattr__(self, "circuit", circuit)

    def check(self, precision: int) -> None:
        """Raise InvalidInput unless the design fits significands of ``precision`` bits."""
        _check_block(self.block, precision)


def table_of(function: Callable[[int, int], int], *, block: int, name: str = "") -> TableBlocks:
    """Tabulate a function on digits, as C models of approximate multipliers come: all 2^(2n) pairs are asked.

    Parameters
    ----------
    function : callable
        ``function(a, b) -> product``: the product of two n-bit digits, whole and below 2^(2n); a of the activation, b
        of the weight.
    block : int
        Digit width n <= 8.
    name : str
        Name for tables and messages; the function's own without it.

    Returns
    -------
    TableBlocks
        Blocks of that table.

    Raises
    ------
    InvalidInput
        If the block is too large, or a product is out of range or not whole.
    """
    name = name or getattr(function, "__name__", "function")
    side = 1 << check_count(f"table of {name!r}: block", block, 1, 8)
    return TableBlocks(name, block, [[function(a, b) for b in range(side)] for a in range(side)])


@dataclass(frozen=True)
class Masks:
    """P = (A & low) * B + 2 * (A & high) * (B & top): the general form of AMA5 blocks.

    Parameters
    ----------
    name : str
        Name for tables and messages.
    low, high, top : int
        Masks over the significand; low and high must not overlap, which keeps P below 2^(2p+1).
    """

    name: str = field(compare=False)
    low: int
    high: int
    top: int

    is_exact = False
    carries = True

    def __post_init__(self) -> None:
        for key in ("low", "high", "top"):
            check_count(f"masks {self.name!r}: {key}", getattr(self, key), 0)
        if self.low & self.high:
            raise InvalidInput(f"masks {self.name!r}: low and high must not overlap; give each bit to one of them")

    def check(self, precision: int) -> None:
        """Raise InvalidInput unless the design fits significands of ``precision`` bits."""
        if max(self.low, self.high, self.top) >> precision:
            raise InvalidInput(f"masks {self.name!r} are wider than {precision} bits; choose a wider format")


@dataclass(frozen=True)
class Function:
    """A significand product given by a vectorised function.

    Parameters
    ----------
    name : str
        Name for tables and messages.
    function : callable
        ``function(a, b, precision) -> P`` on uint64 arrays of equal shape holding significands in
        [2^(p-1), 2^p); returns uint64 below 2^(2p+1). ``hdl.significand.register_hardware`` gives it its circuit.
    carries : bool
        Whether P may reach 2^(2p), so that the carry policy matters.
    circuit : Circuit, optional
        The circuit that the function evaluates, which is also the hardware.
    source : tuple of (str, str, str), optional
        Path, variable and digest of the Python file that it comes from: a function of a file is pickled as that.
    """

    name: str = field(compare=False)
    function: Callable[[np.ndarray, np.ndarray, int], np.ndarray] = field(repr=False)
    carries: bool = False
    circuit: Circuit | None = field(default=None, repr=False)
    source: tuple[str, str, str] | None = field(default=None, compare=False, repr=False)

    is_exact = False

    def check(self, precision: int) -> None:
        """Raise InvalidInput unless a circuit has this width; a function without one takes every precision."""
        if self.circuit is not None and self.circuit.width != precision:
            raise InvalidInput(
                f"{self.name} multiplies {self.circuit.width} bits, and significands have {precision}; choose a format "
                "of that precision"
            )

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.source is None:
            return super().__reduce_ex__(protocol)
        from golden.multiplier_files.scripts import function_again

        return function_again, self.source


Design = CellBlocks | TableBlocks | Masks | Function


def circuit_of(design: Design) -> Circuit | None:
    """The circuit that is a design's hardware; None where it is made of our own parts."""
    return design.circuit if isinstance(design, TableBlocks | Function) else None


def _check_block(block: int, precision: int) -> None:
    if check_count("block", block, least=None) < 1 or precision % block:
        choices = ", ".join(str(n) for n in range(1, precision + 1) if precision % n == 0)
        raise InvalidInput(f"block={block} does not divide the {precision}-bit significand; choose one of {choices}")


def _mitchell(a: np.ndarray, b: np.ndarray, precision: int) -> np.ndarray:
    # log2(1 + f) ~ f: the fractions add, F = fa + fb with p - 1 fraction bits. F < 1 stands for 1.F * 2^0, otherwise
    # 1.(F - 1) * 2^1 = F * 2^1. In units of 2^-(2p-2): (2^(p-1) + F) * 2^(p-1), or F * 2^p.
    import numpy as np

    one = np.uint64(1 << (precision - 1))
    f = (a - one) + (b - one)
    return np.where(f < one, (f + one) << np.uint64(precision - 1), f << np.uint64(precision))


MITCHELL = Function("mitchell", _mitchell)
"""J. N. Mitchell, "Computer Multiplication and Division Using Binary Logarithms", IRE Trans. EC-11(4), 1962."""
