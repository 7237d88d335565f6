"""The bench passes on every kind of design, and fails on designs broken on purpose."""

import functools

import pytest

import hdl.booth
from golden.catalogue import Multiplier, multiplier
from golden.cells import CELLS, Cell
from golden.designs import CellBlocks
from golden.formats import FORMATS
from hdl.verilog import generate
from sim.runner import run

GOOD = [
    ("ax-fpm", 0),
    ("ax-fpm", 2),
    ("exact", 0),
    ("ax-fpm-wrap", 1),
    ("ax-fpm:cell=AMA1", 0),
    ("bf16", 3),
    ("ax-bf16", 1),
    ("mitchell", 0),
]


@pytest.mark.parametrize(("name", "stages"), GOOD)
def test_icarus(icarus, name, stages):
    report = run(multiplier=name, simulator=icarus, vectors=300, stages=stages)
    assert report.passed, report.mismatches
    assert report.checks >= 300
    if stages > 1:
        assert report.corners["stalls with pairs in flight"] > 0
        assert report.corners["resets in mid-stream"] > 0
        assert report.corners["back-to-back pairs"] > 0


@pytest.mark.parametrize(("name", "stages"), [("ax-fpm", 0), ("mitchell", 0), ("e8m2", 2), ("ax-fpm:format=toy", 1)])
def test_significands(icarus, name, stages):
    report = run("significand", multiplier=name, simulator=icarus, vectors=300, stages=stages)
    assert report.passed, report.mismatches
    assert report.checks >= 300
    # Another multiplier's product in its place: other cells, another approximation, an exact one.
    others = {"ax-fpm": "ax-fpm:cell=AMA4", "mitchell": "exact", "e8m2": "mitchell:format=e8m2"}
    other = others.get(name, "exact:format=toy")
    wrong = run(
        "significand",
        multiplier=name,
        simulator=icarus,
        vectors=300,
        stages=stages,
        verilog=generate("significand", multiplier=other, stages=stages),
    )
    assert not wrong.passed


@pytest.mark.parametrize(("name", "stages"), [("ax-fpm", 0), ("e8m2", 2), ("exact:format=toy", 1)])
def test_products_and_sums(icarus, name, stages):
    report = run("mac", multiplier=name, simulator=icarus, vectors=300, stages=stages)
    assert report.passed, report.mismatches
    assert report.checks >= 300
    # The product subtracted, and for the sum of one pair that of the next.
    subtracted = generate("mac", multiplier=name, stages=stages, name="right") + wrapped(name, stages, ".b(b ^ SIGN)")
    late = generate("mac", multiplier=name, stages=stages + 1, adder_stages=max(stages, 1), name="right")
    wrong = [subtracted, *([late + wrapped(name, stages, ".b(b)")] if stages else [])]
    for verilog in wrong:
        assert not run("mac", multiplier=name, simulator=icarus, vectors=300, stages=stages, verilog=verilog).passed


def wrapped(name, stages, weight):
    """The top ``mac`` around a module ``right``."""
    bits = multiplier(name).format.word_bits
    clocking = ("clk", "rst", "en") if stages else ()
    ports = ", ".join(
        [*(f"input {each}" for each in clocking), f"input [{bits - 1}:0] a, b, c, output [{bits - 1}:0] y"]
    )
    inner = ", ".join([*(f".{each}({each})" for each in (*clocking, "a", "c", "y")), weight])
    return f"""
module mac({ports});
  wire [{bits - 1}:0] SIGN = 1 << {bits - 1};
  right inner({inner});
endmodule
"""


@pytest.mark.parametrize(("name", "stages"), [("ax-fpm", 0), ("ax-fpm", 3)])
def test_verilator(verilator, name, stages):
    report = run(multiplier=name, simulator=verilator, vectors=20_000, stages=stages, seed=7)
    assert report.passed, report.mismatches
    assert report.checks >= 20_000
    for corner in ("carry out", "overflow", "flush to zero", "signalling NaN", "infinity x zero"):
        assert report.corners[corner] > 0


@pytest.mark.long
@pytest.mark.parametrize(("name", "stages"), [("exact", 2), ("exact-trunc", 0)])
def test_booth_digits(verilator, tmp_path, name, stages):
    verilog = generate("multiplier", multiplier=name, stages=stages, tree="booth")
    arguments = {"multiplier": name, "simulator": verilator, "vectors": 20_000, "stages": stages, "build_dir": tmp_path}
    report = run(verilog=verilog, **arguments)
    assert report.passed, report.mismatches
    assert report.checks >= 20_000


def test_a_wrong_booth_digit_is_caught(icarus, monkeypatch, tmp_path):
    right = hdl.booth._add_row
    # Digit 3 is read backwards: 1 and -2 change places.
    monkeypatch.setattr(hdl.booth, "_add_row", lambda m, heap, a, t, i: right(m, heap, a, t[::-1] if i == 3 else t, i))
    verilog = generate("multiplier", multiplier="exact-trunc", tree="booth")
    report = run(multiplier="exact-trunc", simulator=icarus, vectors=300, verilog=verilog, build_dir=tmp_path)
    assert report.failures > 0


@pytest.mark.long
@pytest.mark.parametrize("stages", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["ax-fpm", "exact", "ax-fpm-widen", "ax-fpm-wrap", "ax-array", "bf16", "mitchell"])
def test_verilator_at_length(verilator, name, stages):
    report = run(multiplier=name, simulator=verilator, vectors=200_000, stages=stages, seed=11)
    assert report.passed, report.mismatches


# Designs broken on purpose. Each is generated from something near the golden multiplier...


def flipped(cell: str, output: str, row: int) -> Cell:
    """A cell with one wrong bit in its truth table."""
    tables = {"sum": CELLS[cell].sum, "carry": CELLS[cell].carry}
    table = tables[output]
    tables[output] = table[:row] + "10"[int(table[row])] + table[row + 1 :]
    return Cell("flipped", tables["sum"], tables["carry"])


def with_cell(cell: Cell) -> Multiplier:
    return Multiplier(FORMATS["bfloat16"], CellBlocks(cell, 4))


NEIGHBOURS = {
    "sum bit": ("ax-bf16", with_cell(flipped("AMA5", "sum", 2))),
    "sum bit of the row 110": ("ax-bf16", with_cell(flipped("AMA5", "sum", 6))),
    "carry bit": ("ax-bf16", with_cell(flipped("AMA5", "carry", 4))),
    "another cell's bit": ("ax-bf16:cell=AMA3", with_cell(flipped("AMA3", "sum", 4))),
    "another cell": ("ax-bf16:cell=AMA4", multiplier("ax-bf16")),
    "halve for widen": ("ax-bf16:carry=widen", multiplier("ax-bf16")),
    "widen for halve": ("ax-bf16", multiplier("ax-bf16:carry=widen")),
    "wrap for halve": ("ax-bf16", multiplier("ax-bf16:carry=wrap")),
    "block width": ("ax-bf16", multiplier("ax-bf16:block=2")),
    "product truncated": ("exact", multiplier("exact-trunc")),
    "product rounded": ("bf16-trunc", multiplier("bf16-trunc:product=nearest")),
    "operands truncated": ("bf16", multiplier("bf16:operands=truncate")),
}


@pytest.mark.parametrize("mutant", NEIGHBOURS)
def test_neighbouring_designs_are_caught(icarus, tmp_path, mutant):
    name, wrong = NEIGHBOURS[mutant]
    report = run(
        multiplier=name,
        simulator=icarus,
        vectors=300,
        verilog=generate("multiplier", multiplier=wrong),
        build_dir=tmp_path,
    )
    assert report.failures > 0
    assert report.mismatches


@functools.cache
def right(stages: int) -> str:
    """The right design, its top renamed so that a wrapper can take the name."""
    return generate("multiplier", multiplier="ax-bf16", stages=stages, name="right")


# ... or is the right design in a wrapper that spoils one thing.
NORMAL_Y = "y_right[30:23] != 0 && y_right[30:23] != 8'hff"
ONE_STEP = "{y_right[31], y_right[30:23] + 8'd1, y_right[22:0]}"
FINITE = "a[30:23] != 8'hff && b[30:23] != 8'hff"
WRAPPERS = {
    "exponent off by one": ("a", "b", f"({NORMAL_Y}) ? {ONE_STEP} : y_right"),
    "operands swapped": ("b", "a", "y_right"),
    "NaN keeps its payload": ("a", "b", "(a[30:23] == 8'hff && a[22:0] != 0) ? (a | 32'h00400000) : y_right"),
    "NaN keeps its sign": ("a", "b", "(y_right[30:0] == 31'h7fc00000) ? {a[31], y_right[30:0]} : y_right"),
    "NaN only in the kept bits": ("a & 32'hffff0000", "b", "y_right"),
    "zero without sign": ("a", "b", "(y_right[30:0] == 0) ? 32'd0 : y_right"),
    "sign of the activation": ("a", "b", "(y_right[30:0] == 31'h7fc00000) ? y_right : {a[31], y_right[30:0]}"),
    "subnormal weight as normal": ("a", "(b[30:23] == 0 && b[22:0] != 0) ? {b[31], 31'h00800000} : b", "y_right"),
    "overflow saturates": ("a", "b", f"({FINITE} && y_right[30:23] == 8'hff) ? (y_right - 32'd1) : y_right"),
    "infinity times zero is infinity": (
        "a",
        "b",
        "(a[30:0] == 31'h7f800000 && b[30:0] == 0) ? {a[31] ^ b[31], a[30:0]} : y_right",
    ),
    "smallest normal flushed": ("a", "b", "(y_right[30:23] == 1) ? {y_right[31], 31'd0} : y_right"),
    "one wrong product": ("a", "b", "(a == 32'h3fffffff && b == 32'h3fffffff) ? (y_right ^ 32'h00010000) : y_right"),
}


@pytest.mark.parametrize("mutant", WRAPPERS)
def test_spoilt_designs_are_caught(icarus, tmp_path, mutant):
    a, b, y = WRAPPERS[mutant]
    wrapper = f"""
module multiplier(input [31:0] a, input [31:0] b, output [31:0] y);
  wire [31:0] y_right;
  right inner(.a({a}), .b({b}), .y(y_right));
  assign y = {y};
endmodule
"""
    verilog = right(0) + wrapper
    report = run(multiplier="ax-bf16", simulator=icarus, vectors=300, verilog=verilog, build_dir=tmp_path)
    assert report.failures > 0
    # Each is right somewhere: what is caught is the mutation, not a dead design.
    assert report.failures < report.checks


PIPELINED = {
    "one stage too many": (3, "en"),
    "one stage too few": (1, "en"),
    "stalls ignored": (2, "1'b1"),
    "stalls inverted": (2, "~en"),
}


@pytest.mark.parametrize("mutant", PIPELINED)
def test_broken_pipelines_are_caught(icarus, tmp_path, mutant):
    stages, enable = PIPELINED[mutant]
    wrapper = f"""
module multiplier(input clk, input rst, input en, input [31:0] a, input [31:0] b, output [31:0] y);
  right inner(.clk(clk), .rst(rst), .en({enable}), .a(a), .b(b), .y(y));
endmodule
"""
    verilog = right(stages) + wrapper
    report = run(multiplier="ax-bf16", simulator=icarus, vectors=300, stages=2, verilog=verilog, build_dir=tmp_path)
    assert report.failures > 0


def test_the_wrapper_alone_is_no_mutation(icarus):
    wrapper = """
module multiplier(input clk, input rst, input en, input [31:0] a, input [31:0] b, output [31:0] y);
  right inner(.clk(clk), .rst(rst), .en(en), .a(a), .b(b), .y(y));
endmodule
"""
    verilog = right(2) + wrapper
    assert run(multiplier="ax-bf16", simulator=icarus, vectors=300, stages=2, verilog=verilog).passed


def test_a_circuit_from_outside_in_a_pipeline(icarus, tmp_path):
    path = tmp_path / "kept.v"
    path.write_text("module kept(input [23:0] a, b, output [47:0] p); assign p = a * b & ~48'h3fffffff; endmodule")
    report = run("multiplier", simulator=icarus, vectors=60, multiplier=str(path), stages=2)
    assert report.passed
    assert report.checks >= 60
