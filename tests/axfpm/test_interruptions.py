"""Interrupts, kills and readers that have had enough."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from axfpm.cli import main

KEPT = "finished parts are kept, and the same command goes on from there"


def interrupted(*arguments):
    """What an interrupted command says."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 130, (result.output, result.exception)
    assert result.stdout == ""
    return result.stderr


def steps(count):
    """Something with a progress callable that is interrupted after ``count`` parts."""

    def run(*_, progress, **__):
        for i in range(count + 1):
            progress(i, 9, "part")
        raise KeyboardInterrupt

    return run


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (("evaluate",), "golden.robustness.runs.run"),
        (("search", "--candidates", "exact,e8m2"), "axfpm.layer_search.run.search"),
        (("synth",), "synth.compare.compare"),
        (("synth", "--target", "ice40"), "synth.fpga.compare_fpga"),
    ],
)
def test_finished_parts_in_the_cache(tmp_path, monkeypatch, command, place):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    monkeypatch.setattr(place, steps(2))
    assert interrupted(*command) == f"axfpm: interrupted; {KEPT}\n"
    monkeypatch.setattr(place, steps(0))
    assert interrupted(*command) == "axfpm: interrupted\n"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(place, steps(2))
    assert interrupted(*command) == "axfpm: interrupted\n"


def test_finished_epochs(tmp_path, monkeypatch):
    output = tmp_path / "c.safetensors"

    def train(*arguments, **named):
        Path(f"{output}.training").touch()
        steps(2)(*arguments, **named)

    def run(*arguments, output, progress, **named):
        steps(2)(progress=progress)

    monkeypatch.setattr("golden.cnn.training.train", train)
    sentence = f"finished epochs are kept in {output}.training, and the same command goes on from there"
    assert interrupted("train", "-o", output) == f"axfpm: interrupted; {sentence}\n"
    monkeypatch.setattr("golden.cnn.training.train", run)
    assert interrupted("train", "-o", tmp_path / "other") == "axfpm: interrupted\n"


@pytest.mark.parametrize(
    ("command", "place"),
    [(("multiply", "1", "1"), "axfpm.commands.multiply.multiply_words"), (("sim",), "sim.runner.run")],
)
def test_commands_that_keep_nothing_say_nothing(monkeypatch, command, place):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupt)
    assert interrupted(*command) == "axfpm: interrupted\n"


@pytest.mark.parametrize("command", [("list",), ("list", "--json"), ("verilog", "multiplier"), ("doctor", "--json")])
def test_a_reader_that_has_had_enough(command):
    writer = subprocess.Popen([sys.executable, "-m", "axfpm", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    assert writer.stderr.read() == b""
    writer.stderr.close()
    assert writer.wait() == 141


def test_a_polite_kill_leaves_no_build(tmp_path):
    code = """
import sys, time
from golden import cache
from sim import runner

def run(*_, **__):
    with cache.workshop(cache.work_folder("sim"), "build") as place:
        (place / "half").touch()
        time.sleep(60)

runner.run = run
sys.argv = ["axfpm", "sim"]
from axfpm.cli import main
main()
"""
    environment = {**os.environ, "AXFPM_CACHE": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE)
    assert process.stderr is not None
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("sim/*/half")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 143
    assert list((tmp_path / "sim").iterdir()) == []
