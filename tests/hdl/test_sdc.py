import pytest

from golden.errors import InvalidInput, InvalidType
from hdl.sdc import generate
from hdl.verilog import generate as verilog


def test_clocked():
    text = generate("array", period_ns=10, multiplier="e8m1", rows=2, columns=2)
    assert "create_clock -name clk -period 10 [get_ports clk]" in text
    assert "set_input_delay 2 -clock clk [get_ports {activations__payload[*]}]" in text
    assert "set_input_delay 2 -clock clk [get_ports {rst}]" in text
    assert "set_output_delay 2 -clock clk [get_ports {activations__ready}]" in text
    assert "set_output_delay 2 -clock clk [get_ports {results__payload[*]}]" in text
    assert "{clk}" not in text


def test_combinational():
    text = generate("adder", period_ns=12.5, output_delay_ns=1)
    assert text.splitlines()[2:] == [
        "create_clock -name clk -period 12.5",
        "set_input_delay 0 -clock clk [get_ports {a[*]}]",
        "set_input_delay 0 -clock clk [get_ports {b[*]}]",
        "set_output_delay 1 -clock clk [get_ports {y[*]}]",
    ]


@pytest.mark.parametrize("block, stages", [("adder", 2), ("multiplier", 0)])
def test_every_port_once(block, stages):
    # Each port of the Verilog but the clock has one delay, in its own direction.
    text = generate(block, period_ns=5, stages=stages)
    lines = [line.split() for line in verilog(block, stages=stages).splitlines()]
    for direction in ("input", "output"):
        ports = {line[-1].rstrip(";") for line in lines if line[:1] == [direction]} - {"clk"}
        constrained = [line.split("{")[1].rstrip("[*]}") for line in text.splitlines() if f"set_{direction}" in line]
        assert sorted(constrained) == sorted(ports)


def test_wrong_times():
    with pytest.raises(InvalidInput, match=r"^period_ns=0 is too small; give at least 0\.001$"):
        generate("adder", period_ns=0)
    with pytest.raises(InvalidInput, match=r"^period_ns=-1 is too small; give at least 0\.001$"):
        generate("adder", period_ns=-1)
    with pytest.raises(InvalidType, match="input_delay_ns is a number, not str"):
        generate("adder", period_ns=1, input_delay_ns="1")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match=r"^output_delay_ns=-1 is too small; give at least 0$"):
        generate("adder", period_ns=1, output_delay_ns=-1)
    with pytest.raises(InvalidInput, match="delays of 3 ns and 2 ns leave nothing of a period of 5 ns"):
        generate("adder", period_ns=5, input_delay_ns=3, output_delay_ns=2)
    with pytest.raises(InvalidInput, match="unknown block 'added'"):
        generate("added", period_ns=5)
