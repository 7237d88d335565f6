import os
import pickle

import pytest

from golden.catalogue import MULTIPLIERS, Multiplier, distinct, multiplier, register
from golden.designs import TableBlocks
from golden.errors import InvalidInput
from golden.formats import FORMATS
from golden.multiply import multiply
from golden.robustness.store import multiplier_key
from golden.robustness.targets import target, targets

TWO = "0,0,0,0\n0,1,2,3\n0,2,4,6\n0,3,6,7\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "t.csv").write_text(TWO)
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("sub/t.csv", "sub/t.csv"),
        ("./sub/x/../t.csv", "sub/t.csv"),
        ("sub/t.csv:carry=widen", "sub/t.csv:carry=widen"),
        ("sub/t.csv:carry=halve,operands=nearest", "sub/t.csv"),
        ("sub/t.csv:product=nearest,format=bfloat16", "sub/t.csv:format=bfloat16,product=nearest"),
    ],
)
def test_names_are_canonical(given, name):
    m = multiplier(given)
    assert str(m) == name
    assert multiplier(name) == m
    again = pickle.loads(pickle.dumps(m))
    assert (again, str(again)) == (m, name)


def test_a_name_follows_changes_of_any_kind(here):
    m = multiplier("sub/t.csv")
    assert str(m.dial(carry="wrap").dial(carry="widen")) == "sub/t.csv:carry=widen"
    assert str(multiplier(f"{here}/sub/t.csv")) == f"{here}/sub/t.csv"
    assert len({m, multiplier(f"{here}/sub/t.csv")}) == 1  # equal under both names
    assert distinct([m, multiplier(f"{here}/sub/t.csv")]) == (m,)


def test_what_has_moved_or_changed_is_said(here):
    path = here / "moving.csv"
    path.write_text(TWO)
    m = multiplier("moving.csv")
    os.utime(path, (0, 0))
    assert multiplier(str(m)) == m
    path.write_text(TWO.replace("7", "9"))
    with pytest.raises(
        InvalidInput, match=r"^moving\.csv has changed since moving\.csv was read; start again, or save"
    ):
        multiplier(str(m))
    path.rename(here / "moved.csv")
    with pytest.raises(InvalidInput, match=r"^there is no file moving\.csv; give the path of one"):
        multiplier(str(m))
    assert str(m) == "moving.csv"
    assert isinstance(m.design, TableBlocks)
    assert multiply(1.5, 1.5, m) == multiply(1.5, 1.5, Multiplier(FORMATS["fp32"], TableBlocks("x", 2, m.design.table)))


def test_what_cannot_be_opened(here):
    (here / "folder.csv").mkdir()
    with pytest.raises(InvalidInput, match=r"^folder\.csv cannot be read: Is a directory; give another file$"):
        multiplier("folder.csv")


def test_a_design_that_fp32_cannot_have_gets_the_format_that_can(here):
    rows = [",".join(str(a * b) for b in range(32)) for a in range(32)]
    (here / "five.csv").write_text("\n".join(rows))
    assert multiplier("five.csv").format == FORMATS["e8m4"]
    (here / "seven.csv").write_text("\n".join(",".join(str(a * b) for b in range(128)) for a in range(128)))
    assert multiplier("seven.csv").format == FORMATS["e8m6"]
    with pytest.raises(InvalidInput, match="block=7 does not divide the 24-bit significand"):
        multiplier("seven.csv:format=fp32")


@pytest.mark.usefixtures("here")
def test_names_of_files_are_no_catalogue_names():
    assert "sub/t.csv" not in MULTIPLIERS
    with pytest.raises(InvalidInput, match=r"'t\.csv' cannot name a multiplier: it is the name of a file"):
        register("t.csv", MULTIPLIERS["exact"])


@pytest.mark.usefixtures("here")
def test_a_registered_name_is_the_name(monkeypatch):
    monkeypatch.setattr(MULTIPLIERS, "_entries", dict(MULTIPLIERS))
    m = multiplier("sub/t.csv:carry=wrap")
    assert str(register("mine", m)) == str(multiplier("mine")) == "mine"
    assert str(m) == "sub/t.csv:carry=wrap"


@pytest.mark.usefixtures("here")
def test_targets_take_files():
    one, two, three = targets("sub/t.csv:carry=widen,operands=truncate,pgd-trained/sub/t.csv+calibrated,int8")
    assert (one.name, two.name, three.name) == ("sub/t.csv:carry=widen", "pgd-trained/sub/t.csv+calibrated", "int8")
    assert one.multiplier == multiplier("sub/t.csv:carry=widen")
    assert target("noise:multiplier=sub/t.csv").name == "noise:multiplier=sub/t.csv"
    with pytest.raises(InvalidInput, match="unknown network 'sub'"):
        target("sub/ax-fpm")


@pytest.mark.usefixtures("here")
def test_finished_parts_know_the_table():
    m = multiplier("sub/t.csv")
    key = multiplier_key(m)
    assert isinstance(m.design, TableBlocks)
    assert key is not None
    assert str(m.design.table) in key
