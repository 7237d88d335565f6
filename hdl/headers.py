"""What the headers of the Verilog files say of a circuit: ports, latency, numerics."""

from __future__ import annotations

import re

from golden.catalogue import Multiplier
from golden.formats import Format
from hdl.array import SystolicArray
from hdl.axi import COMMAND_BITS
from hdl.engine import MatrixEngine
from hdl.limits import SIZE_BITS
from hdl.mac import MultiplyAdd
from hdl.pe import ProcessingElement

__all__ = [
    "ENGINE_TIMING",
    "adder",
    "array",
    "array_timing",
    "engine",
    "latency",
    "mac",
    "mac_timing",
    "multiplier",
    "pe",
    "pe_timing",
    "significand",
]

_CLOCK_PORTS = [
    "  clk  clock, rising edge",
    "  rst  synchronous reset, active high",
]
_STREAMS = [
    "Streams: a beat passes at a clock edge where valid and ready are both 1. Once valid is 1 it stays, with its",
    "payload, until the beat has passed. Payloads list their fields from bit 0 upwards.",
]


def multiplier(m: Multiplier, stages: int) -> list[str]:
    """Of a floating-point multiplier."""
    fmt = m.format
    top = fmt.word_bits - 1
    operands = "as they are" if fmt.dropped_bits == 0 else f"{_ROUNDINGS[m.operands]} to {fmt.fraction_bits} bits"
    kept = "exact" if m.product == "exact" else f"{_ROUNDINGS[m.product]} to {fmt.fraction_bits} bits"
    return [
        f"floating-point multiplier {m}.",
        "",
        "Ports",
        f"  a[{top}:0]  activation: {_layout(fmt)}",
        f"  b[{top}:0]  weight, in the same form; an approximate product may change when a and b are exchanged",
        f"  y[{top}:0]  product, in the same form",
        *(_CLOCKED_PORTS if stages else []),
        "",
        latency(stages),
        "",
        "Numerics",
        f"  Significands of {m.precision} bits are multiplied by {m.design.name}.",
        *([f"  Bit {2 * m.precision} of the significand product {_CARRIES[m.carry]}."] if m.carry in _CARRIES else []),
        f"  Operand fractions: {operands}. Result fraction: {kept}.",
        "  Subnormal operands count as zero; results below the normal range become zero of their sign, above it",
        f"  infinity. Every NaN result is {_nan(fmt)}.",
        *_just_below_normal(m),
    ]


def significand(m: Multiplier, stages: int, width: int) -> list[str]:
    """Of a significand multiplier whose product has so many bits."""
    top = m.precision - 2
    return [
        f"significand multiplier of {m}.",
        "",
        "Ports",
        f"  a[{top}:0]  fraction of the activation: its significand without the leading one",
        f"  b[{top}:0]  fraction of the weight; an approximate product may change when a and b are exchanged",
        f"  y[{width - 1}:0]  product of the significands",
        *(_CLOCKED_PORTS if stages else []),
        "",
        latency(stages),
        "",
        "Numerics",
        f"  Significands of {m.precision} bits are multiplied by {m.design.name}. Signs, exponents, normalising and",
        "  rounding are not part of it.",
    ]


def adder(fmt: Format, stages: int) -> list[str]:
    """Of a floating-point adder."""
    top = fmt.word_bits - 1
    return [
        f"floating-point adder of {fmt.word_bits}-bit words.",
        "",
        "Ports",
        f"  a[{top}:0]  operand: {_layout(fmt)}",
        f"  b[{top}:0]  operand, in the same form",
        f"  y[{top}:0]  sum, in the same form",
        *(_CLOCKED_PORTS if stages else []),
        "",
        latency(stages),
        "",
        "Numerics",
        "  IEEE 754, round to nearest, ties to even; subnormal operands and results are kept. Exact cancellation gives",
        f"  +0, and only (-0) + (-0) gives -0. Every NaN result is {_nan(fmt)}.",
    ]


def _layout(fmt: Format) -> str:
    return f"sign, {fmt.exponent_bits}-bit biased exponent, {fmt.word_fraction_bits}-bit fraction"


def _nan(fmt: Format) -> str:
    return f"{fmt.word_bits}'h{(fmt.exponent_mask << 1 | 1) << (fmt.word_fraction_bits - 1):X}"


def latency(stages: int) -> str:
    """Of a multiplier or adder: the line on when its result is there."""
    return f"Latency: {stages} cycles in which en is 1; a new pair may enter in each." if stages else "Combinational."


def _just_below_normal(m: Multiplier) -> list[str]:
    """Say where IEEE 754 rounds up to the smallest normal number, and arithmetic.md section 3 gives zero."""
    if not m.design.is_exact or m.product != "nearest":
        return []
    f, p = m.format, m.precision
    least, half = f.bias - 1, f.bias - 1 + p
    interval = f"2^-{least} - 2^-{half} <= |a b| < 2^-{least} - 2^-{half + 1}"
    return [
        f"  Where {interval}, the product rounds to {p} bits below the normal",
        "  range and becomes zero; IEEE 754, which rounds it on the grid of subnormal numbers, gives the smallest",
        f"  normal number, {f.word_bits}'h{1 << f.word_fraction_bits:0{f.word_bits // 4}X}, with the product's sign.",
    ]


_CLOCKED_PORTS = [
    "  clk      clock, rising edge",
    "  rst      synchronous reset, active high",
    "  en       1: the pipeline advances; 0: every register keeps its value",
]
_ROUNDINGS = {"truncate": "truncated", "nearest": "rounded to nearest even"}
_CARRIES = {
    "halve": "halves the result: its weight is taken to be that of the bit below",
    "widen": "counts with its true weight",
    "wrap": "is dropped",
}


def mac(component: MultiplyAdd) -> list[str]:
    """Of a multiplier and an adder."""
    m = component.multiplier
    top = m.format.word_bits - 1
    late = f", {component.stages} cycles after its a and b" if component.stages else ""
    return [
        f"multiply-add: y = add(c, mul(a, b)), multiplier {m}.",
        "",
        "Ports",
        f"  a[{top}:0]  activation: {_layout(m.format)}",
        f"  b[{top}:0]  weight, in the same form; an approximate product may change when a and b are exchanged",
        f"  c[{top}:0]  sum so far, in the same form{late}",
        f"  y[{top}:0]  sum with this product, in the same form",
        *(_CLOCKED_PORTS if component.latency else []),
        "",
        mac_timing(component),
        "",
        "Numerics",
        "  Two roundings: the product is that of `axfpm verilog multiplier`, the sum that of `axfpm verilog adder`.",
    ]


def mac_timing(component: MultiplyAdd) -> str:
    """Of a multiplier and an adder: the line on when the sum is there."""
    if not component.latency:
        return "Combinational."
    return (
        f"Latency: {component.latency} cycles in which en is 1 after a and b, {component.adder_stages} after c; new "
        "words may enter in each."
    )


def pe(component: ProcessingElement, stages: int) -> list[str]:
    """Of a processing element."""
    m, depth = component.multiplier, component.adder_stages
    top = m.format.word_bits - 1
    return [
        f"processing element: p_out = add(p, mul(a, weight)), multiplier {m}.",
        "",
        "Ports",
        *_CLOCK_PORTS,
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


def pe_timing(component: ProcessingElement) -> str:
    """Of a processing element: the line on when its sum is there."""
    total = 1 + component.stages + component.adder_stages
    return (
        f"No handshake: p_out comes {total} cycles in which en is 1 after a, p {component.adder_stages} before p_out."
    )


def array(component: SystolicArray, rows: int, columns: int) -> list[str]:
    """Of a systolic array."""
    m = component.multiplier
    word = m.format.word_bits
    data, sums = rows * word, columns * word
    return [
        f"weight-stationary systolic array of {rows} x {columns} processing elements, multiplier {m}.",
        "",
        "results = activations * weights + sums, added row by row: acc = sum; for each row: acc = add(acc, mul(a, w)).",
        "",
        "Ports",
        *_CLOCK_PORTS,
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
        *_STREAMS,
        "A vector and its sums pass together. The first vector of a tile waits for all its weights; those of the next",
        "tile are taken while this one computes. Every ready depends combinationally on results__ready, and those of",
        "activations and sums on each other's valid.",
        "",
        f"Latency: {component.latency} cycles from vector to result, one vector per cycle; at least",
        f"{component.tile_interval} cycles between the first vectors of two tiles. A refused result stops all.",
    ]


def array_timing(component: SystolicArray) -> str:
    """Of a systolic array: the line on its handshake and latency."""
    return (
        f"A beat passes where valid and ready are both 1; a result comes {component.latency} cycles after its vector."
    )


ENGINE_TIMING = "A beat passes where valid and ready are both 1; a command ends with its last result, then done is 1."
"""Of a matrix engine: the line on its handshake; the latency depends on the command."""


def engine(
    component: MatrixEngine, *, rows: int, columns: int, depth: int, accumulators: int, biases: int, axi: bool
) -> list[str]:
    """Of a matrix engine; ``axi``: with AXI4-Stream port names."""
    m = component.multiplier
    word = m.format.word_bits
    data, sums, size = rows * word, columns * word, SIZE_BITS
    header = [
        f"matrix engine: C = A W + bias on {rows} x {columns} processing elements, multiplier {m}.",
        "",
        "A is M x K, W is K x N. Sums are in sequence: acc = bias; for k in order: acc = add(acc, mul(a, w)).",
        "",
        "Ports",
        *_CLOCK_PORTS,
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
        *_STREAMS,
        "",
        f"One vector enters per cycle where M >= {component.tile_interval} and M * ceil(N / {columns}) >= "
        f"{component.loop_latency};",
        "otherwise the wait for weights or partial sums is counted in stalled.",
    ]
    return [_axi_names(line) for line in header] if axi else header


def _axi_names(line: str) -> str:
    """A header line with the wrapper's port names."""
    line = re.sub(r"\b(command|activations|weights|biases)__", r"s_axis_\1__", line)
    line = re.sub(r"\bresults__", "m_axis_results__", line)
    line = line.replace("__payload", "_tdata").replace("__valid", "_tvalid").replace("__ready", "_tready")
    line = re.sub(r"\[\d+:\d+\]  keep: bit c is", "m_axis_results_tkeep: the bits of the bytes of word c are", line)
    return re.sub(r"\[\d+\]  last:", "m_axis_results_tlast:", line)
