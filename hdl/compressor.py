"""Adding a heap of bits: a compressor tree reduces every column to two bits, then one adder finishes.

A heap maps a weight to the bits of that weight; where they come from does not matter, so every tree serves every
design, exact or approximate. Trees:

- ``dadda``: L. Dadda, "Some Schemes for Parallel Multipliers", Alta Frequenza 34, 1965;
- ``wallace``: C. S. Wallace, "A Suggestion for a Fast Multiplier", IEEE Trans. EC-13(1), 1964;
- ``four-two``: 4:2 compressors, A. Weinberger, "4:2 Carry-Save Adder Module", IBM Technical Disclosure Bulletin 23(8),
  1981: fewer levels of gates on paper, and more energy and delay as Yosys maps it (``docs/hardware.md``);
- ``plain``: a balanced tree of ``+`` operators that leaves the choice to synthesis, for comparison.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal

from golden.cells import EXACT
from golden.registry import Registry, check_choice
from hdl.bits import Bit, Word, wire, word_of
from hdl.cells import full_adder, half_adder
from hdl.delays import CELLS, LEVEL, tree_level
from hdl.pipeline import Cut, Path, alongside
from hdl.segments import add_in_segments

__all__ = ["BOOTH", "OPERATOR", "TREES", "Adder", "Heap", "Level", "check_tree", "dadda_heights", "sum_columns"]

Heap = dict[int, list[Bit]]
"""Weight -> the bits of that weight, at least one."""


@dataclass(frozen=True)
class Adder:
    """An adder that a tree has put into a level: what goes into it, its sum, and its carries, one weight higher."""

    weight: int
    inputs: tuple[Bit, ...]
    sum: Bit
    carries: tuple[Bit, ...]


@dataclass(frozen=True)
class Level:
    """A level of a tree as it was built, for whoever draws it: the columns before it, those behind it, its adders."""

    before: Heap
    after: Heap
    adders: tuple[Adder, ...]


def _add(m: Module, bits: Sequence[Bit], weight: int, name: str, adders: list[Adder]) -> tuple[Bit, Bit]:
    """Add two bits or three; note the adder."""
    total, carry = half_adder(m, *bits, name=name) if len(bits) == 2 else full_adder(m, EXACT, *bits, name=name)
    adders.append(Adder(weight, tuple(bits), total, (carry,)))
    return total, carry


def dadda_heights(height: int) -> list[int]:
    """Target column heights of the levels, tallest first: 2, 3, 4, 6, 9, 13, .. below ``height``."""
    heights = [2]
    while heights[-1] * 3 // 2 < height:
        heights.append(heights[-1] * 3 // 2)
    return heights[::-1] if height > 2 else []


def _dadda_level(m: Module, heap: Heap, target: int, level: int) -> Level:
    """Reduce each column, carries from the right included, to ``target`` bits and no further."""
    result: dict[int, list[Bit]] = defaultdict(list)
    adders: list[Adder] = []
    carries: list[Bit] = []
    top = max(heap)
    weight = min(heap)
    while weight <= top or carries:
        # Bits already here are compressed first; carries that arrive in this level are kept for the next.
        bits = [*heap.get(weight, []), *carries]
        carries = []
        sums: list[Bit] = []
        while len(bits) + len(sums) > target:
            name = f"l{level}_w{weight}_{len(sums)}"
            count = 2 if len(bits) + len(sums) == target + 1 else 3
            total, carry = _add(m, [bits.pop(0) for _ in range(count)], weight, name, adders)
            sums.append(total)
            carries.append(carry)
        result[weight] = bits + sums
        weight += 1
    return Level(heap, _without_zeros(result), tuple(adders))


def _dadda(m: Module, heap: Heap) -> Path:
    level = 0
    while (height := max(map(len, heap.values()))) > 2:
        built = _dadda_level(m, heap, dadda_heights(height)[0], level)
        heap = yield Cut(tree_level(built.before, built.after), built.after, built)
        level += 1
    return heap


def _after_four_two(height: int) -> int:
    """Height of a column after one level: four bits leave two, three leave two, fewer stay."""
    return 2 * (height // 4) + min(height % 4, 2)


def _four_two_level(m: Module, heap: Heap, target: int, level: int) -> Level:
    """Reduce each column to ``target`` bits and no further, by 4:2 compressors where three bits are too many."""
    result: dict[int, list[Bit]] = defaultdict(list)
    adders: list[Adder] = []
    carries: list[Bit] = []
    chain: list[Bit] = []
    top, weight = max(heap), min(heap)
    while weight <= top or carries or chain:
        bits, arrived, carried, carries, chain = list(heap.get(weight, [])), chain, carries, [], []
        sums: list[Bit] = []
        while (excess := len(bits) + len(arrived) + len(carried) + len(sums) - target) > 0:
            name = f"l{level}_w{weight}_{len(sums)}"
            if excess >= 3 and len(bits) >= 4:
                # x1 + x2 + x3 + x4 + t = sum + 2 (carry + u), where u hangs on the first three alone: it reaches the
                # next column's t and goes no further, so no carry ripples.
                four = [bits.pop(0) for _ in range(4)]
                first, u = full_adder(m, EXACT, *four[:3], name=f"{name}_upper")
                t = arrived.pop(0) if arrived else 0
                total, carry = full_adder(m, EXACT, first, four[3], t, name)
                adders.append(Adder(weight, (*four, t), total, (carry, u)))
                chain.append(u)
            else:
                pool = bits if len(bits) >= min(excess + 1, 3) else [*bits, *arrived, *carried]
                if pool is not bits:
                    bits, arrived, carried = pool, [], []
                count = 2 if excess == 1 else 3
                total, carry = _add(m, [bits.pop(0) for _ in range(count)], weight, name, adders)
            sums.append(total)
            carries.append(carry)
        result[weight] = [*bits, *arrived, *carried, *sums]
        weight += 1
    return Level(heap, _without_zeros(result), tuple(adders))


def _four_two(m: Module, heap: Heap) -> Path:
    level = 0
    while (height := max(map(len, heap.values()))) > 2:
        built = _four_two_level(m, heap, max(_after_four_two(height), 2), level)
        heap = yield Cut(tree_level(built.before, built.after, delay=1.5 * LEVEL), built.after, built)
        level += 1
    return heap


def _wallace(m: Module, heap: Heap) -> Path:
    level = 0
    while max(map(len, heap.values())) > 2:
        result: dict[int, list[Bit]] = defaultdict(list)
        adders: list[Adder] = []
        for weight in sorted(heap):
            bits = heap[weight]
            for k in range(0, len(bits), 3):
                name = f"l{level}_w{weight}_{k // 3}"
                group = bits[k : k + 3]
                if len(group) == 1:
                    result[weight].append(group[0])
                    continue
                total, carry = _add(m, group, weight, name, adders)
                result[weight].append(total)
                result[weight + 1].append(carry)
        built = Level(heap, _without_zeros(result), tuple(adders))
        heap = yield Cut(tree_level(built.before, built.after), built.after, built)
        level += 1
    return heap


def _plain(m: Module, heap: Heap) -> Path:
    words = _rows(heap)
    level = 0
    while len(words) > 1:
        sums = [Signal(max(map(len, pair)) + 1, name=f"l{level}_sum{k}") for k, pair in enumerate(_pairs(words))]
        m.d.comb += [total.eq(x + y) for total, (x, y) in zip(sums, _pairs(words), strict=True)]
        words = sums + (words[-1:] if len(words) % 2 else [])
        words = yield Cut(CELLS.adder_delay(max(map(len, words))), words)
        level += 1
    return {weight: [bit] for weight, bit in enumerate(words[0])}


def _pairs(words: Sequence[Word]) -> list[tuple[Word, Word]]:
    return list(zip(words[::2], words[1::2], strict=False))


def _rows(heap: Heap) -> list[Word]:
    """Lay the columns out as words of equal weight 0, the k-th word holding the k-th bit of each column."""
    top = max(heap) + 1
    return [
        word_of([heap[w][k] if k < len(heap.get(w, [])) else 0 for w in range(top)])
        for k in range(max(map(len, heap.values())))
    ]


def _without_zeros(heap: Mapping[int, list[Bit]]) -> Heap:
    kept = {w: [bit for bit in bits if not (isinstance(bit, int) and bit == 0)] for w, bits in heap.items()}
    return {w: bits for w, bits in kept.items() if bits}


def _fold_constants(heap: Heap) -> Heap:
    """Replace constant ones by the bits of their sum, at most one per column."""
    constant = sum(bit << w for w, bits in heap.items() for bit in bits if isinstance(bit, int))
    folded: Heap = {w: [bit for bit in bits if not isinstance(bit, int)] for w, bits in heap.items()}
    for weight in range(constant.bit_length()):
        if constant >> weight & 1:
            folded.setdefault(weight, []).append(1)
    return _without_zeros(folded)


Tree = Callable[[Module, Heap], Path]

TREES: Registry[Tree] = Registry(
    "compressor tree", {"dadda": _dadda, "wallace": _wallace, "four-two": _four_two, "plain": _plain}
)
"""Compressor trees by name: each leaves at most two bits in every column and offers a cut after every level."""

OPERATOR = "operator"
"""In place of a tree: an exact product is left to the synthesiser as ``*``, which it may map to a DSP block."""

BOOTH = "booth"
"""In place of a tree: an exact product as the rows of ``hdl.booth``, added by Dadda's tree."""


def check_tree(tree: str) -> None:
    """Raise InvalidInput unless ``tree`` names a compressor tree, or is ``BOOTH`` or ``OPERATOR``."""
    check_choice("unknown compressor tree", tree, (*TREES, BOOTH, OPERATOR))


def sum_columns(m: Module, heap: Heap, width: int, *, tree: str = "dadda", unread: int = 0) -> Path:
    """Add a heap: a datapath (see ``hdl.pipeline``) that returns the sum modulo 2^width.

    Parameters
    ----------
    m : Module
        Receives the adders.
    heap : Heap
        The bits to add.
    width : int
        Bits of the result.
    tree : str
        A name in ``TREES``.
    unread : int
        Lowest bits of the sum that nobody reads: registers behind the tree do not hold them.

    Raises
    ------
    InvalidInput
        If no tree has that name.
    """
    reduce = TREES.look_up(tree)
    heap = _fold_constants({w: bits for w, bits in heap.items() if w < width})
    if not heap:
        return Const(0, width)
    columns = yield from reduce(m, heap)
    columns = {w: bits for w, bits in columns.items() if w < width}
    # Below the lowest column of two bits nothing is left to add.
    low = min((w for w, bits in columns.items() if len(bits) > 1), default=width)
    first, second = ([columns[w][k] if k < len(columns.get(w, [])) else 0 for w in range(width)] for k in range(2))
    below = word_of([0 if w < unread else bit for w, bit in enumerate(first[:low])])
    addition = add_in_segments(m, first[low:], second[low:], weight=low, unread=max(unread - low, 0))
    upper, below = yield from alongside(addition, below)
    return wire(m, Cat(below, upper), "product")
