import json

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.designs import TableBlocks
from golden.errors import InvalidInput
from golden.multiply import multiply
from golden.significand import block_table

# Not symmetric, so that rows and columns cannot be exchanged unseen.
ROWS = [[a * b if (a, b) != (3, 1) else 2 for b in range(4)] for a in range(4)]


def table(m):
    assert isinstance(m.design, TableBlocks)
    return block_table(m.design)


@pytest.fixture(params=["csv", "npy", "json"])
def file(request, tmp_path):
    path = tmp_path / f"table.{request.param}"
    if request.param == "csv":
        path.write_text("# activation down, weight across\n" + "".join(f"{','.join(map(str, r))}\n" for r in ROWS))
    elif request.param == "npy":
        np.save(path, np.array(ROWS, np.uint8))
    else:
        path.write_text(json.dumps(ROWS))
    return path


def test_every_kind_of_file_holds_the_same_table(file):
    m = multiplier(str(file))
    assert m == multiplier("ax-fpm").__class__(m.format, TableBlocks("mine", 2, ROWS))
    assert str(m) == str(file)
    assert m.design.name == f"2 x 2 blocks of the table {file.name}"
    assert table(m)[3, 1] == 2
    assert table(m)[1, 3] == 3
    assert (m.format.name, m.carry, m.operands, m.product) == ("fp32", "halve", "truncate", "truncate")
    one, three_quarters = multiply(1.0, 1.5, m), multiply(1.5, 1.0, m)
    assert (one, three_quarters) == (1.5, 1.5)


WRONG_CSV = {
    "0,0,0,1": "holds 4 entries in one row; give 2\\^n rows \\(digit of the activation\\) of 2\\^n products each",
    "0\n0\n0\n1": "holds 4 entries in one row",
    "0,0\n0,1\n0,0": "has 3 rows of 2; give 2\\^n rows",
    "0,0,0\n0,1,0\n0,0,0": "has 3 rows of 3; give",
    "0,0\n0": "has 2 rows of unequal lengths",
    "0,0\n0,4": "needs 4 entries from 0 to 3; for the digits 1 and 1 it has 4",
    "0,0\n-1,1": "for the digits 1 and 0 it has -1",
    "0,0\n0,1.5": "for the digits 1 and 1 it has '1.5'",
    "": "holds no table; give",
}


@pytest.mark.parametrize("text", WRONG_CSV)
def test_wrong_tables(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=WRONG_CSV[text]) as said:
        multiplier(str(path))
    assert str(said.value).startswith(str(path))


def test_hexadecimal_and_blanks(tmp_path):
    (tmp_path / "t.csv").write_text("0, 0x0\n\n0 ,0x1\n")
    assert multiplier(f"{tmp_path}/t.csv").design == TableBlocks("mine", 1, (0, 0, 0, 1))


def test_arrays_of_other_things(tmp_path):
    np.save(tmp_path / "float.npy", np.zeros((2, 2)))
    with pytest.raises(InvalidInput, match=r"float\.npy holds float64; save an array of integers"):
        multiplier(f"{tmp_path}/float.npy")
    np.save(tmp_path / "object.npy", np.array([{}, {}], object))
    with pytest.raises(InvalidInput, match=r"is no array that numpy\.save wrote"):
        multiplier(f"{tmp_path}/object.npy")
    (tmp_path / "text.json").write_text("[[0, 0], [0, 1]")
    with pytest.raises(InvalidInput, match=r"text\.json is no JSON"):
        multiplier(f"{tmp_path}/text.json")
    (tmp_path / "object.json").write_text('{"table": [[0, 0], [0, 1]]}')
    with pytest.raises(InvalidInput, match=r"object\.json holds no table"):
        multiplier(f"{tmp_path}/object.json")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xff")
    with pytest.raises(InvalidInput, match=r"bytes\.csv is not text"):
        multiplier(f"{tmp_path}/bytes.csv")


def test_a_table_has_no_members(tmp_path):
    (tmp_path / "t.csv").write_text("0,0\n0,1\n")
    with pytest.raises(InvalidInput, match="holds one table and no 'spec'; write"):
        multiplier(f"{tmp_path}/t.csv:spec")
