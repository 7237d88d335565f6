"""Shifts by distances that are known late, and the count of leading zeros: what aligns and normalises a sum."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux

from hdl.bits import Word, wire, word_of

__all__ = ["count_leading_zeros", "shift_left", "shift_right_sticky"]


def shift_right_sticky(m: Module, value: Word, distance: Word, name: str) -> tuple[Word, Word]:
    """Shift right; return the shifted word and whether any 1 was shifted out.

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
        if step < width:
            value = wire(m, Mux(distance[k], Cat(value[step:], Const(0, step)), value), f"{name}_{step}")
    if len(distance) > steps:
        far = wire(m, distance[steps:].any(), f"{name}_far")
        value = wire(m, Mux(far, 0, value), f"{name}_cleared")
    low, high = distance[:2], distance[2:]
    lost: list[Word] = []
    for start in range(0, width, 4):
        four = whole[start : start + 4]
        part = Cat(four[k] & (low > k) for k in range(min(len(four), 3)))
        lost.append((four.any() & (high > start // 4)) | (part.any() & (high == start // 4)))
    return value, wire(m, word_of(lost).any(), f"{name}_sticky")


def count_leading_zeros(m: Module, value: Word, name: str) -> Word:
    """Count the zeros above the leading one, by a binary tree; the count of zero itself has no meaning."""

    def count(bits: Word) -> tuple[Word, list[Word]]:
        """Whether a span of 2^k bits holds a 1, and the k bits of its count, lowest first."""
        if len(bits) == 1:
            return bits, []
        half = len(bits) // 2
        (low, low_count), (high, high_count) = count(bits[:half]), count(bits[half:])
        node = f"{name}_{len(bits)}"
        here = [wire(m, Mux(high, h, low_), node) for h, low_ in zip(high_count, low_count, strict=True)]
        return wire(m, high | low, f"{node}_any"), [*here, ~high]

    # Ones below the word end the count there.
    size = 1 << (len(value) - 1).bit_length()
    _, bits = count(Cat(Const((1 << size - len(value)) - 1, size - len(value)), value))
    return wire(m, Cat(*bits), name)


def shift_left(m: Module, value: Word, distance: Word, name: str) -> Word:
    """Shift left within the word, the largest step first: a leading-zero count knows its top bit first."""
    for k in reversed(range(len(distance))):
        step = 1 << k
        if step < len(value):
            value = wire(m, Mux(distance[k], Cat(Const(0, step), value[:-step]), value), f"{name}_{step}")
    return value
