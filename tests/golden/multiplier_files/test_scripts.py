import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import golden
from golden.catalogue import MULTIPLIERS, multiplier
from golden.cells import Cell
from golden.designs import MITCHELL, CellBlocks, Function, Masks, TableBlocks, table_of
from golden.errors import InvalidInput
from golden.multiplier_files.scripts import function_again
from golden.multiply import multiply

ROOT = Path(golden.__file__).parents[1]

TEXT = """
import numpy as np

import helper_beside
from axfpm import Cell, Function, Masks, MULTIPLIERS, TableBlocks, multiplier, table_of

print("on the way")
cell = Cell("mine", "00111100", "00000000")
blocks = TableBlocks("mine", 1, [[0, 0], [0, 1]])
dialled = multiplier("ax-fpm:block=2,carry=widen")
rows = [[min(a * b, 12) for b in range(4)] for a in range(4)]
array = np.array(rows, np.int16)
triple = (0xFF, 0xFFFF00, 0x800000)


def low_bits_off(a, b):
    return a * b & ~7


def high_half(a, b, precision):
    return a * b >> np.uint64(precision) << np.uint64(precision)


tabulated = table_of(low_bits_off, block=4)
function = Function("high half", high_half)
whole = MULTIPLIERS["bf16-trunc"].__class__(MULTIPLIERS["bf16-trunc"].format, function, product="nearest")
mitchell = MULTIPLIERS["mitchell"].design
number = 3
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "my.py").write_text(TEXT)
    (tmp_path / "helper_beside.py").write_text("")
    return f"{tmp_path}/my.py"


def test_every_kind_of_variable(file, capsys):
    rows = [[min(a * b, 12) for b in range(4)] for a in range(4)]
    wanted = {
        "cell": CellBlocks(Cell("other", "00111100", "00000000"), 4),
        "blocks": TableBlocks("other", 1, (0, 0, 0, 1)),
        "rows": TableBlocks("other", 2, rows),
        "array": TableBlocks("other", 2, rows),
        "triple": Masks("other", 0xFF, 0xFFFF00, 0x800000),
        "tabulated": table_of(lambda a, b: a * b & ~7, block=4),
        "mitchell": MITCHELL,
    }
    for member, design in wanted.items():
        m = multiplier(f"{file}:{member}")
        assert m.design == design
        assert (m.format.name, m.operands, m.product) == ("fp32", "truncate", "truncate")
        assert m.carry == ("halve" if design.carries else "none")
        assert str(m) == f"{file}:{member}"
    assert multiplier(f"{file}:cell:block=2").design == CellBlocks(Cell("other", "00111100", "00000000"), 2)
    assert str(multiplier(f"{file}:cell:block=2")) == f"{file}:cell:block=2"
    assert capsys.readouterr() == ("", "on the way\n")  # run once, and its output is no result


def test_multipliers_keep_their_traits(file):
    assert multiplier(f"{file}:dialled") == multiplier("ax-fpm:block=2,carry=widen")
    assert str(multiplier(f"{file}:dialled")) == f"{file}:dialled"
    assert str(multiplier(f"{file}:dialled:carry=halve")) == f"{file}:dialled:carry=halve"
    assert str(MULTIPLIERS["ax-fpm"].dial(block=2, carry="widen")) == "ax-fpm-widen:block=2"
    whole = multiplier(f"{file}:whole")
    assert (whole.format.name, whole.product) == ("bfloat16", "nearest")


def test_functions_reach_worker_processes(file):
    joblib = pytest.importorskip("joblib")
    function, whole, table = (multiplier(f"{file}:{member}") for member in ("function", "whole", "tabulated"))
    a = np.linspace(1, 2, 7, dtype=np.float32)
    ours = [multiply(a, np.float32(1.7), m) for m in (function, whole, table)]
    assert not np.array_equal(ours[0], multiply(a, np.float32(1.7), "exact-trunc"))
    with joblib.parallel_config("loky"):
        work = [joblib.delayed(multiply)(a, np.float32(1.7), m) for m in (function, whole, table)]
        names = [joblib.delayed(multiplier)(str(m)) for m in (function, whole, table)]
        theirs = joblib.Parallel(n_jobs=2)([*work, *names])
    np.testing.assert_array_equal(theirs[:3], ours)
    assert theirs[3:] == [function, whole, table]
    assert [str(m) for m in theirs[3:]] == [str(m) for m in (function, whole, table)]


def test_pickles_know_a_file_that_changed(file):
    m = multiplier(f"{file}:function")
    assert pickle.loads(pickle.dumps(m)) == m
    pickled = pickle.dumps(m).hex()
    Path(file).write_text(TEXT + "\nnumber = 4\n")
    assert pickle.loads(pickle.dumps(m)) == m  # this process has read it
    code = f"import pickle; pickle.loads(bytes.fromhex('{pickled}'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"InvalidInput: {file} has changed since {file}:function was read; start again" in done.stderr
    Path(file).unlink()
    with pytest.raises(InvalidInput, match="there is no file"):
        function_again(file, "function", "0" * 64)


def test_hardware_registered_in_the_file_is_found(tmp_path):
    pytest.importorskip("amaranth")
    (tmp_path / "hard.py").write_text(
        "from axfpm import Function\nfrom hdl.significand import Hardware, register_hardware\n"
        "spec = Function('and', lambda a, b, p: a & b)\n"
        "hardware = register_hardware(spec, Hardware(lambda m, a, b: a & b, lambda p: (1 << p - 1, (1 << p) - 1)))\n"
    )
    from hdl.significand import check_hardware, hardware_of

    design = multiplier(f"{tmp_path}/hard.py:spec").design
    assert isinstance(design, Function)
    check_hardware(design)
    assert hardware_of(design).range(3) == (4, 7)


WRONG = {
    "my.py": r"my\.py may hold several multipliers; name a variable of it: .*my\.py:cell$",
    "my.py:functoin": r"my\.py has no variable 'functoin'; did you mean function\?$",
    "my.py:number": r"my\.py:number is of type int; give a Multiplier, a Design, a Cell, rows of a block table or",
    "my.py:low_bits_off": r"is a function; give axfpm\.table_of\(low_bits_off, block=8\) for one on digits, or axfpm",
    "flat.py:spec": r"flat\.py:spec holds 4 entries in one row; give 2\^n rows",
    "raising.py:spec": r"raising\.py cannot be run \(ValueError: at once\); mend it, and try it with: python ",
    "leaving.py:spec": r"leaving\.py cannot be run \(SystemExit: goodbye\)",
    "syntax.py:spec": r"syntax\.py cannot be run \(SyntaxError: ",
    "empty.py:spec": r"empty\.py has no variable 'spec'; give it one: a Multiplier, a Design",
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files(file, name):
    folder = Path(file).parent
    (folder / "flat.py").write_text("spec = [0, 0, 0, 1]")
    (folder / "raising.py").write_text("raise ValueError('at once')")
    (folder / "leaving.py").write_text("import sys; sys.exit('goodbye')")
    (folder / "syntax.py").write_text("spec = (")
    (folder / "empty.py").write_text("")
    with pytest.raises(InvalidInput, match=WRONG[name]):
        multiplier(f"{folder}/{name}")
