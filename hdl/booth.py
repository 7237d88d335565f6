r"""Rows of an exact product by radix-4 Booth digits: about half as many as the second operand has bits.

A. D. Booth, "A Signed Binary Multiplication Technique", Q. J. Mech. Appl. Math. 4(2), 1951; two bits at a time:
O. L. MacSorley, "High-Speed Arithmetic in Binary Computers", Proc. IRE 49(1), 1961.

The rows of p = 6: ``.`` is a bit of a row, ``c`` the carry of its negation, ``s`` its sign and ``S`` the sign's
complement; ones at constant places (here 11 and 10) stand for the signs' extension. The top bit's row is plain::

    weight   11 10  9  8  7  6  5  4  3  2  1  0

    digit 0         S  s  s  .  .  .  .  .  .  .
                                               c
    digit 1            S  .  .  .  .  .  .  .
                                         c
    digit 2         .  .  .  .  .  .  .
    top bit         .  .  .  .  .  .
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from amaranth.hdl import Module

from hdl.bits import Bit, and_, hold, not_, or_, xor_
from hdl.compressor import Heap

__all__ = ["BOOTH_DELAY", "booth_rows"]

BOOTH_DELAY = 5.0
"""Estimated delay of the rows in units of one two-input gate: digits are recoded, drive a row each, and select."""


def booth_rows(m: Module, a: Sequence[Bit], b: Sequence[Bit]) -> Heap:
    """Build the bits that add up to the product of two unsigned numbers.

    Parameters
    ----------
    m : Module
        Receives the gates.
    a : sequence of p bits
        What the rows are multiples of, lowest bit first.
    b : sequence of p bits
        What is recoded, lowest bit first: while it does not change, no select line does.

    Returns
    -------
    Heap
        Bits whose sum modulo 2^(2p) is a * b.
    """
    # For n odd and b_n = b_-1 = 0,
    #     sum_{k < n} b_k 2^k = sum_{i <= n/2} d_i 4^i,   d_i = b_{2i-1} + b_{2i} - 2 b_{2i+1}.
    # The last digit has no b_{2i+1} and is 0, 1 or 2, so that its row has no sign. Where p is even, the top bit stays
    # out and gives a row of ANDs: as many rows as with a digit for it alone, and one sign less.
    p = len(a)
    odd = p - 1 + p % 2
    heap: dict[int, list[Bit]] = defaultdict(list)
    constant = 0
    for i in range(odd // 2 + 1):
        sign = _add_row(m, heap, a, [0, *b[:odd], 0][2 * i : 2 * i + 3], i)
        if i == odd // 2:
            break
        # The row's sign has weight -2^k: -s 2^k = S 2^k - 2^k, and the -2^k of all rows are one constant. The first
        # row spreads over three columns, -s 2^k = (s + 2 s + 4 S) 2^k - 2^(k+2), which keeps every column at the
        # number of rows.
        k = 2 * i + p + 1
        if i == 0:
            for weight, bit in ((k, sign), (k + 1, sign), (k + 2, not_(sign))):
                heap[weight].append(bit)
            constant -= 1 << k + 2
        else:
            heap[k].append(not_(sign))
            constant -= 1 << k
    for j in range(odd, p):
        for k in range(p):
            heap[j + k].append(hold(m, and_(a[k], b[j]), f"top_{k}"))
    for weight in range(2 * p):
        if constant >> weight & 1:
            heap[weight].append(1)
    return heap


def _add_row(m: Module, heap: dict[int, list[Bit]], a: Sequence[Bit], triple: Sequence[Bit], i: int) -> Bit:
    """Add digit i's multiple of a to the heap, all bits inverted where it is negative; return its sign."""
    low, middle, high = triple
    one = hold(m, xor_(low, middle), f"digit_{i}_one")
    two = hold(m, and_(not_(one), xor_(middle, high)), f"digit_{i}_two")
    # 111 is the digit 0. As a negative one it would need no gate here, but all bits of its row would be 1.
    negative = hold(m, and_(high, not_(and_(low, middle))), f"digit_{i}_negative")
    bits = [or_(and_(one, x), and_(two, below)) for x, below in zip([*a, 0], [0, *a], strict=True)]
    # -x is its complement plus 1. At the lowest bit x_0 the two leave x_0 itself, and a carry where x_0 = 0.
    lowest = hold(m, bits[0], f"row_{i}_0")
    heap[2 * i].append(lowest)
    heap[2 * i + 1].append(hold(m, and_(negative, not_(lowest)), f"row_{i}_carry"))
    for j, bit in enumerate(bits[1:], start=1):
        heap[2 * i + j].append(hold(m, xor_(bit, negative), f"row_{i}_{j}"))
    return negative
