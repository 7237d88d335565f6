import pytest
from tiny_library import library

from golden.errors import InvalidInput
from synth.energy.netlist import Instance, Netlist, completed, read_netlist, scalar_verilog
from synth.energy.reader import read_cells

MAPPED = r"""
module top(a, b, y);
  input [1:0] a, b; output [2:0] y; wire _0_; wire \odd.name[3] ;
  NAND \u[0] (.A(a[0]), .B(b[1]), .Y(_0_));
  INV u1 (.A(_0_), .Y(\odd.name[3] ));
  NAND u2 (.A(a[1]), .B(1'b1), .Y());
  assign y[0] = \odd.name[3] ; assign y[2:1] = {1'b0, a[0]};
endmodule
"""


@pytest.fixture
def read(timer, tmp_path):
    return lambda text, top="top": read_netlist(text, top=top, folder=tmp_path)


def test_pins_and_ports(read):
    netlist = read(MAPPED)
    (a0, _), (_, b1) = netlist.inputs["a"], netlist.inputs["b"]
    named = {each.given: each for each in netlist.instances}
    first, second, third = (named[name] for name in ("u[0]", "u1", "u2"))
    assert [each.cell for each in (first, second, third)] == ["NAND", "INV", "NAND"]
    assert first.nets["A"] == a0
    assert first.nets["B"] == b1
    assert second.nets["A"] == first.nets["Y"]
    assert third.nets == {"A": netlist.inputs["a"][1], "B": 1}
    assert netlist.outputs["y"] == (second.nets["Y"], a0, 0)
    assert netlist.used == {"NAND", "INV"}


def test_written_again_it_is_the_same(read):
    netlist = read(MAPPED)
    again = read(scalar_verilog(netlist))
    assert sorted(each.cell for each in again.instances) == ["INV", "NAND", "NAND"]
    places = [[each.given for each in netlist.instances].index(name) for name in ("u[0]", "u1")]
    nand, inverter = (next(e for e in again.instances if e.given == f"c{k}") for k in places)
    assert inverter.nets["A"] == nand.nets["Y"]
    assert again.outputs["o2"] == (0,)
    assert again.outputs["o1"] == next(iter(again.inputs.values()))


def test_an_open_output_gets_a_net():
    cells = read_cells(library(), ["DFF"])
    plain = Instance("DFF", "u", {"D": 2, "CK": 3, "Q": 4})
    netlist = completed(Netlist("top", (plain,), {"a": (2,), "clk": (3,)}, {"y": (4,)}, 5), cells)
    assert netlist.instances[0].nets == {"D": 2, "CK": 3, "Q": 4, "QN": 5}
    assert netlist.nets == 6
    open_input = Netlist("top", (Instance("DFF", "u", {"D": 2, "Q": 4}),), {"a": (2,)}, {"y": (4,)}, 5)
    with pytest.raises(InvalidInput, match=r"the input CK of u \(DFF\) is open"):
        completed(open_input, cells)
    alien = Netlist("top", (Instance("DFF", "u", {"D": 2, "CK": 3, "QQ": 4}),), {"a": (2, 3)}, {"y": (4,)}, 5)
    with pytest.raises(InvalidInput, match="the cell DFF has no pin 'QQ'"):
        completed(alien, cells)


@pytest.mark.parametrize(
    "text, message",
    [
        ("module top(input a, output y); assign y = ~a; endmodule", "holds \\$not, which is no cell"),
        (
            "module top(input a, output reg y); always @(posedge a) y <= 1; endmodule",
            "the netlist cannot be read: ERROR: Module top contains processes",
        ),
        ("module other(input a, output y); assign y = a; endmodule", "has no module 'top'; it has other"),
        ("module top(input a, output y); INV u (.A(1'bx), .Y(y)); endmodule", "has a bit 'x'; tie undefined bits"),
        ("module top(input a, inout y); INV u (.A(a), .Y(y)); endmodule", "the port y is bidirectional"),
        ("module top(input [1:0] a, output y); INV u (.A(a), .Y(y)); endmodule", "has a pin of several bits"),
        ("module top(", "the netlist cannot be read"),
    ],
)
def test_what_is_no_mapped_netlist(read, text, message):
    with pytest.raises(InvalidInput, match=message):
        read(text)
