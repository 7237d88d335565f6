"""The instance in a file's header is what its module takes: pasted into a wrapper, it elaborates without a warning."""

import re
import shutil
import subprocess

import pytest

from hdl.circuits import CIRCUITS
from hdl.ports import Port, instance
from hdl.verilog import build, generate

TOY = "ax-fpm:format=toy"
SMALL = {"multiplier": TOY, "rows": 1, "columns": 2}
BUFFERS = {"depth": 2, "accumulators": 2, "biases": 1}
BLOCKS = {
    "adder": [{"format": "toy"}, {"format": "toy", "stages": 1}],
    "multiplier": [{"multiplier": TOY}, {"multiplier": TOY, "stages": 1}],
    "significand": [{"multiplier": TOY}, {"multiplier": TOY, "stages": 1}],
    "mac": [{"multiplier": TOY}, {"multiplier": TOY, "stages": 1}],
    "pe": [{"multiplier": TOY, "stages": 2}],
    "array": [SMALL],
    "engine": [{**SMALL, **BUFFERS}, {**SMALL, **BUFFERS, "axi": True}],
}
CASES = [(block, parameters) for block, several in BLOCKS.items() for parameters in several]
LINE = re.compile(r"^    \.(\w+) +\((\w+)\),? +// (input|output) *(\[\d+:0\])?$", re.MULTILINE)


def test_every_block_has_a_case():
    assert set(BLOCKS) == set(CIRCUITS)


def pasted(text):
    (comment,) = re.findall(r"^/\*(.*?)^\*/$", text, re.MULTILINE | re.DOTALL)
    return comment[comment.index("\n\n") :]


def elaborate(folder, text, instance):
    """What Icarus says of a wrapper with the instance and a wire of the width beside each port."""
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    wires = "".join(f"  wire {span} {signal};\n" for _, signal, _, span in LINE.findall(instance))
    (folder / "design.v").write_text(text)
    (folder / "wrapper.v").write_text(f"`default_nettype none\nmodule wrapper;\n{wires}{instance}endmodule\n")
    command = ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-s", "wrapper", "-t", "null", "design.v", "wrapper.v"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr + ("" if done.returncode == 0 else "refused")


@pytest.mark.parametrize(("block", "parameters"), CASES)
def test_the_instance_elaborates(block, parameters, tmp_path):
    text = generate(block, name="mine", **parameters)
    template = pasted(text)
    assert elaborate(tmp_path, text, template) == ""
    # Icarus is silent on outputs that are left out.
    (declared,) = re.findall(r"^module mine\((.*?)\);", text, re.MULTILINE | re.DOTALL)
    assert [name for name, *_ in LINE.findall(template)] == re.split(r"\s*,\s*", declared.strip())


def test_a_wrong_instance_is_found(tmp_path):
    text = generate("adder", format="toy", name="mine")
    template = pasted(text)
    assert "expects 8 bits" in elaborate(tmp_path, text, template.replace("input  [7:0]", "input  [6:0]"))
    assert "dangling" in elaborate(tmp_path, text, re.sub(r"^ +\.a .*\n", "", template, flags=re.MULTILINE))
    assert "refused" in elaborate(tmp_path, text, template.replace(".b ", ".c "))


@pytest.mark.parametrize(("block", "parameters"), CASES)
def test_directions_are_those_of_the_module(block, parameters):
    text = generate(block, name="mine", **parameters)
    module = text[text.index("\nmodule mine(") :]
    module = module[: module.index("endmodule")]
    declared = {name: way for way, name in re.findall(r"^  (input|output) (?:\[\d+:0\] )?(\w+);$", module, re.M)}
    assert {name: way for name, _, way, _ in LINE.findall(pasted(text))} == declared


@pytest.mark.parametrize(("block", "parameters"), CASES)
def test_a_line_says_when_results_come(block, parameters):
    timing = build(block, **parameters).timing
    assert re.fullmatch(r"[A-Z].*\.", timing)
    assert f"\n{timing}\n\nmine u_mine (\n" in generate(block, name="mine", **parameters)


def test_text_of_an_instance():
    listed = [Port("clk", "input", 1), Port("data", "output", 12)]
    assert instance("mine", listed, timing="Soon.").splitlines()[1:] == [
        "Soon.",
        "",
        "mine u_mine (",
        "    .clk  (clk),  // input",
        "    .data (data)  // output [11:0]",
        ");",
        "*/",
    ]
