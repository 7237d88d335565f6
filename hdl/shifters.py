"""Shifts by distances that are known late, and the count of leading zeros: what aligns and normalises a sum."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux

from hdl.bits import Bit, Word, wire, word_of
from hdl.delays import either
from hdl.pipeline import Cut, Path

__all__ = ["count_leading_zeros", "lost_ones", "shift_left", "shift_right"]

# A level of the count, a step of a shift, the same where long distances clear the word, and the sticky bit's two levels
# (`hdl.delays`).
COUNT_DELAY = either(2.4, luts=3.2)
CLEAR_DELAY = either(4.2, luts=2.5)
LOST_DELAY = either(6.7, luts=5.5)
ANY_DELAY = either(2.1, luts=4.0)
SHIFT_DELAY = either(2.7, luts=2.5)


def shift_right(m: Module, value: Word, distance: Word, name: str, fill: Bit = 0) -> Path:
    """Shift right by any distance, the word's width and more included: a datapath with a cut after every step.

    A bit fills what is left empty. The smallest step comes first: the low bits of a difference settle first, so that
    the others meet a word that no longer moves.
    """
    width = len(value)
    steps = (width - 1).bit_length()
    for k in range(min(steps, len(distance))):
        step, delay = 1 << k, SHIFT_DELAY
        value = wire(m, Mux(distance[k], Cat(value[step:], word_of([fill] * step)), value), f"{name}_{step}")
        if k == steps - 1 and len(distance) > steps:
            far, delay = wire(m, distance[steps:].any(), f"{name}_far"), CLEAR_DELAY
            value = wire(m, Mux(far, word_of([fill] * width), value), f"{name}_cleared")
        value, distance, fill = yield Cut(delay, (value, distance, fill))
    return value


def lost_ones(m: Module, value: Word, distance: Word, name: str) -> Path:
    """Whether any 1 of a word is lost by shifting it right, the sticky bit: a datapath beside the shift.

    Of four bits of the word, weights 4g .. 4g + 3, all are lost where distance / 4 is more than g, and where it is g,
    as many of the lowest as distance mod 4 says.
    """
    low, high = distance[:2], distance[2:]
    lost: list[Word] = []
    for group in range((len(value) + 3) // 4):
        four = value[4 * group : 4 * group + 4]
        part = Cat(four[k] & (low > k) for k in range(min(len(four), 3)))
        one = (four.any() & (high > group)) | (part.any() & (high == group))
        lost.append(wire(m, one, f"{name}_{4 * group}"))
    word = yield Cut(LOST_DELAY, word_of(lost))
    return (yield Cut(ANY_DELAY, wire(m, word.any(), name)))


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
