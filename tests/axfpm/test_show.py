"""``axfpm show``."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from axfpm.citations import citations
from axfpm.cli import main
from axfpm.known import remember_energy, remember_hardware
from golden.catalogue import MULTIPLIERS, multiplier


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))


def run(*arguments, code=0):
    result = CliRunner(env={"COLUMNS": ""}).invoke(main, ["show", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stderr if code else result.stdout


def test_a_page_in_json():
    found = json.loads(run("ax-fpm", "--json"))
    assert found["name"] == "ax-fpm"
    assert found["definition"]["masks"] == [0x111111, 0xEEEEEE, 0x888888]
    assert (len(found["dots"]), found["bits"]) == (12, 252)
    assert found["error"]["mred"] == pytest.approx(0.41, abs=0.01)
    assert found["here"] == {"hardware": None, "energy": None}
    assert len(found["hardware"]) == 5
    assert {row["shape"] for row in found["speed"]["rows"]} >= {"gemm 256", "LeNet-5, 250 random images"}
    assert {one["preset"] for one in found["robustness"]} == {"mnist", "cifar10", "cifar10-vgg11"}
    assert found["verilog"] == "axfpm verilog multiplier --multiplier ax-fpm -o multiplier.v"
    assert found["citations"] == list(citations(multiplier("ax-fpm")))


def test_a_page_as_text():
    text = run("ax-fpm")
    assert "P = (A & 0x111111) B + 2 (A & 0xEEEEEE) (B & 0x888888)" in text
    assert "Sum 00110011, Cout 00001111 for A B Cin = 000" in text
    assert "12 rows, 252 bits; the highest weight on the left" in text
    assert text.count("  ooo ooo ooo ooo ooo ooo\n") == 6
    assert "osu018: osu018_stdcells, corner typical (process 1, 1.8 V, 25 C), clock 12 ns." in text
    assert "Kernel avx512, one thread, " in text
    assert "Verdict of the rule on ax-fpm, white-box: does not defend (4 does not hold)." in text
    assert "`axfpm verilog multiplier --multiplier ax-fpm -o multiplier.v`" in text
    assert "\nCite:\n  A. Guesmi" in text


def test_what_this_machine_measured_stands_beside():
    remember_hardware([{"multiplier": "ax-fpm:block=2", "area_um2": 1234.5, "critical_path_ns": 5.0}], "osu018, 12 ns")
    text = run("ax-fpm:block=2")
    assert "On this machine: 1,234 um^2, 5 ns (osu018, 12 ns)." in text
    assert "Energy: not measured; `axfpm energy --multiplier ax-fpm:block=2` does." in text
    assert "Speed of emulation: not measured; `axfpm bench --multiplier ax-fpm:block=2` does." in text
    remember_energy([{"multiplier": "ax-fpm:block=2", "tree": "dadda", "energy_pj": 9.5}], "lenet5")
    assert "On this machine: 9.5 pJ (lenet5)." in run("ax-fpm:block=2")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mitchell", "P by a function or circuit of its own"),
        ("exact", "P = A B"),
        ("exact", "to the nearest, ties to even"),
        ("bf16", "23 fraction bits to 7: to the nearest, ties to even"),
        ("ax-fpm:cell=AMA1", "24 rows, 576 bits, which enter 4 x 4 arrays of AMA1 cells; the highest weight"),
        ("ax-fpm:cell=AMA1", "P = the sum of 36 products of 4-bit digits by the cell arrays, at their weights"),
        ("ax-fpm:format=toy", "Error: measured of 32-bit words alone."),
        ("ax-fpm:block=3", "not evaluated; `axfpm evaluate --preset mnist --subject ax-fpm:block=3` does"),
        ("mitchell", "The rule was not asked of this multiplier."),
    ],
)
def test_other_designs(name, sentence):
    assert sentence in " ".join(run(name).split())


@pytest.mark.parametrize("name", MULTIPLIERS)
def test_every_multiplier_has_a_page(name, monkeypatch):
    monkeypatch.setattr("axfpm.commands.show.SAMPLES", 1 << 10)
    monkeypatch.setattr("axfpm.commands.show.shipped_robustness", lambda _: [])
    assert run(name).startswith(name)


def test_the_plain_installation_has_it():
    absent = ("torch", "scipy", "sklearn", "amaranth", "cocotb", "matplotlib", "pooch", "safetensors", "joblib")
    code = f"import sys\nsys.modules.update(dict.fromkeys({absent!r}))\nsys.argv = ['axfpm', 'show', 'ax-fpm']\n"
    code += "from axfpm.cli import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Robustness, preset mnist" in done.stdout
