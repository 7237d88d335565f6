import pytest

from golden.errors import InvalidInput
from synth.energy.text import cut


def test_cells_and_what_is_around():
    text = 'library (l) { /* cell (X) { */ a : 1; cell ("A") { pin ("P") { x : 1; } } b : 2; cell(B){} c : 3; }'
    around, cells = cut(text)
    assert list(cells) == ["A", "B"]
    assert cells["A"] == 'cell ("A") { pin ("P") { x : 1; } }'
    assert around.split() == ["library", "(l)", "{", "a", ":", "1;", "b", ":", "2;", "c", ":", "3;", "}"]


def test_cut_short():
    with pytest.raises(InvalidInput, match="ends inside the cell A; give a whole file"):
        cut("library (l) { cell (A) { pin (P) { } ")
