"""Many multipliers or adders in one simulator, each shown the same operand pairs: exhaustive proofs in one build.

One generated top holds an instance of every design; a small program around Verilator's model reads the pairs from a
file and writes every result to another. No test framework stands in the way: half a million products a second and
more, whatever the number of designs.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden.catalogue import CARRY_POLICIES, OPERAND_ROUNDINGS, PRODUCT_ROUNDINGS, Multiplier
from golden.cells import CELLS
from golden.designs import CellBlocks
from golden.errors import InvalidInput, MissingTool
from golden.formats import Format
from sim.build import SimulationError, folder_for_builds
from sim.compiled import program
from sim.tools import find

__all__ = ["all_pairs", "every_multiplier", "hardware_products", "hardware_sums"]

_MAIN = r"""
#include "Vtop.h"
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

// argv: file of operand pairs (two uint32 each), file of results, bytes of y, extra cycles.
int main(int argc, char **argv) {
    FILE *in = std::fopen(argv[1], "rb"), *out = std::fopen(argv[2], "wb");
    size_t width = 0, extra = 0;
    if (!in || !out || std::sscanf(argv[3], "%zu", &width) != 1 || std::sscanf(argv[4], "%zu", &extra) != 1) return 1;
    Vtop top;
    uint32_t pair[2];
    top.clk = 0;
    top.rst = 0;
    for (size_t rest = extra; ; ) {
        if (std::fread(pair, sizeof pair, 1, in) != 1 && rest-- == 0) break;
        top.a = pair[0];
        top.b = pair[1];
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
        if (std::fwrite(&top.y, 1, width, out) != width) return 1;
    }
    return std::fclose(out);
}
"""


def every_multiplier(fmt: Format) -> list[Multiplier]:
    """Every multiplier that the dial reaches in a format.

    All cells, block widths, carry policies, operand and product roundings that fit, each distinct one once.
    """
    found: dict[Multiplier, None] = {}
    blocks = [n for n in range(1, fmt.precision + 1) if fmt.precision % n == 0]
    for cell in CELLS.values():
        for n in blocks:
            for carry in CARRY_POLICIES:
                for operands in OPERAND_ROUNDINGS:
                    for product in PRODUCT_ROUNDINGS:
                        try:
                            found[Multiplier(fmt, CellBlocks(cell, n), carry, operands, product)] = None
                        except InvalidInput:  # an exact product wider than the word
                            continue
    return list(found)


def all_pairs(word_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of words: two uint32 arrays of shape (4^word_bits,)."""
    words = np.arange(1 << word_bits, dtype=np.uint32)
    return np.repeat(words, words.size), np.tile(words, words.size)


def hardware_products(
    designs: Sequence[tuple[Multiplier, int]], a: np.ndarray, b: np.ndarray, *, build_dir: Path | str | None = None
) -> np.ndarray:
    """Products of the generated hardware, by Verilator.

    Parameters
    ----------
    designs : sequence of (Multiplier, int)
        Multipliers, all of one word width, and their pipeline stages.
    a, b : numpy.ndarray
        Activations and weights: uint32, shape (N,). Pipelined designs take a new pair at every clock edge.
    build_dir : path, optional
        Where the simulator is built and kept; by default a folder of the cache.

    Returns
    -------
    numpy.ndarray
        Words, uint8 or uint32 as the word is wide, shape (designs, N).

    Raises
    ------
    MissingTool
        If Verilator is not installed.
    SimulationError
        If the design does not compile or run.
    """
    try:
        from hdl.multiplier import FloatMultiplier
    except ImportError as error:
        raise MissingTool(f"{error.name} is not installed: run `pip install 'axfpm[hardware]'`") from None
    bits = designs[0][0].format.word_bits
    return _results([FloatMultiplier(m, stages=stages) for m, stages in designs], bits, a, b, build_dir)


def hardware_sums(
    designs: Sequence[tuple[Format, int]], a: np.ndarray, b: np.ndarray, *, build_dir: Path | str | None = None
) -> np.ndarray:
    """Sums of the generated adders, by Verilator.

    Parameters
    ----------
    designs : sequence of (Format, int)
        Formats, all of one word width, and pipeline stages.
    a, b, build_dir
        As for :func:`hardware_products`.

    Returns
    -------
    numpy.ndarray
        Words, uint8 or uint32 as the word is wide, shape (designs, N).

    Raises
    ------
    MissingTool, SimulationError
        As for :func:`hardware_products`.
    """
    try:
        from hdl.adder import FloatAdder
    except ImportError as error:
        raise MissingTool(f"{error.name} is not installed: run `pip install 'axfpm[hardware]'`") from None
    bits = designs[0][0].word_bits
    return _results([FloatAdder(fmt, stages=stages) for fmt, stages in designs], bits, a, b, build_dir)


def _results(components: list[Any], bits: int, a: np.ndarray, b: np.ndarray, build_dir: Path | str | None) -> Any:
    dtype = {8: np.uint8, 32: np.uint32}[bits]
    tool = find("verilator")
    folder = folder_for_builds(build_dir)
    # A model's y is a whole number of 32-bit words; padding it to more than 64 bits makes it an array of them.
    padding = -len(components) % (32 // bits) + 3 * (32 // bits)
    slots = len(components) + padding
    runnable = program(_top(components, bits, slots), _MAIN, top="top", tool=tool, folder=folder)
    latest = max(component.stages for component in components)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        operands, results = Path(place) / "operands", Path(place) / "results"
        np.stack([a, b], axis=1).astype(np.uint32).tofile(operands)
        command = [str(runnable), str(operands), str(results), str(slots * bits // 8), str(latest)]
        if subprocess.run(command, check=False).returncode != 0:
            raise SimulationError(f"the simulation broke off: {' '.join(command)}")
        cycles = np.fromfile(results, dtype).reshape(-1, slots).T
    # After the edge that takes pair k, a combinational design shows pair k and one of S stages pair k - S + 1.
    starts = [max(component.stages - 1, 0) for component in components]
    return np.stack([row[start:][: a.size] for row, start in zip(cycles, starts, strict=False)])


def _top(components: list[Any], bits: int, slots: int) -> str:
    from amaranth.back.verilog import convert
    from amaranth.hdl import ClockDomain, Module, Signal

    top = Module()
    a, b = Signal(bits, name="a"), Signal(bits, name="b")
    y = Signal(slots * bits, name="y")
    slots_of_y: list[Any] = [y[i * bits : (i + 1) * bits] for i in range(slots)]
    domain = ClockDomain("sync")
    top.domains.sync = domain
    assert domain.rst is not None
    for i, instance in enumerate(components):
        top.submodules[f"design_{i}"] = instance
        top.d.comb += [instance.a.eq(a), instance.b.eq(b), slots_of_y[i].eq(instance.y)]
        if instance.stages:
            top.d.comb += instance.en.eq(1)
    ports = [a, b, y, domain.clk, domain.rst]
    return convert(top, name="top", ports=ports, emit_src=False, strip_internal_attrs=True)
