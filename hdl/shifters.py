"""Shifts by distances that are known late, and the count of leading zeros: what aligns and normalises a sum."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux

from hdl.bits import Word, wire, word_of
from hdl.delays import either
from hdl.pipeline import Cut, Path

__all__ = ["count_leading_zeros", "shift_left", "shift_right_sticky"]

# A level of the count, what a sticky bit takes beyond the shift beside it, and a step of a shift (`hdl.delays`).
COUNT_DELAY = either(2.4, luts=3.2)
STICKY_DELAY = 1.5
SHIFT_DELAY = either(2.7, luts=2.5)


def shift_right_sticky(m: Module, value: Word, distance: Word, name: str) -> Path:
    """Shift right; return the shifted word and whether any 1 was shifted out: a datapath with a cut after every step.

    The smallest step comes first: the low bits of a difference settle first, so that the others meet a word that no
    longer moves. Distances of the word's width and more are allowed: nothing but the sticky bit remains. That bit does
    not wait for the shift: of four bits of the word, weights 4g .. 4g + 3, all are lost where distance / 4 is more than
    g, and where it is g, as many of the lowest as distance mod 4 says.
    """
    width = len(value)
    steps = (width - 1).bit_length()
    whole = value
    for k in range(min(steps, len(distance))):
        step = 1 << k
        value = wire(m, Mux(distance[k], Cat(value[step:], Const(0, step)), value), f"{name}_{step}")
        value, whole, distance = yield Cut(SHIFT_DELAY, (value, whole, distance))
    if len(distance) > steps:
        far = wire(m, distance[steps:].any(), f"{name}_far")
        value = wire(m, Mux(far, 0, value), f"{name}_cleared")
    low, high = distance[:2], distance[2:]
    lost: list[Word] = []
    for start in range(0, width, 4):
        four = whole[start : start + 4]
        part = Cat(four[k] & (low > k) for k in range(min(len(four), 3)))
        lost.append((four.any() & (high > start // 4)) | (part.any() & (high == start // 4)))
    value, sticky = yield Cut(STICKY_DELAY, (value, wire(m, word_of(lost).any(), f"{name}_sticky")))
    return value, sticky


def count_leading_zeros(m: Module, value: Word, name: str) -> Path:
    """Count the zeros above the leading one by a binary tree, level by level: a datapath (see ``hdl.pipeline``).

    The count of zero itself has no meaning.
    """
    # Of each span of 2^k bits: whether it holds a 1, and the k bits of its count, lowest first. Ones below the word end
    # the count there.
    size = 1 << (len(value) - 1).bit_length()
    spans: list[tuple[Word, list[Word]]] = [(Const(1, 1), []) for _ in range(size - len(value))]
    spans += [(bit, []) for bit in value]
    while len(spans) > 1:
        node = f"{name}_{2 * size // len(spans)}"
        spans = [
            (
                wire(m, high | low, f"{node}_any"),
                [
                    *(wire(m, Mux(high, one, other), node) for one, other in zip(high_count, low_count, strict=True)),
                    ~high,
                ],
            )
            for (low, low_count), (high, high_count) in zip(spans[::2], spans[1::2], strict=True)
        ]
        spans = yield Cut(COUNT_DELAY, spans)
    return wire(m, word_of(spans[0][1]), name)


def shift_left(m: Module, value: Word, distance: Word, name: str) -> Path:
    """Shift left within the word: a datapath with a cut after every step.

    The largest step comes first: a leading-zero count knows its top bit first.
    """
    for k in reversed(range(len(distance))):
        step = 1 << k
        if step < len(value):
            value = wire(m, Mux(distance[k], Cat(Const(0, step), value[:-step]), value), f"{name}_{step}")
            value, distance = yield Cut(SHIFT_DELAY, (value, distance[:k]))
    return value
