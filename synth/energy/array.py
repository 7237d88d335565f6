"""The energy of an array from that of its elements: what is on the ports of each, and the sum with what stands between.

An array is ``rows`` x ``columns`` elements and its edges: the registers that skew activations, sums, weights and
results, and the control of its streams. Each element is measured as a netlist of its own on the very words that it has
in the array, its outputs loaded by nothing but what counts in the next one, and the edges as the array without its
elements. The sum leaves out what mapping the whole at once would share. The same figures, times their numbers, give
larger arrays.

In: a tile and its vectors; out: the words on every port for one tile, loaded into an array at rest, then one vector in
each cycle. Memories and the clock tree are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from hdl.array import SystolicArray
from hdl.pe import pe_signature
from synth.energy.bench import settling
from synth.energy.blocks import Streams
from synth.energy.element import later, outputs
from synth.energy.measured import Measured

__all__ = ["ArrayEdges", "ArrayEnergy", "ArrayStreams", "array_streams", "compose"]

ELEMENT = "pe_{}_{}"


@dataclass(frozen=True)
class ArrayStreams:
    """The words on all ports of an array and of its parts, one for each cycle, outputs at latency 0.

    Parameters
    ----------
    whole, edges : Streams
        Of the array, and of the array without its elements.
    elements : dict of (int, int) to Streams
        By row and column.
    rest : int
        Cycles before the first weights, in which nothing moves: ``stages`` of ``synth.energy.measure.measure``.
    """

    whole: Streams
    edges: Streams
    elements: dict[tuple[int, int], Streams]
    rest: int


@dataclass(frozen=True)
class ArrayEnergy:
    """Energy of an array over a recording, pJ: of its elements and of its edges."""

    elements_pj: float
    edges_pj: float

    @property
    def total_pj(self) -> float:
        """Of the whole array."""
        return self.elements_pj + self.edges_pj


def compose(elements: Iterable[Measured], edges: Measured) -> ArrayEnergy:
    """Add up an array from its elements and its edges.

    Parameters
    ----------
    elements : iterable of Measured
        One for each element, in any order; one figure may stand for several.
    edges : Measured
        The array without its elements.

    Raises
    ------
    InvalidInput
        If there are none, or they were recorded for different numbers of cycles.
    """
    parts = list(elements)
    if not parts or {each.operations for each in parts} != {edges.operations}:
        raise InvalidInput("an array is composed of elements and edges of as many cycles; measure all on one recording")
    return ArrayEnergy(
        sum(float(each.with_glitches.total.sum()) for each in parts), float(edges.with_glitches.total.sum())
    )


def array_streams(
    activations: np.ndarray,
    weights: np.ndarray,
    sums: np.ndarray,
    multiplier: Multiplier,
    *,
    stages: int = 1,
    adder_stages: int = 1,
) -> ArrayStreams:
    """Return what is on every port while an array at rest loads a tile, multiplies its vectors, and comes to rest.

    After ``rest`` and one more cycles in which an array that was reset comes to rest, R cycles load the rows, the
    vectors follow, one in each cycle, and the results are taken as they come.

    Parameters
    ----------
    activations : numpy.ndarray
        uint32, (n, R): vectors.
    weights : numpy.ndarray
        uint32, (R, C): the tile.
    sums : numpy.ndarray
        uint32, (n, C): what each column starts from.
    multiplier : Multiplier
        Of float32 words.
    stages, adder_stages : int
        As of ``hdl.array.SystolicArray``.
    """
    (n, rows), columns = activations.shape, weights.shape[1]
    rest = 1 + stages + rows * adder_stages + columns
    load = settling(rest) + 1 + rest
    start = load + rows
    over = _Cycles(start + n + rest, load)
    enter, last = over.at(start, np.ones(n)), over.at(start + n - 1, np.ones(1))
    first = over.at(start, np.ones(1))
    found: dict[tuple[int, int], tuple[dict[str, np.ndarray], dict[str, np.ndarray]]] = {}
    for r in range(rows):
        for c in range(columns):
            west, north = found.get((r, c - 1)), found.get((r - 1, c))
            if west is None:
                row = {"a": over.at(start, activations[:, r]), "a_valid": enter, "a_first": first}
                across = {name: later(each, r * adder_stages) for name, each in row.items()} | {"a_bypass": over.none}
            else:
                across = {name: west[1][name.replace("a", "a_out", 1)] for name in ("a", *TAGS)}
            if north is None:
                column = {"p": over.at(start, sums[:, c]), "p_valid": enter, "p_last": last}
                down = {name: later(each, 1 + stages + c) for name, each in column.items()}
            else:
                down = {name: north[1][name.replace("p", "p_out", 1)] for name in ("p", "p_valid", "p_last")}
            tile = {"w": over.at(load, weights[:, c]), "w_load": over.at(load + r, np.ones(1))}
            inputs = across | down | {name: later(each, c) for name, each in tile.items()}
            found[r, c] = inputs, outputs(inputs, multiplier, stages=stages, adder_stages=adder_stages)
    whole = _whole(over, start, activations, weights, sums, found)
    elements = {place: over.streams(*ports, rest) for place, ports in found.items()}
    inner = {f"{ELEMENT.format(*place)}__{name}": words for place, p in found.items() for name, words in p[0].items()}
    inner |= {f"{ELEMENT.format(*place)}__en": over.none + np.uint32(1) for place in found}
    back = {f"{ELEMENT.format(*place)}__{name}": words for place, p in found.items() for name, words in p[1].items()}
    edges = over.streams(whole[0] | back, whole[1] | inner, rest)
    return ArrayStreams(over.streams(*whole, rest), edges, elements, rest)


TAGS = ("a_valid", "a_first", "a_bypass")


class _Cycles:
    """Words over cycles from the reset on, the first weights in the cycle ``load``."""

    def __init__(self, cycles: int, load: int) -> None:
        self.cycles, self.load = cycles, load
        self.none = np.zeros(cycles, np.uint32)

    def at(self, cycle: int, words: np.ndarray) -> np.ndarray:
        """Words from a cycle on, 0 before and after."""
        found = self.none.copy()
        found[cycle : cycle + len(words)] = words
        return found

    def streams(self, inputs: dict[str, np.ndarray], expected: dict[str, np.ndarray], rest: int) -> Streams:
        """Return the words from ``rest`` and one cycles before the first weights on."""
        first = self.load - 1 - rest
        own = [{name: words[first:] for name, words in each.items()} for each in (inputs, expected)]
        return Streams(own[0], own[1], dict.fromkeys(own[1], 0))


def _whole(
    over: _Cycles, start: int, activations: np.ndarray, weights: np.ndarray, sums: np.ndarray, found: dict[Any, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Inputs and outputs of the array itself."""
    (n, rows), columns = activations.shape, weights.shape[1]
    enter, last = over.at(start, np.ones(n)), over.at(start + n - 1, np.ones(1))
    corner = found[rows - 1, columns - 1][1]
    always = over.none + np.uint32(1)
    vector = [over.at(start, activations[:, r]) for r in range(rows)]
    results = [later(found[rows - 1, c][1]["p_out"], columns - 1 - c) for c in range(columns)]
    inputs = {
        "activations__payload": packed([*((each, 32) for each in vector), (over.none, rows), (last, 1)]),
        "activations__valid": enter,
        "sums__payload": packed([(over.at(start, sums[:, c]), 32) for c in range(columns)]),
        "sums__valid": enter,
        "weights__payload": packed([(over.at(over.load, weights[:, c]), 32) for c in range(columns)]),
        "weights__valid": over.at(over.load, np.ones(rows)),
        "results__ready": always,
    }
    # The first vector comes when the last row of the tile has; so each row's shadow registers are free for its weights,
    # and activations and sums, which wait for each other, pass whenever they are there.
    expected = {
        "activations__ready": enter,
        "sums__ready": enter,
        "weights__ready": always,
        "results__payload": packed([*((each, 32) for each in results), (corner["p_out_last"], 1)]),
        "results__valid": corner["p_out_valid"],
    }
    return inputs, expected


def packed(fields: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """Join fields of so many bits, the lowest first: uint64, (n, k), 64 bits each, the lowest first."""
    total = [sum(int(word) << at for word, at in zip(row, _places(fields), strict=True)) for row in _rows(fields)]
    parts = -(-sum(bits for _, bits in fields) // 64)
    mask = (1 << 64) - 1
    return np.array([[word >> 64 * k & mask for k in range(parts)] for word in total], np.uint64)


def _rows(fields: list[tuple[np.ndarray, int]]) -> Iterable[tuple[Any, ...]]:
    return zip(*(words.tolist() for words, _ in fields), strict=True)


def _places(fields: list[tuple[np.ndarray, int]]) -> list[int]:
    return [sum(bits for _, bits in fields[:k]) for k in range(len(fields))]


class _Open(SystolicArray):
    """An array whose elements are left open."""

    open: dict[str, Any]

    def _element(self, m: Module, name: str, en: Any) -> Any:
        element = self.open[name]
        m.d.comb += element.en.eq(en)
        return element


class ArrayEdges(wiring.Component):
    """An array without its elements, whose ports it has beside its own: ``pe_R_C``, from the array's side.

    Parameters
    ----------
    multiplier : Multiplier or str
        Decides the width of words alone.
    rows, columns, stages, adder_stages
        As of ``hdl.array.SystolicArray``.
    """

    def __init__(self, multiplier: Multiplier | str, *, rows: int, columns: int, **stages: int) -> None:
        self.array: Any = _Open(multiplier, rows=rows, columns=columns, **stages)
        self.ports = pe_signature(self.array.multiplier.format)
        names = [ELEMENT.format(r, c) for r in range(rows) for c in range(columns)]
        self.array.open = {name: self.ports.create(path=(name,)) for name in names}
        own: dict[str, Any] = dict(self.array.signature.members.items())
        super().__init__(wiring.Signature(own | dict.fromkeys(names, In(self.ports))))

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()
        m.submodules.array = self.array
        for name in self.array.signature.members:
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(self.array, name))
        for name, element in self.array.open.items():
            outside = getattr(self, name)
            for port, member in self.ports.members.items():
                source, target = (element, outside) if member.flow is In else (outside, element)
                m.d.comb += getattr(target, port).eq(getattr(source, port))
        return m
