import pytest

from golden.errors import AxfpmWarning, InvalidInput
from synth.fpga import TARGETS, compare_fpga, map_fpga

PRODUCT = "module top(input [7:0] a, input [7:0] b, output [15:0] y); assign y = a * b; endmodule"
REGISTER = """
module top(input clk, input d, output reg q);
  always @(posedge clk) q <= d;
endmodule
"""


# The passes of the larger families take tens of seconds to load their libraries.
EACH_TARGET = [pytest.param(t, marks=[pytest.mark.long] * (t != "ice40")) for t in TARGETS]


@pytest.mark.parametrize("target", EACH_TARGET)
def test_operator_becomes_a_dsp_only_where_allowed(target):
    on, off = (
        map_fpga(PRODUCT.replace("7:0", "15:0").replace("15:0] y", "31:0] y"), top="top", target=target, dsp=d)
        for d in (True, False)
    )
    assert (on.dsps, off.dsps) == (1, 0)
    assert on.luts < 10 < off.luts
    assert on.flip_flops == off.flip_flops == 0


@pytest.mark.parametrize("target", EACH_TARGET)
def test_flip_flops_are_counted(target):
    assert map_fpga(REGISTER, top="top", target=target).flip_flops == 1


@pytest.mark.parametrize("target", EACH_TARGET)
def test_every_cell_of_a_multiplier_is_of_a_known_kind(target):
    from hdl.verilog import generate

    verilog = generate("multiplier", multiplier="ax-fpm:format=toy", stages=1)
    result = map_fpga(verilog, top="multiplier", target=target)
    counted = result.luts + result.carries + result.flip_flops + result.dsps
    muxes = sum(n for name, n in result.cells_by_type.items() if name in ("PFUMX", "L6MUX21", "MUXF7", "MUXF8"))
    assert counted + muxes == sum(result.cells_by_type.values())
    assert result.flip_flops > 0


@pytest.mark.long
def test_comparison_has_the_baselines_and_both_products():
    rows = compare_fpga(["ax-bf16"], target="ice40", baselines=["bf16-trunc"])
    kinds = {(r["multiplier"], r["product"], r["dsp_inference"]) for r in rows}
    assert kinds == {
        ("bf16-trunc", "dadda", False),
        ("ax-bf16", "dadda", False),
        ("bf16-trunc", "operator", False),
        ("bf16-trunc", "operator", True),
    }
    luts = {r["multiplier"]: r["luts"] for r in rows if r["product"] == "dadda"}
    assert luts["ax-bf16"] < luts["bf16-trunc"]


def test_answers_are_kept(monkeypatch):
    from synth import fpga

    first = map_fpga(REGISTER, top="top", target="ice40")
    monkeypatch.setattr(fpga, "run_yosys", lambda *a: pytest.fail("Yosys ran again"))
    assert map_fpga(REGISTER, top="top", target="ice40") == first


@pytest.mark.parametrize("harm", ["flipped", "[1]", "{}", "null", "cut"])
def test_a_damaged_answer_is_made_again(tmp_path, monkeypatch, harm):
    from synth import fpga

    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    monkeypatch.setattr(fpga, "run_yosys", lambda *_: {"num_cells_by_type": {"SB_LUT4": 3}})
    assert map_fpga(REGISTER, top="top", target="ice40").luts == 3
    (path,) = (tmp_path / "synth").iterdir()
    whole = path.read_bytes()
    path.write_bytes({"flipped": whole.replace(b" 3", b" 9"), "cut": whole[:-1]}.get(harm, harm.encode()))
    assert map_fpga(REGISTER, top="top", target="ice40").luts == 3
    assert path.read_bytes() == whole
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "file"))
    with pytest.warns(AxfpmWarning, match="cannot write to the cache"):
        assert map_fpga(REGISTER, top="top", target="ice40").luts == 3


def test_wrong_arguments():
    with pytest.raises(InvalidInput, match="unknown target 'virtex'; choose from ice40, ecp5, xilinx"):
        map_fpga(REGISTER, top="top", target="virtex")
    with pytest.raises(InvalidInput, match="not a Verilog identifier"):
        map_fpga(REGISTER, top="top; shell", target="ice40")
    with pytest.raises(InvalidInput, match="Yosys could not map"):
        map_fpga("module other; endmodule", top="top", target="ice40")
    with pytest.raises(InvalidInput, match="unknown target"):
        compare_fpga(["ax-fpm"], target="virtex")
