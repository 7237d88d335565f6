"""The netlists of an array's parts, joined to one; tests/synth/energy/test_array.py measures one that was mapped."""

import pytest

from golden.errors import InvalidInput
from synth.energy.array_netlist import join
from synth.energy.netlist import read_netlist

# A chain of two elements.
EDGES = """
module edges(clk, rst, x, y, pe_0_0__p, pe_0_0__p_out, pe_1_0__p, pe_1_0__p_out);
  input clk;
  input rst;
  input [1:0] x;
  output [1:0] y;
  output [1:0] pe_0_0__p;
  input [1:0] pe_0_0__p_out;
  output [1:0] pe_1_0__p;
  input [1:0] pe_1_0__p_out;
  assign pe_0_0__p = x;
  assign pe_1_0__p = pe_0_0__p_out;
  assign y = pe_1_0__p_out;
endmodule
"""
ELEMENT = """
module pe(clk, rst, p, p_out);
  input clk;
  input rst;
  input [1:0] p;
  output [1:0] p_out;
  INV low(.A(p[1]), .Y(p_out[0]));
  DFF high(.CK(clk), .D(p[0]), .Q(p_out[1]));
endmodule
"""
SHAPE = {"rows": 2, "columns": 1}


@pytest.mark.usefixtures("flow_tools")
def test_a_chain_of_two(tmp_path):
    joined = read_netlist(join(ELEMENT, EDGES, **SHAPE), top="array", folder=tmp_path)
    assert list(joined.inputs) == ["clk", "rst", "x"]
    assert list(joined.outputs) == ["y"]
    assert sorted(each.cell for each in joined.instances) == ["DFF", "DFF", "INV", "INV"]
    (clock,), made = joined.inputs["clk"], {}
    for each in joined.instances:
        made[each.nets["Q" if each.cell == "DFF" else "Y"]] = each
        assert each.nets.get("CK", clock) == clock

    def behind(net, *cells):
        """The net in front of a chain of cells, the last one first."""
        for cell in cells:
            assert made[net].cell == cell
            net = made[net].nets["D" if cell == "DFF" else "A"]
        return net

    low, high = joined.outputs["y"]
    assert (behind(low, "INV", "DFF"), behind(high, "DFF", "INV")) == joined.inputs["x"]


@pytest.mark.parametrize("part", ["pe", "edges"])
def test_a_part_under_another_name(part):
    parts = {"pe": ELEMENT, "edges": EDGES}
    parts[part] = parts[part].replace(f"module {part}(", "module other(")
    with pytest.raises(InvalidInput, match=f"no module '{part}'"):
        join(parts["pe"], parts["edges"], **SHAPE)


@pytest.mark.usefixtures("flow_tools")
def test_parts_that_do_not_fit():
    with pytest.raises(InvalidInput, match="could not join"):
        join(ELEMENT.replace("p_out", "q"), EDGES, **SHAPE)


@pytest.mark.usefixtures("flow_tools")
def test_no_time():
    with pytest.raises(InvalidInput, match="ran past"):
        join(ELEMENT, EDGES, **SHAPE, timeout_s=0.01)
