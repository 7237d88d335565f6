# amaranth: UnusedElaboratable=no
# A component that refuses its parameters is not a forgotten one.
"""Processing element, systolic array and matrix engine as Verilog, and what the headers of their files say."""

from __future__ import annotations

import re

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput
from hdl.array import SystolicArray
from hdl.axi import COMMAND_BITS, AxiStreamEngine
from hdl.blocks import Block, Built, register_block
from hdl.engine import MatrixEngine
from hdl.limits import ACCUMULATORS, BIASES, DEPTH, SIZE_BITS
from hdl.pe import ProcessingElement

__all__: list[str] = []

CLOCK_PORTS = [
    "  clk  clock, rising edge",
    "  rst  synchronous reset, active high",
]
STREAMS = [
    "Streams: a beat passes at a clock edge where valid and ready are both 1. Once valid is 1 it stays, with its",
    "payload, until the beat has passed. Payloads list their fields from bit 0 upwards.",
]


def command_of(m: Multiplier, **parameters: int | None) -> str:
    """Arguments of ``axfpm verilog``, or nothing where the multiplier has no name."""
    try:
        named = look_up(str(m)) == m
    except InvalidInput:
        named = False
    options = [f"--{key.replace('_', '-')} {value}" for key, value in parameters.items() if value is not None]
    return " ".join([f"--multiplier {m}", *options]) if named else ""


def _build_pe(*, multiplier: Multiplier | str = "ax-fpm", stages: int = 1, adder_stages: int | None = None) -> Built:
    component = ProcessingElement(multiplier, stages=stages, adder_stages=adder_stages)
    m, depth = component.multiplier, component.adder_stages
    top = m.format.word_bits - 1
    header = [
        f"processing element: p_out = add(p, mul(a, weight)), multiplier {m}.",
        "",
        "Ports",
        *CLOCK_PORTS,
        "  en   1: the element moves; 0: every register keeps its value; all times below count cycles where en is 1",
        f"  a[{top}:0], a_valid  activation, and whether there is one",
        "  a_first   this activation is the first of its tile: the shadow weight comes into use with it",
        "  a_bypass  its product is left out: the sum passes unchanged",
        f"  a_out[{top}:0], a_out_valid, a_out_first, a_out_bypass  the same, 1 cycle later; a_out keeps its last",
        "            value where there is no activation or it is bypassed",
        f"  p[{top}:0], p_valid, p_last  sum so far, {1 + stages} cycles after its activation, and its tags",
        f"  p_out[{top}:0], p_out_valid, p_out_last  sum with this product, {depth} cycles after p, and its tags",
        f"  w[{top}:0], w_load  weight, and whether the shadow register takes it",
    ]
    return Built(component, command_of(m, stages=stages, adder_stages=adder_stages), header)


def _build_array(
    *,
    multiplier: Multiplier | str = "ax-fpm",
    rows: int = 8,
    columns: int = 8,
    stages: int = 1,
    adder_stages: int | None = None,
) -> Built:
    component = SystolicArray(
        multiplier, rows=rows, columns=columns, stages=stages, adder_stages=adder_stages, pe_module="part_pe"
    )
    m = component.multiplier
    element = ProcessingElement(m, stages=stages, adder_stages=adder_stages)
    word = m.format.word_bits
    data, sums = rows * word, columns * word
    header = [
        f"weight-stationary systolic array of {rows} x {columns} processing elements, multiplier {m}.",
        "",
        "results = activations * weights + sums, added row by row: acc = sum; for each row: acc = add(acc, mul(a, w)).",
        "",
        "Ports",
        *CLOCK_PORTS,
        "  activations__valid, activations__ready, activations__payload: a vector of a tile",
        f"    [{data - 1}:0]  data: {rows} words of {word} bits, row 0 lowest",
        f"    [{data + rows - 1}:{data}]  bypass: bit r leaves row r out of every sum",
        f"    [{data + rows}]  last: the tile ends with this vector",
        "  sums__valid, sums__ready, sums__payload: what the sums of that vector start from",
        f"    [{sums - 1}:0]  {columns} words of {word} bits, column 0 lowest",
        f"  weights__valid, weights__ready, weights__payload: {rows} beats for each tile, row 0 first",
        f"    [{sums - 1}:0]  {columns} words of {word} bits, column 0 lowest",
        "  results__valid, results__ready, results__payload: the sums, in the order of the vectors",
        f"    [{sums - 1}:0]  data: {columns} words of {word} bits, column 0 lowest",
        f"    [{sums}]  last: this vector was its tile's last",
        "",
        *STREAMS,
        "A vector and its sums pass together. The first vector of a tile waits for all its weights; those of the next",
        "tile are taken while this one computes. Every ready depends combinationally on results__ready, and those of",
        "activations and sums on each other's valid.",
        "",
        f"Latency: {component.latency} cycles from vector to result, one vector per cycle; at least",
        f"{component.tile_interval} cycles between the first vectors of two tiles. A refused result stops all.",
    ]
    command = command_of(m, rows=rows, columns=columns, stages=stages, adder_stages=adder_stages)
    return Built(component, command, header, {"pe": element})


def _build_engine(
    *,
    multiplier: Multiplier | str = "ax-fpm",
    rows: int = 8,
    columns: int = 8,
    stages: int = 1,
    adder_stages: int | None = None,
    depth: int = DEPTH,
    accumulators: int = ACCUMULATORS,
    biases: int = BIASES,
    axi: bool = False,
) -> Built:
    parameters = {"rows": rows, "columns": columns, "stages": stages, "adder_stages": adder_stages}
    buffers = {"depth": depth, "accumulators": accumulators, "biases": biases}
    component = MatrixEngine(multiplier, **parameters, **buffers, pe_module="part_pe")
    wrapper = AxiStreamEngine(multiplier, **parameters, **buffers, pe_module="part_pe") if axi else None
    m = component.multiplier
    element = ProcessingElement(m, stages=stages, adder_stages=adder_stages)
    word = m.format.word_bits
    data, sums, size = rows * word, columns * word, SIZE_BITS
    header = [
        f"matrix engine: C = A W + bias on {rows} x {columns} processing elements, multiplier {m}.",
        "",
        "A is M x K, W is K x N. Sums are in sequence: acc = bias; for k in order: acc = add(acc, mul(a, w)).",
        "",
        "Ports",
        *CLOCK_PORTS,
        "  command__valid, command__ready, command__payload: one product, unsigned numbers",
        f"    [{size - 1}:0]   M, rows of A and C",
        f"    [{2 * size - 1}:{size}]  K, columns of A and rows of W",
        f"    [{3 * size - 1}:{2 * size}]  N, columns of W and C",
        *([f"    [{COMMAND_BITS - 1}:{3 * size}]  reserved: ignored; write 0"] if axi else []),
        f"    limits: M <= {depth}, J <= {biases}, M J <= {accumulators}; past one, the command is refused",
        f"    with I = max(ceil(K / {rows}), 1) K tiles and J = ceil(N / {columns}) N tiles,",
        f"    it takes M I beats of activations, {rows} I J of weights and J of biases, and gives M J of results",
        "    K = 0: the results are the biases; one K tile is taken all the same, and its words are ignored",
        "    M = 0, N = 0 or refused: it takes no beat of any other stream, and gives none",
        "  activations__valid, activations__ready, activations__payload: rows of A, cut into K tiles",
        f"    [{data - 1}:0]  {rows} words of {word} bits: A[m, {rows} i] lowest; words past K are ignored",
        "    order: for each K tile i, for each m (K = 0 counts as one tile)",
        "  weights__valid, weights__ready, weights__payload: rows of W, cut into N tiles",
        f"    [{sums - 1}:0]  {columns} words of {word} bits: W[{rows} i + r, {columns} j] lowest; past N ignored",
        f"    order: for each K tile i, for each N tile j, for each r = 0 .. {rows - 1}, those past K included; up to",
        f"    {3 * rows} beats are let in early, whatever command runs, and belong to the next one that takes weights",
        "  biases__valid, biases__ready, biases__payload: one beat for each N tile j; zeros where there is no bias",
        f"    [{sums - 1}:0]  {columns} words of {word} bits: bias[{columns} j] lowest",
        "  results__valid, results__ready, results__payload: C, for each N tile j, for each m",
        f"    [{sums - 1}:0]  data: {columns} words of {word} bits: C[m, {columns} j] lowest, 0 past N",
        f"    [{sums + columns - 1}:{sums}]  keep: bit c is 1 where {columns} j + c < N; M N bits of a command in all",
        f"    [{sums + columns}]  last: the command's last beat",
        "  busy    1 from the cycle after the command's beat to that of the last result",
        "  done    1 for one cycle after that, or after a command that is refused or gives no results",
        "  error   1 where the last command was past a limit: refused, no data taken",
        "  cycles[31:0]   cycles of the last command in which busy was 1",
        "  stalled[31:0]  those of them in which no vector entered the array",
        "",
        *STREAMS,
        "",
        f"One vector enters per cycle where M >= {component.tile_interval} and M * ceil(N / {columns}) >= "
        f"{component.loop_latency};",
        "otherwise the wait for weights or partial sums is counted in stalled.",
    ]
    if axi:
        header = [_axi_names(line) for line in header]
    command = command_of(m, **parameters, **buffers)
    return Built(wrapper or component, command and command + (" --axi" if axi else ""), header, {"pe": element})


def _axi_names(line: str) -> str:
    """A header line with the wrapper's port names."""
    line = re.sub(r"\b(command|activations|weights|biases)__", r"s_axis_\1__", line)
    line = re.sub(r"\bresults__", "m_axis_results__", line)
    line = line.replace("__payload", "_tdata").replace("__valid", "_tvalid").replace("__ready", "_tready")
    line = re.sub(r"\[\d+:\d+\]  keep: bit c is", "m_axis_results_tkeep: the bits of the bytes of word c are", line)
    return re.sub(r"\[\d+\]  last:", "m_axis_results_tlast:", line)


register_block(Block("pe", _build_pe))
register_block(Block("engine", _build_engine))
register_block(Block("array", _build_array))
