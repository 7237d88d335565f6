import gzip
from pathlib import Path

import pytest

from golden.cache import Cache
from golden.errors import InvalidInput
from synth import liberty_part
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
    assert (library.time_s, library.leakage_w, library.capacitance_f, library.energy_j) == (1e-9, 1e-9, 1e-12, 1e-12)
    assert [cell.name for cell in library.buffers] == ["BUFX2", "BUFX4", "CLKBUF1", "CLKBUF2", "CLKBUF3"]
    assert library.period_ns == 12
    assert [cell.name for cell in library.inverters] == ["INVX1", "INVX2", "INVX4", "INVX8"]
    assert library.driving_cell == "BUFX2"
    assert library.load_ff == pytest.approx(4 * 9.32456)
    assert [cell.name for cell in library.flip_flops] == ["DFFNEGX1", "DFFPOSX1", "DFFSR"]
    assert len(library.sha256) == 64


def test_default_is_the_installed_one(liberty_file):
    assert read_liberty().files == (liberty_file,)


def test_other_names_and_units(small):
    library = read_liberty(small)
    assert library.name == "tiny 65"
    assert library.corner == "slow (process 1.1, 1.08 V, 125 C)"
    assert [cell.name for cell in library.buffers] == ["THROUGH"]
    assert [cell.name for cell in library.inverters] == ["NOT_SMALL", "NOT_BIG"]
    assert library.driving_cell == "THROUGH"
    assert library.load_ff == pytest.approx(4 * 3)
    assert library.buffers[0].max_load_ff == pytest.approx(120)
    assert (library.combinational, len(library.flip_flops)) == (5, 1)
    assert (library.time_s, library.leakage_w, library.voltage) == (1e-12, 1e-12, 1.08)
    assert (library.capacitance_f, library.energy_j) == (pytest.approx(1e-14), pytest.approx(1e-14))
    assert library.period_ns == 12


def test_inverter_drives_without_buffers(small):
    small.write_text(SMALL.replace("cell (THROUGH) {", "cell (THROUGH) { dont_use : true;"))
    assert read_liberty(small).driving_cell == "NOT_SMALL"


def test_summary_is_kept(small, monkeypatch):
    first = read_liberty(small)
    monkeypatch.setattr(liberty_part, "parse", lambda *_: pytest.fail("parsed again"))
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
        (SMALL[: len(SMALL) // 2], "is not a whole Liberty file: it ends inside a group: part of it is missing; repl"),
        (f"{SMALL} }}", "is not a whole Liberty file: it closes a group that is not open"),
        ("\x00\x01\x02 binary", "is not a Liberty file"),
        ("cell (A) { area : 1; }", "holds a 'cell', not a Liberty library"),
        ("library (empty) { }", "no usable combinational cells with area and function"),
        (SMALL.replace("area", "aria"), "no usable combinational cells with area and function"),
        (FLOP_ONLY, "no usable combinational cells with area and function"),
        (GATES_ONLY, "neither buffer nor inverter"),
        (SMALL.replace("(10, ff)", "(10, parsecs)"), "capacitive_load_unit that cannot be read"),
        (SMALL.replace('"1ps"', '"1 blink"'), "time_unit '1 blink' that cannot be read; write it as 1ns"),
    ],
    ids=[
        "empty",
        "verilog",
        "cut",
        "doubled",
        "binary",
        "cell",
        "no-cells",
        "no-area",
        "only-flops",
        "only-nand",
        "unit",
        "time",
    ],
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


def test_quoted_names_are_names(tmp_path, small):
    quoted = tmp_path / "quoted.lib"
    quoted.write_text(SMALL.replace("(I)", '("I")').replace("(Z)", '("Z")').replace("(THROUGH)", '("THROUGH")'))
    assert read_liberty(quoted).buffers == read_liberty(small).buffers
    assert read_liberty(quoted).inverters == read_liberty(small).inverters
    assert 'cell ("THROUGH")' in read_liberty(quoted).texts()[0]


def test_compressed(tmp_path, small):
    packed = tmp_path / "small.lib.gz"
    packed.write_bytes(gzip.compress(SMALL.encode()))
    one, other = read_liberty(packed), read_liberty(small)
    assert (one.name, one.sha256, one.cells, one.texts()) == (other.name, other.sha256, other.cells, other.texts())
    assert one.files == (packed,)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match=r"small\.lib\.gz is a damaged gzip file; replace it by a whole one"):
        read_liberty(packed)


# One of each kind that is not for logic, each smaller than what is.
BARRED = """
  cell (LATCH) { area : 1; latch (IQ, IQN) { enable : "C"; data_in : "D"; }
    pin (D) { direction : input; } pin (C) { direction : input; } pin (Q) { direction : output; function : "IQ"; } }
  cell (GATE) { area : 1; statetable ("C E", "IQ") { table : "L L : - : L"; }
    pin (C) { direction : input; } pin (E) { direction : input; }
    pin (Q) { direction : output; state_function : "IQ C"; } }
  cell (SCAN) { area : 1; ff (IQ, IQN) { next_state : "(SE SI) + (!SE D)"; clocked_on : "C"; }
    pin (D) { direction : input; } pin (C) { direction : input; } pin (SE) { direction : input; }
    pin (SI) { direction : input; } pin (Q) { direction : output; function : "IQ"; }
    test_cell () { ff (IQ, IQN) { next_state : "D"; clocked_on : "C"; } pin (SI) { signal_type : test_scan_in; } } }
  cell (FILL) { area : 1; }
  cell (STATE) { area : 1; pin (D) { direction : input; } pin (Q) { direction : output; function : "IQ"; } }
  cell (UNKNOWN) { area : 1; pin (I) { direction : input; } pin (Z) { direction : output; } }
"""


def test_what_is_not_for_logic_is_known_and_cut_out(small):
    small.write_text(SMALL.replace("cell (NOT_BIG)", f"{BARRED} cell (NOT_BIG)"))
    library = read_liberty(small)
    assert {cell.name: cell.kind for cell in library.cells if not cell.is_logic} == {
        **{"LATCH": "latch", "GATE": "state table", "SCAN": "scan", "FILL": "no function", "UNKNOWN": "no function"},
        "STATE": "unknown state",
        **{"BARRED": "dont_use", "BUS_DRIVER": "three-state", "FREE": "no area"},
    }
    assert [cell.name for cell in library.flip_flops] == ["FLOP"]  # whose output's function is a state, not an input
    (text,) = library.texts()
    assert [cell.name for cell in library.cells if f" cell ({cell.name})" in text] == [c.name for c in library.usable]
    assert library.texts(["SCAN"])[0].count(" cell (") == 1


def test_patterns_leave_cells_out(small):
    library = read_liberty(small, dont_use=["NOT_S*", "T?E"])
    assert library.dont_use == ("NOT_S*", "T?E")
    assert [cell.name for cell in library.usable] == ["NOT_BIG", "THROUGH", "NAND", "FLOP"]
    assert library.load_ff == pytest.approx(4 * 6)
    assert "cell (NOT_SMALL)" not in library.texts()[0]
    again = read_liberty(library, dont_use=["NAND"])
    assert again.dont_use == ("NOT_S*", "T?E", "NAND")
    assert read_liberty(library).dont_use == library.dont_use
    with pytest.raises(InvalidInput, match=r"the pattern 'XOR\*' matches no cell of tiny 65; give one that does"):
        read_liberty(small, dont_use=["XOR*"])


WIRES = """
  wire_load ("1k") { capacitance : 0.1; slope : 1; fanout_length (1, 10); }
  wire_load_selection (all) { wire_load_from_area (0, 100, "1k"); }
  default_wire_load : "1k";
  default_wire_load_mode : top ;
  default_wire_load_selection : all;
  default_wire_load_capacitance : 0.0003;
"""


def test_wire_loads_are_cut_out_unless_asked_for(small):
    small.write_text(SMALL.replace("cell (NOT_BIG)", f"{WIRES} cell (NOT_BIG)"))
    assert "wire_load" not in read_liberty(small).texts()[0]
    assert WIRES in read_liberty(small, wire_loads=True).texts()[0]
    assert WIRES in read_liberty(read_liberty(small, wire_loads=True)).texts()[0]


@pytest.fixture
def parts(tmp_path):
    """The small library in two parts, one of them compressed."""
    gates, flops = tmp_path / "gates.lib.gz", tmp_path / "flops.lib"
    gates.write_bytes(gzip.compress(SMALL.replace("tiny 65", "tiny_65_gates").split("cell (FLOP)")[0].encode() + b"}"))
    flops.write_text(FLOP_ONLY.replace("tiny 65", "tiny_65_flops"))
    return gates, flops


def test_parts_are_one_library(parts, small):
    library, whole = read_liberty(parts), read_liberty(small)
    assert library.files == parts
    assert library.name == "tiny_65"
    assert library.corner == whole.corner
    assert set(library.usable) == set(whole.usable)
    assert (library.driving_cell, library.load_ff) == (whole.driving_cell, whole.load_ff)
    swapped = read_liberty(parts[::-1])
    assert (swapped.sha256, swapped.texts()) == (library.sha256, library.texts())
    assert set(library.groups()) == set(whole.groups())


def test_parts_are_written_side_by_side(parts, tmp_path):
    library = read_liberty(parts)
    folder = tmp_path / "folder"
    folder.mkdir()
    library.write(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(library.file_names) == ["cells.lib", "cells1.lib"]
    assert "".join((folder / name).read_text().count("cell (FLOP)") * "x" for name in library.file_names) == "x"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"1ps"', '"1ns"'), "time unit 1.s and 1.s"),
        (("(10, ff)", "(10, pf)"), "capacitance unit 10.f and 10.f"),
        (('"1pW"', '"1nW"'), "power unit 1.W and 1.W"),
        (("voltage : 1.08", "voltage : 1.2"), r"corner process 1.1, 1.\d+ V, 125 C and process 1.1, 1.\d+ V, 125 C"),
        (("temperature : 125", "temperature : 25"), "corner process 1.1, 1.08 V"),
    ],
    ids=["time", "capacitance", "power", "voltage", "temperature"],
)
def test_parts_that_disagree(parts, change, message):
    parts[1].write_text(parts[1].read_text().replace(*change))
    with pytest.raises(InvalidInput, match=f"are not parts of one library: {message}.*; give files of one corner"):
        read_liberty(parts)


def test_the_same_part_twice(parts):
    with pytest.raises(InvalidInput, match=r"the cell FLOP is in .* and in .*; give each part once"):
        read_liberty([*parts, parts[1]])
    with pytest.raises(InvalidInput, match="there is no Liberty file; give at least one"):
        read_liberty([])


def test_groups_are_the_cells_as_written(small):
    library = read_liberty(small)
    assert set(library.groups()) == {cell.name for cell in library.usable}
    group = library.groups(["BARRED"])["BARRED"]
    assert [str(pin.args[0]) for pin in group.get_groups("pin")] == ["I", "Z"]
    assert library.groups(["BARRED"], without=["pin"])["BARRED"].groups == []
    with pytest.raises(InvalidInput, match="the library tiny 65 has no cell XOR; give the library it is mapped to"):
        library.groups(["XOR"])


def test_headers_are_what_is_outside_of_cells(parts):
    library = read_liberty(parts)
    assert [str(header.args[0]).strip('"') for header in library.headers()] == ["tiny_65_flops", "tiny_65_gates"]
    assert str(library.header_of("NAND").args[0]).strip('"') == "tiny_65_gates"
    assert all(header.get_groups("cell") == [] for header in library.headers())


def test_a_library_without_a_unit_of_leakage(small):
    small.write_text(SMALL.replace('leakage_power_unit : "1pW";', ""))
    library = read_liberty(small)
    with pytest.raises(InvalidInput, match="has no leakage_power_unit; write it as 1nW"):
        _ = library.leakage_w


def test_a_name_that_is_nearly_one():
    with pytest.raises(InvalidInput, match="unknown library 'asap'; did you mean asap7"):
        read_liberty("asap")
    with pytest.raises(InvalidInput, match=r"cannot read the Liberty file .*asap\.lib"):
        read_liberty("asap.lib")
    with pytest.raises(InvalidInput, match=r"cannot read the Liberty file .*asap "):
        read_liberty(Path("asap"))
