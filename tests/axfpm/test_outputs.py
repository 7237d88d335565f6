"""What the commands write: all arguments checked first, nothing replaced that was not meant."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from axfpm.cli import main
from golden.errors import InvalidInput

TOY = ("--multiplier", "ax-fpm:format=toy")


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(*arguments):
    """The sentence of a refusal."""
    result = run(*arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("axfpm: ")
    assert result.stderr.endswith("\n")
    return result.stderr[len("axfpm: ") : -1]


def test_verilog_and_constraints_again_and_again(tmp_path):
    out = tmp_path / "m.v"
    for period in (10, 20):
        run("verilog", "multiplier", *TOY, "--period", period, "-o", out)
        assert names(tmp_path) == ["m.sdc", "m.v"]
        assert f"-period {period}" in (tmp_path / "m.sdc").read_text()


@pytest.mark.parametrize("change", ["replaced", "edited", "binary"])
def test_constraints_of_others_stay(tmp_path, change):
    out, constraints = tmp_path / "m.v", tmp_path / "m.sdc"
    if change == "edited":
        run("verilog", "multiplier", *TOY, "-o", out)
        constraints.write_text(constraints.read_text() + "set_false_path -from rst\n")
        out.write_text("old")
    elif change == "replaced":
        constraints.write_text("create_clock -period 3 clk\n")
    else:
        constraints.write_bytes(b"\xff\xfe\n")
    before = constraints.read_bytes()
    sentence = "where the constraints go, exists and is not as axfpm wrote it; move it, or choose another -o"
    assert refused("verilog", "multiplier", *TOY, "-o", out) == f"{constraints}, {sentence}"
    assert constraints.read_bytes() == before
    assert not out.exists() or out.read_text() == "old"


def test_core_again_and_again(tmp_path):
    out = tmp_path / "m.v"
    for name in ("one", "two"):
        run("verilog", "multiplier", *TOY, "--core", "--name", name, "-o", out)
        assert names(tmp_path) == ["m.core", "m.sdc", "m.v"]
        assert f'name: "axfpm::{name}"' in (tmp_path / "m.core").read_text()


@pytest.mark.parametrize("change", ["edited", "first line"])
def test_cores_of_others_stay(tmp_path, change):
    out, core = tmp_path / "m.v", tmp_path / "m.core"
    run("verilog", "multiplier", *TOY, "--core", "-o", out)
    core.write_text(core.read_text().replace(*(("lint:", "mine:") if change == "edited" else ("CAPI=2:", "CAPI=2: "))))
    out.write_text("old")
    before = core.read_text()
    sentence = "where the core goes, exists and is not as axfpm wrote it; move it, or choose another -o"
    assert refused("verilog", "multiplier", *TOY, "--core", "-o", out) == f"{core}, {sentence}"
    assert (core.read_text(), out.read_text()) == (before, "old")
    run("verilog", "multiplier", *TOY, "-o", out)
    assert core.read_text() == before


@pytest.mark.parametrize("name", ["m.sdc", "m.SDC"])
def test_verilog_is_not_its_own_constraints(tmp_path, name):
    sentence = f"{tmp_path / 'm.sdc'} would be overwritten by its own SDC file; give -o a name such as m.v"
    assert refused("verilog", "multiplier", *TOY, "-o", tmp_path / name) == sentence
    assert names(tmp_path) == []


def test_verilog_linked_to_its_constraints(tmp_path):
    (tmp_path / "m.sdc").write_text("mine")
    (tmp_path / "m.v").symlink_to("m.sdc")
    sentence = f"{tmp_path / 'm.sdc'} would be overwritten by its own SDC file; give -o a name such as m.v"
    assert refused("verilog", "multiplier", *TOY, "-o", tmp_path / "m.v") == sentence
    assert (tmp_path / "m.sdc").read_text() == "mine"


def test_a_fifo(tmp_path):
    fifo = tmp_path / "m.v"
    os.mkfifo(fifo)
    read = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_text()))
    reader.start()
    result = run("verilog", "multiplier", *TOY, "-o", fifo)
    reader.join()
    assert read == [run("verilog", "multiplier", *TOY).stdout]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == ["m.v"]  # no constraints beside a stream
    assert result.stdout == ""
    assert "wrote" in result.stderr


def test_standard_output(tmp_path):
    command = [sys.executable, "-m", "axfpm", "verilog", "multiplier", *TOY, "-o", "/dev/stdout"]
    expected = run("verilog", "multiplier", *TOY).stdout
    piped = subprocess.run(command, capture_output=True, text=True, check=True)
    assert piped.stdout == expected
    with (tmp_path / "out").open("w") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.PIPE, check=True)
    assert (tmp_path / "out").read_text() == expected
    assert names(tmp_path) == ["out"]
    both = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert both.returncode == 2
    assert both.stderr == "axfpm: --json and -o /dev/stdout both write to standard output; give -o another file\n"
    assert both.stdout == ""


def test_a_device_is_written_through():
    # Written to, not replaced: what stands there afterwards is the same device.
    device = Path("/dev/null")
    before = device.stat()
    result = json.loads(run("verilog", "multiplier", *TOY, "-o", device, "--json").stdout)
    assert result["file"] == "/dev/null"
    after = device.stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_rdev) == (before.st_ino, before.st_rdev)
    assert not Path("/dev/null.sdc").exists()


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    out = tmp_path / "m.v"
    out.write_text("old")
    monkeypatch.setattr(Path, "replace", full)
    sentence = f"cannot write {out}: No space left on device; choose another place with -o"
    assert refused("verilog", "multiplier", *TOY, "-o", out) == sentence
    assert out.read_text() == "old"
    assert names(tmp_path) == ["m.v"]


def test_any_error_of_the_system_is_one_sentence(monkeypatch):
    def fails(*_, **__):
        raise OSError(28, "No space left on device", "/some/\x1b[31m[/x]")

    monkeypatch.setattr("axfpm.commands.multiply.multiply_words", fails)
    sentence = "No space left on device; free or mend it and try again"
    assert refused("multiply", "1", "1") == f"cannot use /some/\\x1b[31m[/x]: {sentence}"

    def fails_somewhere(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("axfpm.commands.multiply.multiply_words", fails_somewhere)
    assert refused("multiply", "1", "1") == sentence

    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr("axfpm.commands.multiply.multiply_words", exhausted)
    assert refused("multiply", "1", "1") == "memory does not suffice for this; ask for less at once"


def test_training_into_a_stream_keeps_no_state(tmp_path, monkeypatch):
    from golden.cnn import training

    saved = []
    monkeypatch.setattr(training.checkpoints, "save", lambda path, *_: saved.append(Path(path)))
    fifo = tmp_path / "c"
    os.mkfifo(fifo)
    result = run("train", "--epochs", 1, "-o", fifo)
    assert saved == [fifo]
    assert names(tmp_path) == ["c"]
    assert "wrote" in result.stderr
    assert result.stdout == ""


def test_a_checkpoint_follows_a_link(tmp_path):
    from golden.cnn import checkpoint

    model, provenance = checkpoint.load("lenet5-digits")
    layer: Any = model.fc1
    link = tmp_path / "link"
    link.symlink_to("target")
    checkpoint.save(link, model, provenance)
    assert link.is_symlink()
    assert checkpoint.load(tmp_path / "target")[1] == provenance
    with pytest.raises(InvalidInput, match="does not fit"):
        checkpoint.save(link, layer, provenance)
    assert names(tmp_path) == ["link", "target"]
