import pytest

from golden.cache import Cache
from golden.errors import InvalidInput
from synth import liberty
from synth.liberty import read_liberty

# Every name differs from OSU's, capacitances are in fF, and each cell below that must not be chosen is smaller than
# the one that must be.
SMALL = """
library ("tiny 65") {
  time_unit : "1ps";
  leakage_power_unit : "1pW";
  capacitive_load_unit (10, ff);
  nom_process : 1; nom_voltage : 1.2; nom_temperature : 25;
  operating_conditions (slow) { process : 1.1; voltage : 1.08; temperature : 125; }
  default_operating_conditions : slow;
  cell (NOT_BIG) { area : 4; pin (I) { direction : input; capacitance : 0.6; }
    pin (Z) { direction : output; function : "!I"; max_capacitance : 20; } }
  cell (NOT_SMALL) { area : 2; pin (I) { direction : input; capacitance : 0.3; }
    pin (Z) { direction : output; function : "I'"; max_capacitance : 10; } }
  cell (THROUGH) { area : 3; pin (I) { direction : input; capacitance : 0.4; }
    pin (Z) { direction : output; function : "I"; max_capacitance : 12; } }
  cell (BARRED) { dont_use : true; area : 1; pin (I) { direction : input; capacitance : 0.1; }
    pin (Z) { direction : output; function : "I"; } }
  cell (BUS_DRIVER) { area : 1; pin (I) { direction : input; capacitance : 0.1; }
    pin (Z) { direction : output; function : "I"; three_state : "I"; } }
  cell (FREE) { area : 0; pin (I) { direction : input; capacitance : 0.1; }
    pin (Z) { direction : output; function : "I"; } }
  cell (TIE) { area : 1; pin (Z) { direction : output; function : "1"; } }
  cell (NAND) { area : 2; pin (A) { direction : input; capacitance : 0.3; }
    pin (B) { direction : input; capacitance : 0.3; } pin (Z) { direction : output; function : "!(A B)"; } }
  cell (FLOP) { area : 9; ff (IQ, IQN) { next_state : "D"; clocked_on : "C"; }
    pin (D) { direction : input; capacitance : 0.3; } pin (C) { direction : input; clock : true; capacitance : 0.3; }
    pin (Q) { direction : output; function : "IQ"; } }
}
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.lib"
    path.write_text(SMALL)
    return path


def test_osu018(liberty_file):
    library = read_liberty(liberty_file)
    assert library.name == "osu018_stdcells"
    assert library.corner == "typical (process 1, 1.8 V, 25 C)"
    assert (library.time_unit, library.power_unit, library.capacitance_unit) == ("1ns", "1nW", "1pf")
    assert [cell.name for cell in library.buffers] == ["BUFX2", "BUFX4", "CLKBUF1", "CLKBUF2", "CLKBUF3"]
    assert [cell.name for cell in library.inverters] == ["INVX1", "INVX2", "INVX4", "INVX8"]
    assert library.driving_cell == "BUFX2"
    assert library.load_ff == pytest.approx(4 * 9.32456)
    assert library.sequential == 3
    assert len(library.sha256) == 64


def test_default_is_the_installed_one(liberty_file):
    assert read_liberty().path == liberty_file


def test_other_names_and_units(small):
    library = read_liberty(small)
    assert library.name == "tiny 65"
    assert library.corner == "slow (process 1.1, 1.08 V, 125 C)"
    assert [cell.name for cell in library.buffers] == ["THROUGH"]
    assert [cell.name for cell in library.inverters] == ["NOT_SMALL", "NOT_BIG"]
    assert library.driving_cell == "THROUGH"
    assert library.load_ff == pytest.approx(4 * 3)
    assert library.buffers[0].max_load_ff == pytest.approx(120)
    assert (library.combinational, library.sequential) == (5, 1)


def test_inverter_drives_without_buffers(small):
    small.write_text(SMALL.replace("cell (THROUGH) {", "cell (THROUGH) { dont_use : true;"))
    assert read_liberty(small).driving_cell == "NOT_SMALL"


def test_summary_is_kept(small, monkeypatch):
    first = read_liberty(small)
    monkeypatch.setattr(liberty, "_parse", lambda *_: pytest.fail("parsed again"))
    assert read_liberty(small) == first


@pytest.mark.parametrize("value", [[1], {}, None, {"name": 7}, {"buffers": [{}], "inverters": []}])
def test_a_damaged_summary_is_made_again(small, tmp_path, monkeypatch, value):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    first = read_liberty(small)
    (path,) = (tmp_path / "cache" / "liberty").iterdir()
    whole = path.read_bytes()
    Cache("liberty").put_json(path.name, value)
    assert read_liberty(small) == first
    assert path.read_bytes() == whole
    path.write_bytes(whole.replace(b'"voltage": 1.', b'"voltage": 2.'))
    assert read_liberty(small) == first


def test_a_summary_that_cannot_be_kept(small, tmp_path, monkeypatch):
    first = read_liberty(small)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "file"))
    assert read_liberty(small) == first


def test_summary_follows_the_content(small):
    first = read_liberty(small)
    small.write_text(SMALL.replace("voltage : 1.08", "voltage : 0.99"))
    assert read_liberty(small).voltage == 0.99
    assert first.voltage == 1.08


FLOP_ONLY = SMALL[: SMALL.index("cell (NOT_BIG)")] + SMALL[SMALL.index("cell (FLOP)") :]
GATES_ONLY = SMALL[: SMALL.index("cell (NOT_BIG)")] + SMALL[SMALL.index("cell (NAND)") :]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a Liberty file"),
        ("module osu018(input a, output y); assign y = a; endmodule", "is not a Liberty file"),
        (SMALL[: len(SMALL) // 2], "is not a Liberty file"),
        ("\x00\x01\x02 binary", "is not a Liberty file"),
        ("cell (A) { area : 1; }", "holds a 'cell', not a Liberty library"),
        ("library (empty) { }", "no combinational cells with area and function"),
        (SMALL.replace("area", "aria"), "no combinational cells with area and function"),
        (FLOP_ONLY, "no combinational cells with area and function"),
        (GATES_ONLY, "neither buffer nor inverter"),
        (SMALL.replace("(10, ff)", "(10, parsecs)"), "capacitive_load_unit that cannot be read"),
    ],
    ids=["empty", "verilog", "cut", "binary", "cell", "no-cells", "no-area", "only-flops", "only-nand", "unit"],
)
def test_alien(tmp_path, content, message):
    path = tmp_path / "alien.lib"
    path.write_text(content)
    with pytest.raises(InvalidInput, match=message) as caught:
        read_liberty(path)
    said = str(caught.value)
    assert str(path) in said
    assert "\n" not in said
    assert "; " in said


@pytest.mark.parametrize("name", ["none.lib", "."], ids=["absent", "folder"])
def test_unreadable(tmp_path, name):
    with pytest.raises(InvalidInput, match=r"cannot read the Liberty file .*; give a readable file"):
        read_liberty(tmp_path / name)
