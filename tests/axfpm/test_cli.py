import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from axfpm.cli import COMMANDS, main
from golden.cnn import data
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


@pytest.mark.parametrize("operand", ["0x1.8p3", "0x18p-1", "12", "0x41400000"])
def test_hexadecimal_fractions_are_numbers(operand):
    result = run("multiply", operand, "1", "--multiplier", "exact", "--json")
    assert json.loads(result)["y"]["value"] == 12.0


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


def test_training_on_a_multiplier(tmp_path, monkeypatch):
    images, labels = data.load("digits", "train")
    few = data.DataSet("digits", lambda _split: (images[:64], labels[:64]), (1, 28, 28), 10, "64 digits")
    monkeypatch.setitem(data.DATASETS._entries, "digits", few)
    out = tmp_path / "on.safetensors"
    arguments = ("--from", "lenet5-digits", "--multiplier", "e8m1", "--gradient", "masked", "--learning-rate", 1e-4)
    result = json.loads(run("train", *arguments, "--json", "-o", out))
    assert (result["epochs"], result["samples"], result["file"]) == (1, 64, str(out))
    assert result["settings"]["multiplier"] == "e8m1"
    assert result["settings"]["peak"] == "0.0001"
    assert result["correct_on"].keys() == {"e8m1"}
    again = run("train", *arguments, "-o", out)
    counted = result["correct"], result["correct_on"]["e8m1"]
    assert again == f"wrote {out}: {counted[0]}/64 test images correct, {counted[1]} on e8m1\n"


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
