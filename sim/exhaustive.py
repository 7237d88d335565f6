"""Many multipliers, adders or processing elements in one simulator: exhaustive proofs in one build.

One generated top holds an instance of every design; a small program around Verilator's model reads the pairs from a
file, or counts through all triples, and writes every result to another. No test framework stands in the way: half a
million products a second and more, whatever the number of designs.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden.cache import work_folder, workshop
from golden.catalogue import CARRY_POLICIES, OPERAND_ROUNDINGS, PRODUCT_ROUNDINGS, Multiplier
from golden.cells import CELLS
from golden.designs import CellBlocks
from golden.errors import InvalidInput, MissingTool
from golden.formats import Format
from sim.build import SimulationError
from sim.compiled import program
from sim.tools import find

__all__ = ["all_pairs", "every_multiplier", "hardware_products", "hardware_steps", "hardware_sums"]

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

_STEPS_MAIN = r"""
#include "Vtop.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

// argv: file of results, number of elements, cycles from an activation to its sum, cycles from a sum to its result.
int main(int argc, char **argv) {
    const uint32_t designs = std::atoi(argv[2]), lag = std::atoi(argv[3]), tail = std::atoi(argv[4]), all = 1u << 24;
    std::vector<uint8_t> results(size_t(designs) << 24);
    std::vector<uint32_t> got(designs);
    // Weights in order; under each, all activations and sums, both new in nearly every cycle: 40503 is odd.
    auto triple = [](uint32_t k) { return (k & 0xff0000) | (k * 40503 & 0xffff); };
    Vtop top;
    auto edge = [&top] {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    };
    top.a_valid = top.p_valid = top.w_load = 0;
    top.rst = 1;
    edge();
    top.rst = 0;
    top.w_load = 1;
    top.w = 0;
    edge();
    for (uint32_t cycle = 0; cycle < all + lag + tail; cycle++) {
        top.a = triple(cycle) >> 8;
        top.a_valid = cycle < all;
        top.a_first = (cycle & 0xffff) == 0;
        top.w = (cycle >> 16) + 1;
        top.w_load = (cycle & 0xffff) == 0xffff;
        top.p = triple(cycle - lag);
        top.p_valid = cycle >= lag && cycle - lag < all;
        edge();
        const uint8_t *y = reinterpret_cast<const uint8_t *>(&top.y);
        for (uint32_t i = 0; i < designs; i++) {
            if (!(top.y_valid >> i & 1)) continue;
            if (got[i] == all) return 2;
            results[(size_t(i) << 24) + triple(got[i]++)] = y[i];
        }
    }
    for (uint32_t count : got) if (count != all) return 3;
    FILE *out = std::fopen(argv[1], "wb");
    if (!out || std::fwrite(results.data(), 1, results.size(), out) != results.size()) return 1;
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
    designs: Sequence[tuple[Multiplier, int]],
    a: np.ndarray,
    b: np.ndarray,
    *,
    tree: str = "dadda",
    build_dir: Path | str | None = None,
) -> np.ndarray:
    """Products of the generated hardware, by Verilator.

    Parameters
    ----------
    designs : sequence of (Multiplier, int)
        Multipliers, all of one word width, and their pipeline stages.
    a, b : numpy.ndarray
        Activations and weights: uint32, shape (N,). Pipelined designs take a new pair at every clock edge.
    tree : str
        Compressor tree of all of them, as for ``hdl.multiplier.FloatMultiplier``.
    build_dir : path, optional
        Where the simulator is built and kept; by default a folder of the cache.

    Returns
    -------
    numpy.ndarray
        Words, uint8 or uint32 as the word is wide, shape (designs, N).

    Raises
    ------
    InvalidInput
        If a design cannot be built with that tree.
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
    return _results([FloatMultiplier(m, stages=stages, tree=tree) for m, stages in designs], bits, a, b, build_dir)


def hardware_sums(
    designs: Sequence[tuple[Format, int]],
    a: np.ndarray,
    b: np.ndarray,
    *,
    technology: str = "cells",
    build_dir: Path | str | None = None,
) -> np.ndarray:
    """Sums of the generated adders, by Verilator.

    Parameters
    ----------
    designs : sequence of (Format, int)
        Formats, all of one word width, and pipeline stages.
    technology : str
        What the adders are to be built of, as for ``hdl.adder.FloatAdder``.
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
    adders = [FloatAdder(fmt, stages=stages, technology=technology) for fmt, stages in designs]
    return _results(adders, bits, a, b, build_dir)


def hardware_steps(
    elements: Mapping[str, str], *, stages: int, adder_stages: int, build_dir: Path | str | None = None
) -> np.ndarray:
    """Every step p + a w of processing elements on 8-bit words, by Verilator: all 2^24 triples.

    The triples go through the element as an array's do: a weight is loaded into the shadow register while its
    predecessor is in use, then one activation and one sum follow in every cycle.

    Parameters
    ----------
    elements : mapping of str to str
        Verilog by the name of its top module, at most 32; each as ``hdl.verilog.generate("pe", name=...)`` writes it.
    stages, adder_stages : int
        What the elements were generated with.
    build_dir : path, optional
        Where the simulator is built and kept; by default a folder of the cache.

    Returns
    -------
    numpy.ndarray
        uint8, shape (elements, 256, 256, 256): by weight w, activation a and sum p.

    Raises
    ------
    MissingTool
        If Verilator is not installed.
    SimulationError
        If a design does not compile, or a number of results other than 2^24 comes out of it.
    """
    tool = find("verilator")
    folder = work_folder("sim", build_dir)
    # More than 64 bits, so that the model's y is an array whatever the number of elements.
    slots = max(len(elements), 9)
    inputs = ("clk", "rst", "a", "a_valid", "a_first", "p", "p_valid", "w", "w_load")
    shared = ", ".join(f".{port}({port})" for port in inputs)
    lines = [
        "module top(input clk, input rst, input [7:0] a, input a_valid, input a_first, input [7:0] p, input p_valid,",
        f"  input [7:0] w, input w_load, output [{8 * slots - 1}:0] y, output [{len(elements) - 1}:0] y_valid);",
    ]
    for i, name in enumerate(elements):
        lines += [
            f"  {name} step_{i}({shared}, .en(1'b1), .a_bypass(1'b0), .p_last(1'b0),",
            f"    .p_out(y[{8 * i} +: 8]), .p_out_valid(y_valid[{i}]), .p_out_last(),",
            "    .a_out(), .a_out_valid(), .a_out_first(), .a_out_bypass());",
        ]
    verilog = "\n".join([*elements.values(), *lines, "endmodule", ""])
    runnable = program(verilog, _STEPS_MAIN, top="top", tool=tool, folder=folder)
    with workshop(folder, "run") as place:
        results = place / "results"
        command = [str(runnable), str(results), str(len(elements)), str(1 + stages), str(adder_stages)]
        if subprocess.run(command, check=False).returncode != 0:
            raise SimulationError(f"the simulation broke off: {' '.join(command)}")
        return np.fromfile(results, np.uint8).reshape(len(elements), 256, 256, 256)


def _results(components: list[Any], bits: int, a: np.ndarray, b: np.ndarray, build_dir: Path | str | None) -> Any:
    dtype = {8: np.uint8, 32: np.uint32}[bits]
    tool = find("verilator")
    folder = work_folder("sim", build_dir)
    # A model's y is a whole number of 32-bit words; padding it to more than 64 bits makes it an array of them.
    padding = -len(components) % (32 // bits) + 3 * (32 // bits)
    slots = len(components) + padding
    runnable = program(_top(components, bits, slots), _MAIN, top="top", tool=tool, folder=folder)
    latest = max(component.stages for component in components)
    with workshop(folder, "run") as place:
        operands, results = place / "operands", place / "results"
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
    domain: Any = ClockDomain("sync")  # the stubs lack its signals
    top.domains.sync = domain
    assert domain.rst is not None
    for i, instance in enumerate(components):
        top.submodules[f"design_{i}"] = instance
        top.d.comb += [instance.a.eq(a), instance.b.eq(b), slots_of_y[i].eq(instance.y)]
        if instance.stages:
            top.d.comb += instance.en.eq(1)
    ports = [a, b, y, domain.clk, domain.rst]
    return convert(top, name="top", ports=ports, emit_src=False, strip_internal_attrs=True)
