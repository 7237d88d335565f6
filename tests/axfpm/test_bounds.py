"""Numbers out of bounds are one sentence and exit code 2, before any work."""

import json

import pytest
from click.testing import CliRunner

from axfpm.cli import main

SEED = "18446744073709551616"
REFUSED = [
    ("sim array --vectors 0", "vectors=0 is too small; give at least 1"),
    ("sim engine --vectors 0", "vectors=0 is too small"),
    ("sim --vectors 1000000000000", "vectors=1000000000000 is too large; give at most 4000000"),
    ("sim --vectors -1", "vectors=-1 is too small"),
    ("sim --stages 1000000", "stages=1000000 is too large; give at most 256"),
    ("sim array --rows 4096 --columns 4096", "would take about 70 hours and 3.5e+03 GB"),
    ("sim engine --network lenet5 --images 1000000000", "give at most 397, which is all there are"),
    ("sim engine --network lenet5 --images -1", "images=-1 is too small"),
    ("sim engine --network lenet5 --columns 0", "columns=0 is too small"),
    ("sim engine --network lenet5 --vectors 5", "--vectors has no meaning with --network; leave it out"),
    ("sim --images 5", "--images has no meaning without --network; leave it out"),
    (f"sim --seed {SEED}", f"seed={SEED} is too large; give at most {(1 << 63) - 1}"),
    ("verilog engine --depth 1000000000000", "depth=1000000000000 is too large; give at most 65535"),
    ("verilog engine --accumulators 1000000000000", "accumulators=1000000000000 is too large"),
    ("verilog engine --accumulators 4000000", "make buffers of 1024147456 bits"),
    ("verilog engine --biases 1000000000000", "biases=1000000000000 is too large; give at most 65535"),
    ("verilog engine --biases -1", "biases=-1 is too small"),
    ("verilog multiplier --stages 1000000", "stages=1000000 is too large"),
    ("verilog pe --adder-stages 1000000", "adder_stages=1000000 is too large"),
    ("verilog array --rows 4096 --columns 4096", "50331648 elements and skewing registers"),
    ("verilog multiplier --name endmodule", "it is a keyword of Verilog"),
    ("synth --stages 1000000", "stages=1000000 is too large"),
    ("synth --stages 1000000 --target ice40", "stages=1000000 is too large"),
    *((f"synth --period {period}", "period_ns=") for period in ("0", "-1", "nan", "inf")),
    ("vectors multiplier -n 1000000000000 -o never", "vectors=1000000000000 is too large"),
    ("vectors array --columns 100000 -o never", "columns=100000 is too large"),
    ("vectors adder --stages 1000000 -o never", "stages=1000000 is too large"),
    (f"vectors adder --seed {SEED} -o never", f"seed={SEED} is too large"),
    (f"train --seed {SEED} -o never.safetensors", f"seed={SEED} is too large"),
    (f"evaluate --seed {SEED}", f"seed={SEED} is too large"),
    ("multiply 0x3f8 1", "'0x3f8' could be a word or a number; write all 8 hex digits of a word"),
    ("multiply 1 0x3f8000000", "'0x3f8000000' could be a word or a number"),
    ("multiply 1 -0x3f800000", "'-0x3f800000' could be a word or a number"),
    ("multiply 0x 1", "'0x' could be a word or a number"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=[arguments for arguments, _ in REFUSED])
def test_out_of_bounds(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments.split())
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stderr.startswith("axfpm: ")
    assert result.stderr.count("\n") == 1
    assert sentence in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("period", ["0", "-3", "nan", "inf"])
def test_periods_of_constraints(period, tmp_path):
    output = f"{tmp_path}/a.v"
    result = CliRunner().invoke(main, ["verilog", "adder", "--format", "toy", "--period", period, "-o", output])
    assert result.exit_code == 2
    assert "axfpm: period_ns=" in result.stderr
    assert "; give at least 0.001\n" in result.stderr


@pytest.mark.parametrize("operand", ["0x1.8p3", "0x18p-1", "12", "0x41400000"])
def test_hexadecimal_fractions_are_numbers(operand):
    result = CliRunner().invoke(main, ["multiply", operand, "1", "--multiplier", "exact", "--json"])
    assert json.loads(result.stdout)["y"]["value"] == 12.0
