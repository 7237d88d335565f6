"""Netlist variants: the same function in other words, and the proof that it is."""

import re

import pytest

from golden.errors import AxfpmError, InvalidInput
from hdl.verilog import generate
from synth.energy import variants
from synth.energy.variants import map_variant, write_variant
from synth.liberty import read_liberty

pytestmark = pytest.mark.usefixtures("abc_tool")

PRODUCT = """
module product(input [3:0] a, input [3:0] b, output [7:0] y);
  wire [3:0] first = b[0] ? a : 4'd0;
  assign y = first + a * {b[3:1], 1'b0};
endmodule
"""
SUM = PRODUCT.replace("a * {", "a + {")


@pytest.fixture(scope="module")
def library(liberty_file):
    return read_liberty(liberty_file)


def names(text):
    return set(re.findall(r"[A-Za-z_][\w$]*", text))


def test_the_first_is_as_it_was_written():
    assert write_variant(PRODUCT, 0, top="product") == PRODUCT


def test_names_inside_change_and_those_of_ports_do_not():
    one, two = (write_variant(PRODUCT, variant, top="product") for variant in (1, 2))
    assert one != two
    assert "first" in names(PRODUCT) - names(one)
    assert {"product", "a", "b", "y"} <= names(one)
    assert write_variant(PRODUCT, 1, top="product") == one
    assert "Yosys" not in one


def test_variants_become_netlists_of_their_own(library):
    text = generate("multiplier", multiplier="e8m1")
    mapped = [map_variant(text, v, top="multiplier", library=library, period_ns=12.0) for v in range(3)]
    assert len({result.netlist.read_text() for result in mapped}) == 3
    assert len({result.area_um2 for result in mapped}) > 1


def test_registers_keep_their_names_so_that_pipelines_are_proved(library):
    text = generate("multiplier", multiplier="e8m1", stages=2)
    one = write_variant(text, 1, top="multiplier")
    registers = set(re.findall(r"\b(r\d_\w+) <=", text))
    assert registers
    assert registers <= names(one)
    assert map_variant(text, 1, top="multiplier", library=library, period_ns=12.0).area_um2 > 0


def test_a_variant_of_another_function_is_refused(library, monkeypatch):
    monkeypatch.setattr(variants, "write_variant", lambda text, *rest, **more: SUM)
    with pytest.raises(AxfpmError, match="netlist of variant 7 of product is unequal to its design"):
        map_variant(PRODUCT, 7, top="product", library=library, period_ns=12.0)


def test_proofs_are_kept(library, monkeypatch):
    again = {"top": "product", "library": library, "period_ns": 12.0}
    map_variant(PRODUCT, 3, **again)

    def forbidden(*_, **__):
        raise AssertionError("proved again")

    monkeypatch.setattr(variants, "check_equivalence", forbidden)
    map_variant(PRODUCT, 3, **again)
    with pytest.raises(AssertionError, match="proved again"):
        map_variant(PRODUCT.replace("first", "second"), 3, **again)


def test_what_cannot_be_read():
    with pytest.raises(InvalidInput, match="Yosys could not rewrite this design"):
        write_variant("module product(", 1, top="product")
    with pytest.raises(InvalidInput, match="not a Verilog identifier"):
        write_variant(PRODUCT, 1, top="a b")
    with pytest.raises(InvalidInput, match="variant=-1 is too small"):
        write_variant(PRODUCT, -1, top="product")
