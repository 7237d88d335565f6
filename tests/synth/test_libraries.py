"""Every named library: what its cells are for, and a small multiplier mapped, timed and proved with it."""

import re

import pytest

from golden.errors import InvalidInput, MissingTool
from hdl.verilog import generate
from synth import libraries
from synth.equivalence import check_equivalence
from synth.flow import synthesise
from synth.liberty import read_liberty
from synth.libraries import LIBRARIES, recognise

# Cells of each library that a mapper takes unless it is kept from them, or that have no place in logic.
NOT_FOR_LOGIC = {
    "osu018": "LATCH TBUFX1",
    "nangate45": "CLKGATE_X1 CLKGATETST_X1 DLH_X1 SDFF_X1 SDFFRS_X2 TBUF_X1 FILLCELL_X1 ANTENNA_X1 TLAT_X1",
    "sky130hd": """lpflow_isobufsrc_1 lpflow_inputiso0n_1 lpflow_clkbufkapwr_1 probe_p_8 probec_p_8 clkbuf_1 clkinv_1
        clkdlybuf4s15_1 dlygate4sd1_1 dlymetal6s2s_1 dlclkp_1 sdlclkp_1 dlxtp_1 sdfxtp_1 sedfxtp_1 ebufn_1 decap_3
        diode_2 macro_sparecell""",
    "sg13g2": "lgcp_1 slgcp_1 sdfbbp_1 dlhq_1 dlygate4sd1_1 ebufn_2 decap_4 fill_1 antennanp sighold",
    "asap7": """HB1xp67 NAND2xp33 NAND2x1p5 XOR2xp5 SDFHx1 SDFLx4 ICGx1 ICGx2p67DC DHLx1 DLLx1""",
}
PREFIX = {"sky130hd": "sky130_fd_sc_hd__", "sg13g2": "sg13g2_"}
SUFFIX = {"asap7": "_ASAP7_75t_R"}
PIPELINE = """
module product(input clk, input rst, input en, input [3:0] a, input [3:0] b, output reg [7:0] y);
  reg [3:0] left, right;
  always @(posedge clk)
    if (rst) begin left <= 0; right <= 0; y <= 0; end
    else if (en) begin left <= a; right <= b; y <= left * right; end
endmodule
"""


@pytest.fixture(params=LIBRARIES, scope="module")
def library(request):
    if not LIBRARIES[request.param].is_at_hand:
        pytest.skip(f"the library {request.param} is neither installed nor under AXFPM_DATA")
    return read_liberty(request.param)


def named(library):
    known = recognise(library.name)
    assert known is not None
    return known


def test_every_library_is_tested():
    assert set(NOT_FOR_LOGIC) == set(LIBRARIES)
    assert list(LIBRARIES) == ["osu018", "nangate45", "sky130hd", "sg13g2", "asap7"]


def test_addresses_name_a_commit_and_the_file():
    for known in LIBRARIES.values():
        for file in known.files:
            pattern = r"https://raw\.githubusercontent\.com/[\w-]+/[\w-]+/[0-9a-f]{40}/.*/" + re.escape(file.name)
            assert re.fullmatch(pattern, file.address)
            assert re.fullmatch("sha256:[0-9a-f]{64}", file.checksum)


def test_cells_that_are_not_for_logic(library):
    name = named(library).name
    barred = [f"{PREFIX.get(name, '')}{cell}{SUFFIX.get(name, '')}" for cell in NOT_FOR_LOGIC[name].split()]
    assert set(barred) <= {cell.name for cell in library.cells}
    assert not set(barred) & {cell.name for cell in library.usable}
    assert len(library.usable) >= 26
    assert library.flip_flops


def test_a_copy_is_recognised(library):
    assert read_liberty(library.files) == library
    assert library.period_ns == named(library).period_ns


def test_units(library):
    # The smallest inverter's input: between a fraction of a femtofarad at 7 nm and ten at 180 nm.
    volts = {"osu018": 1.8, "nangate45": 1.1, "sky130hd": 1.8, "sg13g2": 1.2, "asap7": 0.7}[named(library).name]
    least, most = {"osu018": (5, 15), "asap7": (0.3, 1)}.get(named(library).name, (1, 5))
    assert library.voltage == volts
    assert least < library.load_ff / 4 < most
    assert library.time_s == (1e-12 if named(library).name == "asap7" else 1e-9)
    assert library.capacitance_f == (1e-15 if named(library).name in ("asap7", "nangate45") else 1e-12)


def test_no_wires(library):
    assert all("wire_load" not in text for text in library.texts())


def test_nothing_of_wires_is_lost_where_they_are_asked_for(library):
    if named(library).name in ("nangate45", "sky130hd", "sg13g2"):
        wired = read_liberty(library, wire_loads=True)
        assert any("default_wire_load" in text for text in wired.texts())
    else:
        with pytest.raises(InvalidInput, match="has no default wire load; leave out wire loads"):
            read_liberty(library, wire_loads=True)


def test_state_names_are_no_expressions(library):
    # The output of a flip-flop is a function of its state, whose name stands in the group ff.
    cell = library.groups([library.flip_flops[0].name], without=["timing"])[library.flip_flops[0].name]
    states = [str(name).strip('"') for name in cell.get_groups("ff")[0].args]
    functions = [str(pin.get("function")).strip('"') for pin in cell.get_groups("pin") if "function" in pin]
    assert functions
    assert set(functions) <= set(states)


@pytest.mark.usefixtures("flow_tools", "abc_tool")
@pytest.mark.parametrize("stages", [0, 2])
def test_a_small_multiplier_is_mapped_timed_and_proved(library, stages):
    design = generate("multiplier", multiplier="ax-fpm:format=toy", stages=stages)
    result = synthesise(design, top="multiplier", liberty=library)
    assert result.period_ns == named(library).period_ns
    assert set(result.cells_by_type) <= {cell.name for cell in library.usable}
    areas = {cell.name: cell.area for cell in library.usable}
    total = sum(areas[name] * count for name, count in result.cells_by_type.items())
    assert result.area_um2 == pytest.approx(total)
    flops = sum(count for name, count in result.cells_by_type.items() if name in {f.name for f in library.flip_flops})
    assert (flops > 0) == (stages > 0)
    # Ten gates deep: from 20 ps a gate at 7 nm to 150 ps at 130 and 180 nm. Wrong units miss by a thousand.
    assert 0.05 < result.critical_path_ns < 3
    proof = check_equivalence(design, result, top="multiplier", liberty=library)
    assert (proof.outcome, proof.detail) == ("equal", "")


@pytest.mark.usefixtures("flow_tools", "abc_tool")
def test_a_wrong_input_of_a_register_is_found(library):
    # Also where a library's flip-flops have a reset that is tied off, or an inverted output.
    text = synthesise(PIPELINE, top="product", liberty=library).netlist.read_text()
    assert check_equivalence(PIPELINE, text, top="product", liberty=library).outcome == "equal"
    flops = "|".join(cell.name for cell in library.flip_flops)
    one, other = re.findall(rf"(?:{flops}) \w+ \(.*?\);", text, re.DOTALL)[:2]
    first, second = (re.findall(r"\.D\(([^)]*)\)", instance)[0] for instance in (one, other))
    assert first != second
    mutant = text.replace(one, one.replace(f".D({first})", f".D({second})"))
    assert check_equivalence(PIPELINE, mutant, top="product", liberty=library).outcome == "unequal"


def test_osu018_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(libraries, "LIBERTY_CANDIDATES", ())
    assert not LIBRARIES["osu018"].is_at_hand
    with pytest.raises(MissingTool, match="osu018 is not installed; install the Debian package qflow-tech-osu018"):
        LIBRARIES["osu018"].paths()


def test_an_unknown_library_is_not_recognised():
    assert recognise("mine") is None
