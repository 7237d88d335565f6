"""The examples run as they stand, from a folder of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = {path.stem: path for path in (ROOT / "examples").glob("*.py")}


def run(name, folder, *arguments):
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, str(EXAMPLES[name]), *arguments],
        cwd=folder,
        env=os.environ | {"AXFPM_CACHE": str(folder / "cache"), "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(*programs):
    absent = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(absent), reason=f"{', '.join(absent)} not installed")


def test_there_are_three():
    assert set(EXAMPLES) == {"judge_my_model", "cell_to_hardware", "instantiate_an_engine"}


def test_judge_my_model(tmp_path):
    text = run("judge_my_model", tmp_path)
    assert "white-box: the attacker knows everything" in text
    assert "zero gradients" not in text


@pytest.mark.long
def test_judge_my_model_by_an_audit(tmp_path):
    assert "zero gradients" in run("judge_my_model", tmp_path, "--audit")


@pytest.mark.long
@needs("iverilog", "sta", "berkeley-abc")
def test_cell_to_hardware(tmp_path):
    text = run("cell_to_hardware", tmp_path, str(tmp_path / "out"))
    assert "module multiplier(" in (tmp_path / "out" / "multiplier.v").read_text(encoding="utf-8")
    assert ", 0 differences" in text
    assert "of bf16-trunc's" in text


@needs("iverilog")
def test_instantiate_an_engine(tmp_path):
    text = run("instantiate_an_engine", tmp_path, str(tmp_path / "out"))
    assert "30 of 30 words of C equal the golden model's" in text
