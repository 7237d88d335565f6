"""Wire loads by hand, and refusals."""

import numpy as np
import pytest

from golden.errors import InvalidInput
from synth.liberty import read_liberty
from synth.wires import NO_WIRES, WireLoad, default_wire_load, layout

SMALL = """
library (wired) {{
  time_unit : "1ns"; voltage_unit : "1V"; capacitive_load_unit ({unit}); nom_voltage : 1;
  wire_load ("other") {{ capacitance : 9; slope : 9; fanout_length (1, 9); }}
  wire_load ("0_1k") {{ capacitance : 0.5; resistance : 0.1; slope : 3; fanout_length (4, 20); fanout_length (2, 8); }}
  {default}
  cell (NOT) {{ area : 1; pin (A) {{ direction : input; capacitance : 1; }}
    pin (Y) {{ direction : output; function : "!A"; }} }}
}}
"""


@pytest.fixture
def wired(tmp_path):
    def read(default='default_wire_load : "0_1k";', unit="1, ff"):
        path = tmp_path / "wired.lib"
        path.write_text(SMALL.format(default=default, unit=unit))
        return read_liberty(path, wire_loads=True)

    return read


def test_lengths_by_hand(wired):
    # 8 at 2, 20 at 4, so 14 at 3; 3 more for each beyond, and less below: 5 at 1. Half a femtofarad each.
    load = default_wire_load(wired())
    assert load == WireLoad("0_1k", 0.5, 3.0, (2.0, 4.0), (8.0, 20.0))
    fanout = np.array([0, 1, 2, 3, 4, 5, 14])
    assert load.capacitance_ff(fanout).tolist() == [0, 2.5, 4, 7, 10, 11.5, 25]
    steep = WireLoad("steep", 1.0, 10.0, (2.0, 4.0), (8.0, 20.0))
    assert steep.capacitance_ff(np.array([1])).tolist() == [0]


def test_units(wired):
    assert default_wire_load(wired(unit="1, pf")).ff == pytest.approx(500)


def test_in_words(wired):
    assert layout(wired()) == "pre-layout, wires by the library's default wire load 0_1k"
    assert layout(read_liberty(wired().files)) == NO_WIRES


@pytest.mark.parametrize(
    ("default", "said"),
    [
        ("", "the library wired has no default wire load; leave out wire loads, or give a library that has one"),
        ("default_wire_load : gone;", "does not describe its default wire load 'gone'"),
    ],
)
def test_libraries_without_one(wired, default, said):
    with pytest.raises(InvalidInput, match=said):
        wired(default)
