import pytest
from tiny_library import CELLS, HEAD, cell, energy, entrance, exit_, library, text_of, timing

from golden.errors import InvalidInput
from synth.energy.cells import Table
from synth.energy.reader import read_cells


def test_units_and_axes():
    # 1 fF and 1 V: tables in fJ. Load comes first in the template, slew second.
    table = 'values ("1, 2", "3, 4");'
    group = f'internal_power () {{ related_pin : "A"; rise_power (at_load) {{ {table} }} }}'
    cells = read_cells(library(text_of(cell("X", entrance("A"), exit_("Y", "A", group)))), ["X"])
    internal = cells["X"].pins["Y"].internal[0]
    assert internal.rise == Table((0.0, 1.0), (0.0, 100.0), ((0.001, 0.003), (0.002, 0.004)))
    assert internal.fall is None
    assert internal.related == ("A",)
    assert cells["X"].leakage_mw == pytest.approx(5e-6)


def test_ps_and_ff_and_quotes():
    # As ASAP7 writes its units and sky130 its names.
    text = text_of(CELLS["NAND"]).replace('"1ns"', '"1ps"').replace('"1nW"', '"1pW"')
    text = text.replace("cell (NAND)", 'cell ("NAND")').replace("pin (A)", 'pin ("A")').replace("input;", '"input";')
    plain, quoted = (read_cells(library(t), ["NAND"])["NAND"] for t in (text_of(CELLS["NAND"]), text))
    assert set(quoted.pins) == {"A", "B", "Y"}
    assert not quoted.pins["A"].output
    assert quoted.leakage[0].mw == pytest.approx(plain.leakage[0].mw / 1000)
    rise = quoted.pins["Y"].internal[0].rise
    assert rise is not None
    assert rise.slew_ns == (0.0, 0.001)
    assert quoted.pins["A"].rise_ff == plain.pins["A"].rise_ff == 4


def test_parts_have_templates_of_their_own():
    # The axes of one template name swap from one part to the other.
    axes = ("total_output_net_capacitance; variable_2 : input_transition_time", 'index_1 ("0, 100"); index_2 ("0, 1")')
    swapped = (
        "input_transition_time; variable_2 : total_output_net_capacitance",
        'index_1 ("0, 1"); index_2 ("0, 100")',
    )
    other = HEAD + CELLS["BUF"] + "}"
    for a, b in zip(axes, swapped, strict=True):
        assert a in other
        other = other.replace(a, b)
    cells = read_cells(library(HEAD + CELLS["INV"] + "}", other), ["INV", "BUF"])
    tables = [cell.pins["Y"].internal[0].rise for cell in cells.values()]
    assert [table.load_ff for table in tables if table] == [(0.0, 100.0)] * 2


def test_kept(monkeypatch):
    first = read_cells(library(), ["DFF", "NAND"])
    monkeypatch.setattr("synth.energy.reader._cell", lambda *_: pytest.fail("parsed again"))
    again = read_cells(library(), ["DFF", "NAND"])
    assert again == first


@pytest.mark.parametrize(
    "group, words",
    [
        ('latch (IQ, IQN) { data_in : "A"; enable : "G"; }', "has a latch"),
        ('statetable ("A", "Q") { table : "L : - : L"; }', "has a state table"),
        ("ff_bank (IQ, IQN, 4) { }", "has a bank of flip-flops"),
    ],
)
def test_cells_that_are_not_simulated(group, words):
    with pytest.raises(InvalidInput, match=f"the cell X {words}, which is not simulated here"):
        read_cells(library(text_of(cell("X", entrance("A"), exit_("Y", "A"), more=group))), ["X"])


def test_what_cannot_be_used():
    def refused(text, name, words):
        with pytest.raises(InvalidInput, match=words):
            read_cells(library(text), [name])

    blank = text_of(cell("X", entrance("A"), "pin (Y) { direction : output; }"))
    refused(blank, "X", "the cell X has an output Y without a function")
    refused(text_of(), "IN", "unknown cell 'IN'; did you mean INV")
    alien = cell("X", entrance("A"), exit_("Y", "A", timing("A"), energy("A").replace("at_load", "gone")))
    refused(text_of(alien), "X", "names the template 'gone'")
    refused(text_of().replace("nom_voltage : 2.0;", ""), "INV", "the library tiny names no supply voltage")


@pytest.mark.parametrize(
    "name, cell, flip_flop, volt",
    [
        ("osu018", "NAND2X1", "DFFPOSX1", 1.8),
        ("nangate45", "NAND2_X1", "DFF_X1", 1.1),
        ("sky130hd", "sky130_fd_sc_hd__nand2_1", "sky130_fd_sc_hd__dfxtp_1", 1.8),
        ("sg13g2", "sg13g2_nand2_1", "sg13g2_dfrbp_1", 1.2),
        ("asap7", "NAND2xp5_ASAP7_75t_R", "DFFHQNx1_ASAP7_75t_R", 0.7),
    ],
)
def test_real_libraries(real_library, name, cell, flip_flop, volt):
    own = real_library(name)
    cells = read_cells(own, [cell, flip_flop])
    assert own.voltage == volt
    nand, register = cells[cell], cells[flip_flop]
    assert 0.2 < min(p.rise_ff for p in nand.pins.values() if not p.output) < 20
    assert nand.register is None
    assert register.register is not None
    assert register.register.clocked_on in register.pins
    tables = [entry.rise for pin in nand.pins.values() if pin.output for entry in pin.internal]
    assert tables
    for table in tables:
        assert table is not None
        assert 0.1 < table.slew_ns[-1] < 3
        assert 10 < table.load_ff[-1] < 600
        assert all(-0.5 < energy < 0.5 for row in table.pj for energy in row)
