import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from axfpm.cli import COMMANDS, main
from hdl.verilog import CIRCUITS, parameters_of
from synth.equivalence import Equivalence
from synth.flow import SynthesisResult


def mapped(top, size=1.0):
    """A made-up result of synthesis."""
    return SynthesisResult(
        top, 1000 * size, 0.0, 60, {}, 3 * size, 9.5, "a", "y", 12.0, "lib", "", "typical", (), False, "yosys",
        "sta", Path("netlist.v"),
    )  # fmt: skip


def run(*arguments, code=0):
    """Run the command; return standard output, or for a refusal its sentence."""
    result = CliRunner(env={"COLUMNS": ""}).invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    if code == 2:
        assert result.stdout == ""
        assert result.stderr.startswith("axfpm: ")
        assert result.stderr.count("\n") == 1
        return result.stderr
    return result.stdout


def test_help_names_every_command():
    shown = run("--help")
    assert all(f"  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name):
    shown = " ".join(run(name, "--help").split())
    assert f"Example: axfpm {name}" in shown
    assert "-q, --quiet" in shown
    assert "--json" in shown


def test_module_entry_point():
    shown = subprocess.run([sys.executable, "-m", "axfpm", "--version"], capture_output=True, text=True, check=True)
    assert "axfpm" in shown.stdout


def test_multiply():
    result = json.loads(run("multiply", "0.856", "0.471", "--json"))
    assert result["y"]["hex"] == "0x3EDA273C"
    assert result["y"]["value"] == 0.426080584526062
    assert result["exact_product"] == pytest.approx(0.856 * 0.471, rel=1e-6)
    assert result["relative_error"] == pytest.approx(0.0568, abs=1e-4)
    text = run("multiply", "0.856", "0.471")
    assert "0x3EDA273C" in text
    assert "0.426080584526062" in text


@pytest.mark.parametrize(
    ("a", "b", "multiplier", "y"),
    [
        ("-1", "0x40490FDB", "ax-fpm", "0xC0880888"),
        ("inf", "0", "ax-fpm", "0x7FC00000"),
        ("0x1p-1", "1e-45", "exact", "0x00000000"),
        ("3", "3", "mitchell", "0x41000000"),
        ("0x38", "0x38", "ax-fpm:format=toy", "0x40"),
    ],
)
def test_multiply_operands(a, b, multiplier, y):
    assert json.loads(run("multiply", a, b, "--multiplier", multiplier, "--json"))["y"]["hex"] == y


def test_list():
    entries = {e["name"]: e for e in json.loads(run("list", "--json"))}
    assert entries["ax-fpm"]["mred"] == pytest.approx(0.41, abs=0.01)
    assert entries["e8m2"]["operands"] == "nearest"
    assert "mitchell" in run("list")


def test_verilog(tmp_path):
    toy = ("--multiplier", "ax-fpm:format=toy")
    text = run("verilog", "multiplier", *toy)
    assert "module multiplier(" in text
    out = tmp_path / "m.v"
    result = json.loads(run("verilog", "multiplier", *toy, "-o", out, "--json"))
    assert result["file"] == str(out)
    assert out.read_text() == text
    assert run("verilog", "multiplier", *toy, "-o", out) == f"wrote {out} ({text.count(chr(10))} lines)\n"
    assert run("verilog", "multiplier", *toy, "-o", out, "-q") == ""
    assert "create_clock" in out.with_suffix(".sdc").read_text()
    array = run("verilog", "array", "--rows", 2, "--columns", 2, "--multiplier", "ax-fpm:format=toy")
    assert "module array(" in array
    assert "module mine(" in run("verilog", "multiplier", *toy, "--name", "mine")


def test_sim_passes_on_a_toy():
    (report,) = json.loads(
        run("sim", "--multiplier", "ax-fpm:format=toy", "--simulator", "icarus", "--vectors", 200, "--json")
    )
    assert report["passed"]
    assert report["checks"] >= 200


def test_sim_of_an_array_says_how_fast_it_was():
    shape = ("--rows", 2, "--columns", 1, "--simulator", "icarus", "--vectors", 20)
    text = run("sim", "array", *shape, "--pace", "always")
    head = next(line for line in text.splitlines() if "utilisation" in line)
    row = next(line for line in text.splitlines() if line.strip().startswith("ax-fpm"))
    assert re.split(r"\s{2,}", head.strip())[-3:] == ["cycles", "first result after", "utilisation"]
    cycles, latency, share = row.split()[-3:]
    assert latency == "3"  # 1 + stages + rows * adder_stages + columns - 1, where the multiplier has no stage
    assert int(cycles) >= 20 + 2
    assert 0 < float(share) <= 1
    assert "20 vectors, streams moving always" in text


def test_vectors(tmp_path):
    result = json.loads(run("vectors", "multiplier", "-n", 50, "-o", tmp_path / "v", "--json"))
    assert all(Path(f).is_file() for f in result["files"])


def test_vectors_of_an_array(tmp_path):
    shape = ("--rows", 3, "--columns", 2)
    result = json.loads(run("vectors", "array", *shape, "-n", 20, "-o", tmp_path / "v", "--json"))
    assert (result["rows"], result["columns"]) == (3, 2)
    assert {Path(f).name for f in result["files"]} >= {"array_weights.hex", "array_tb.v"}
    assert len((tmp_path / "v" / "array_results.hex").read_text().splitlines()) == 20


def test_doctor():
    result = json.loads(run("doctor", "--json"))
    assert {p["name"] for p in result["parts"]} > {"numpy", "icarus", "verilator", "yosys", "opensta"}
    assert result["shadowed"] == []


def test_bench(tmp_path):
    plot = tmp_path / "roofline.svg"
    result = json.loads(run("bench", "--multiplier", "ax-fpm", "--threads", 1, "--plot", plot, "--json"))
    assert {row["multiplier"] for row in result["rows"]} == {"ax-fpm"}
    assert plot.read_text().startswith("<svg")


def test_training_a_network_of_your_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    code = (
        "from torch import nn\nprint('hello')\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
    )
    (tmp_path / "axfpm_test_net.py").write_text(code)
    arguments = ("--data", "digits", "--model", "axfpm_test_net:net", "--epochs", 2, "--adversarial", 0.05)
    result = json.loads(run("train", *arguments, "--json", "-o", tmp_path / "net.safetensors"))
    assert (result["model"], result["epochs"], result["settings"]["epsilon"]) == ("axfpm_test_net:net", 2, "0.05")
    assert result["accuracy"] > 0.5
    assert (tmp_path / "net.safetensors").stat().st_size > 784 * 10 * 4
    sys.modules.pop("axfpm_test_net")


REFUSED = [
    (("multiply", "foo", "1"), "'foo' is not a number; write 0.5"),
    (("multiply", "1", "1", "--multiplier", "ax-fmp"), "unknown multiplier 'ax-fmp'; did you mean ax-fpm"),
    (("multiply", "1.5", "1", "--multiplier", "exact:format=toy"), "not a word of format 'toy'"),
    (("verilog", "divider"), "unknown block 'divider'; choose from multiplier"),
    (("verilog", "multiplier", "--stages", "-1"), "stages=-1"),
    (("verilog", "multiplier", "--rows", "0"), "the block 'multiplier' has no parameter 'rows'"),
    (("verilog", "adder", "--format", "fp8"), "unknown format 'fp8'"),
    (("verilog", "adder", "--multiplier", "ax-fpm"), "has no parameter 'multiplier'"),
    (("verilog", "array", "--rows", "0", "--columns", "2"), "rows"),
    (("verilog", "engine", "--rows", "2", "--columns", "-1"), "columns"),
    (("verilog", "multiplier", "--name", "1st"), "cannot name a module"),
    (("verilog", "multiplier", "-o", "/dev/null/m.v"), "cannot write /dev/null/m.v"),
    (("vectors", "divider", "-o", "build/none"), "'divider'"),
    (("vectors", "multiplier", "-o", "/dev/null/v"), "/dev/null/v"),
    (("vectors", "adder", "--rows", "2", "-o", "build/none"), "has no parameter 'rows'"),
    (("vectors", "multiplier", "-n", "0", "-o", "build/none"), "vectors=0"),
    (("sim", "divider"), "no bench for block 'divider'; choose from multiplier"),
    (("sim", "--simulator", "spice"), "unknown simulator 'spice'; choose from icarus, verilator"),
    (("sim", "--vectors", "0"), "vectors=0"),
    (("sim", "--pace", "always"), "the block 'multiplier' has no streams, and so no pace; leave it out"),
    (("sim", "array", "--pace", "allways"), "unknown pace 'allways'; did you mean always?"),
    (("sim", "engine", "--network", "lenet5", "--pace", "always"), "--pace has no meaning with --network"),
    (("sim", "multiplier", "--network", "lenet5"), "a network runs on the engine"),
    (("sim", "engine", "--network", "vgg"), "vgg"),
    (("sim", "engine", "--network", "lenet5", "--images", "0"), "images=0"),
    (("sim", "array", "--rows", "0"), "rows"),
    (("sim", "--stages", "-2"), "stages=-2 is negative"),
    (("energy", "pe"), "energy is not measured of the block 'pe'; choose from multiplier"),
    (("energy", "--multiplier", "ax-fpn"), "unknown multiplier 'ax-fpn'; did you mean ax-fpm"),
    (("energy", "--stimulus", "lenet"), "unknown stimulus 'lenet'; did you mean lenet5"),
    (("energy", "-n", "3"), "pairs=3 is too small; give at least 10"),
    (("energy", "--library", "nangate"), "unknown library 'nangate'; did you mean nangate45?"),
    (("energy", "--library", "osu018", "--technologies"), "--technologies all name cell libraries; give one of them"),
    (("energy", "--liberty", "x.lib", "--library", "osu018"), "all name cell libraries; give one of them"),
    (("energy", "--liberty", "/nowhere/cells.lib"), "/nowhere/cells.lib"),
    (("energy", "--period", "3", "--fastest"), "a period and the fastest one were asked for; give one of them"),
    (("energy", "--jobs", "0"), "jobs=0 is too small; give at least 1"),
    (("energy", "--stages", "-1"), "stages=-1 is negative"),
    (("energy", "-o", "/nowhere/energies.json"), "/nowhere"),
    (("synth", "divider"), "unknown block 'divider'"),
    (("synth", "--period", "0"), "period"),
    (
        ("synth", "adder", "--multiplier", "ax-fpm"),
        "'adder' has no parameter 'multiplier'; choose from format, st",
    ),
    (("synth", "adder", "--rows", "2"), "the block 'adder' has no parameter 'rows'; choose from format, stages"),
    (("synth", "array", "--rows", "0"), "rows=0 is too small"),
    (("synth", "--target", "ice40", "--tree", "plain"), "--tree has no meaning with --target; leave it out"),
    (("synth", "--target", "ice40", "--check"), "--check has no meaning with --target; leave it out"),
    (("synth", "--target", "ice40", "--period", "9"), "--period has no meaning with --target; leave it out"),
    (("synth", "--target", "fpga"), "unknown target 'fpga'; choose from ice40, ecp5, xilinx"),
    (("synth", "adder", "--target", "ice40"), "of the block multiplier"),
    (("synth", "--liberty", "/nowhere/cells.lib"), "/nowhere/cells.lib"),
    (("synth", "--liberty", __file__), "test_cli.py"),
    (("synth", "--library", "nangate"), "unknown library 'nangate'; did you mean nangate45? (or give a file with"),
    (("synth", "--library", "osu018", "--liberty", "x.lib"), "--library and --liberty both name a cell library; give"),
    (("synth", "--jobs", "0"), "jobs=0 is too small; give at least 1"),
    (("synth", "--target", "ice40", "--library", "asap7"), "--library has no meaning with --target; leave it out"),
    (("synth", "--target", "ice40", "--wire-loads"), "--wire-loads has no meaning with --target; leave it out"),
    (("train", "--data", "letters", "-o", "x.safetensors"), "unknown data set 'letters'"),
    (("train", "--model", "alexnot", "-o", "x.safetensors"), "unknown model 'alexnot'"),
    (("train", "--epochs", "0", "-o", "x.safetensors"), "epochs=0 is too small; give at least 1"),
    (("train", "--adversarial", "0", "-o", "x.safetensors"), "adversarial=0.0 is no budget of pixels in [0, 1]; give"),
    (("train", "--adversarial", "x", "-o", "x.safetensors"), "invalid value for '--adversarial'"),
    (("train", "--model", "axfpm_absent:Net", "-o", "x.safetensors"), "there is no module 'axfpm_absent'; correct"),
    (("train", "--model", "torch.nn:Identity", "-o", "x.safetensors"), "returns logits of shape (2, 1, 28, 28), not"),
    (("train", "-o", "/dev/null/x.safetensors"), "/dev/null/x.safetensors"),
    (("evaluate", "--attacks", "fgms"), "unknown attack 'fgms'"),
    (("evaluate", "--samples", "0"), "samples=0 is too small"),
    (("evaluate", "--preset", "huge"), "unknown preset 'huge'"),
    (("evaluate", "--threat-models", "grey"), "'grey'"),
    (("evaluate", "--checkpoint", __file__), "test_cli.py"),
    (("evaluate", "-o", "/dev/null/results"), "cannot write to /dev/null/results"),
    (("report", "-o", "/dev/null/report"), "cannot write to /dev/null/report"),
    (("bench", "--multiplier", "ax-fmp"), "unknown multiplier 'ax-fmp'"),
    (("bench", "--device", "gpu"), "--device gpu is unknown; choose cpu, cuda, or cuda:1"),
    (("bench", "--device", "cuda", "--threads", "1"), "--threads is for the CPU"),
    (("bench", "--plot", "roofline.png"), "roofline.png does not end in .svg"),
    (("bench", "--plot", "/dev/null/r/roofline.svg"), "cannot write /dev/null/r/roofline.svg"),
    (("bench", "--plot", ""), "an empty name cannot be written; give the name of a file with --plot"),
    (("lsit",), "unknown command 'lsit'; did you mean list? (`axfpm --help` shows all)"),
    (("frobnicate",), "unknown command 'frobnicate'; choose from list, show, multiply"),
    (("verilog", "multplier"), "unknown block 'multplier'; did you mean multiplier?"),
    (("synth", "multplier"), "unknown block 'multplier'; did you mean multiplier?"),
    (("sim", "multplier"), "no bench for block 'multplier'; did you mean multiplier?"),
    (("vectors", "arry", "-o", "build/none"), "no vectors for block 'arry'; did you mean array?"),
    (("sim", "--simulator", "icarsu"), "unknown simulator 'icarsu'; did you mean icarus?"),
    (("synth", "--target", "ice4"), "unknown target 'ice4'; did you mean ice40?"),
    (("train", "--data", "mnits", "-o", "x.safetensors"), "unknown data set 'mnits'; did you mean mnist?"),
    (("evaluate", "--data", "cifar"), "unknown data set 'cifar'; did you mean cifar10?"),
    (
        ("evaluate", "--model", "lenet"),
        "unknown model 'lenet'; did you mean lenet5 or alexnet or da-lenet? (package.module:name imports your own)",
    ),
    (("evaluate", "--preset", "quikc"), "unknown preset 'quikc'; did you mean quick?"),
    (("evaluate", "--attacks", "pdg"), "unknown attack 'pdg'; "),
    (("evaluate", "--threat-models", "transfre"), "unknown threat model 'transfre'; choose from twin, aware"),
    (("verilog", "multiplier", "--stges", "2"), "unknown option '--stges'; did you mean --stages?"),
    (("--frob",), "unknown option '--frob'; choose from --version"),
    (("multiply", "1"), "missing argument 'B'"),
    (("verilog", "multiplier", "--stages", "x"), "invalid value for '--stages': 'x' is not a valid integer"),
    (("verilog", "multiplier", "-o", ""), "an empty name cannot be written; give the name of a file with -o"),
    (("verilog", "multiplier", "-o", "."), ". is a folder; give the name of a file with -o"),
    (("verilog", "multiplier", "-o", "/"), "/ is a folder; give the name of a file with -o"),
    (("verilog", "multiplier", "-o", "/absent/m.v"), "cannot write /absent/m.v: /absent does not exist"),
    (("verilog", "multiplier", "-o", "m.sdc"), "m.sdc would be overwritten by its own SDC file"),
    (("train", "-o", "/"), "/ is a folder; give the name of a file with -o"),
    (("vectors", "multiplier", "-o", ""), "an empty name cannot be written; give the name of a folder with -o"),
    (("vectors", "multiplier", "-o", __file__), "test_cli.py is not a folder; choose another folder with -o"),
    (("evaluate", "-o", ""), "an empty name"),
    (("report", "-o", ""), "an empty name"),
]


@pytest.mark.parametrize(
    ("arguments", "sentence"), REFUSED, ids=lambda v: " ".join(v)[:60] if isinstance(v, tuple) else ""
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, sentence):
    assert sentence in run(*arguments, code=2)


def test_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "amaranth", None)
    for name in [m for m in sys.modules if m == "hdl" or m.startswith(("hdl.", "amaranth."))]:
        monkeypatch.delitem(sys.modules, name)
    assert "amaranth" in run("verilog", "multiplier", code=2)


def test_missing_tool_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "iverilog" in run("sim", "--simulator", "icarus", code=2).lower()
    assert "opensta" in run("synth", code=2).lower()


@pytest.mark.parametrize("name", ["verilog", "synth"])
def test_every_parameter_of_a_circuit_has_an_option(name):
    options = {option.name for option in import_module(COMMANDS[name]).command.params}
    for block in CIRCUITS:
        assert options >= set(parameters_of(block)) - {"multiplier"}


def test_synth_of_an_adder_and_a_netlist_that_is_wrong(monkeypatch):
    from synth import compare

    proofs = [Equivalence("equal", 1.0), Equivalence("unequal", 1.0, "Input pattern a=1")]
    monkeypatch.setattr(compare, "synthesise", lambda *_, **settings: mapped("adder"))
    monkeypatch.setattr(compare, "check_equivalence", lambda *_, **settings: proofs.pop(0))
    for program in ("yosys", "opensta", "abc", "read_liberty"):
        monkeypatch.setattr(compare, program, lambda *_, **__: None)
    plain = json.loads(run("synth", "adder", "--format", "toy", "--check", "--json"))
    assert [(row["multiplier"], row["equivalence"]["outcome"]) for row in plain["rows"]] == [(None, "equal")]
    text = run("synth", "adder", "--format", "toy", "--check", code=1)
    assert "adder, 0 stages, format toy" in text
    assert "adder: unequal: Input pattern a=1" in text


def test_synth_shows_both_ratios(monkeypatch):
    from synth import compare

    sizes = {"exact": 2.0, "exact-trunc": 4.0, "e8m2": 1.0}

    def synthesise(text, *, top, **settings):
        return mapped(top, sizes[re.findall(r"--multiplier (\S+)", text)[0]])

    monkeypatch.setattr(compare, "synthesise", synthesise)
    for program in ("yosys", "opensta", "read_liberty"):
        monkeypatch.setattr(compare, program, lambda *_, **__: None)
    text = run("synth", "--multiplier", "e8m2", "--tree", "wallace")
    assert "multiplier, 0 stages, tree wallace" in text
    head = next(line for line in text.splitlines() if "delay / exact" in line)
    assert re.split(r"\s{2,}", head.strip())[-4:] == [
        "area / exact", "delay / exact", "area / exact-trunc", "delay / exact-trunc"
    ]  # fmt: skip
    row = next(line for line in text.splitlines() if line.strip().startswith("e8m2"))
    assert row.split()[-4:] == ["0.5", "0.5", "0.25", "0.25"]


def test_failed_check_is_exit_code_1(monkeypatch):
    from dataclasses import replace

    from sim import runner

    honest = runner.run
    monkeypatch.setattr(runner, "run", lambda *a, **k: replace(honest(*a, **k), failures=1))
    run("sim", "--multiplier", "exact:format=toy", "--simulator", "icarus", "--vectors", 50, code=1)
