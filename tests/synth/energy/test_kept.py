"""What is kept between runs, and what must not be."""

from pathlib import Path

import numpy as np
import pytest

import golden
from golden.catalogue import MULTIPLIERS, Multiplier, multiplier
from golden.designs import Function, TableBlocks
from golden.errors import InvalidInput
from golden.formats import FP32
from golden.sources import sources_digest
from hdl import verilog
from synth.energy import kept, stimulus
from synth.energy.kept import kept_operands, kept_verilog, sources
from synth.energy.stimulus import draw

PLAIN = {"stages": 0, "tree": "dadda"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Nothing that another test has kept."""
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


def forbidden(*_, **__):
    raise AssertionError("made again")


def test_a_digest_of_both_packages_and_of_the_stimulus():
    assert len(set(sources())) == 3
    assert sources()[0] == sources_digest(Path(golden.__file__).parent)


def test_verilog_is_kept(monkeypatch):
    text = kept_verilog("significand", multiplier="e8m1", **PLAIN)
    assert text == verilog.generate("significand", multiplier="e8m1", **PLAIN)
    piped = kept_verilog("significand", multiplier="e8m1", **{**PLAIN, "stages": 1})
    monkeypatch.setattr(verilog, "generate", forbidden)
    assert kept_verilog("significand", multiplier="e8m1", **PLAIN) == text
    assert kept_verilog("significand", multiplier="e8m1", **{**PLAIN, "stages": 1}) == piped != text
    for other in (("multiplier", "e8m1", PLAIN), ("significand", "e8m1", {**PLAIN, "tree": "wallace"})):
        with pytest.raises(AssertionError, match="made again"):
            kept_verilog(other[0], multiplier=other[1], **other[2])


def test_other_sources_make_it_again(monkeypatch):
    kept_verilog("significand", multiplier="e8m1", **PLAIN)
    monkeypatch.setattr(verilog, "generate", forbidden)
    monkeypatch.setattr(kept, "sources", lambda: ("other",))
    with pytest.raises(AssertionError, match="made again"):
        kept_verilog("significand", multiplier="e8m1", **PLAIN)


def test_a_name_is_no_identity(monkeypatch):
    # The same name in another process can be another table, or a function that no digest covers.
    def named(design):
        monkeypatch.setitem(MULTIPLIERS._entries, "mine-kept", Multiplier(FP32, design))

    tables = (tuple(a * b for a in range(4) for b in range(4)), tuple(a & b for a in range(4) for b in range(4)))
    texts = []
    for table in tables:
        named(TableBlocks("table", 2, table))
        texts.append(kept_verilog("significand", multiplier="mine-kept", **PLAIN))
    assert texts[0] != texts[1]
    named(Function("outside", lambda a, b, p: a * b))
    with pytest.raises(InvalidInput, match="has no hardware"):
        kept_verilog("significand", multiplier="mine-kept", **PLAIN)


def test_operands_are_kept(monkeypatch):
    first = kept_operands("uniform", 20, seed=3, batch=2)
    own = draw("uniform", 20, seed=3, batch=2)
    assert np.array_equal(first.a, own.a)
    assert np.array_equal(first.b, own.b)
    assert first.description == own.description
    monkeypatch.setattr(stimulus, "draw", forbidden)
    again = kept_operands("uniform", 20, seed=3, batch=2)
    assert again.digest == first.digest
    with pytest.raises(AssertionError, match="made again"):
        again.sums(multiplier("exact"))
    for other in ({"seed": 4, "batch": 2}, {"seed": 3, "batch": 1}):
        with pytest.raises(AssertionError, match="made again"):
            kept_operands("uniform", 20, **other)


def test_sums_are_kept_for_each_multiplier(monkeypatch):
    names = ("exact", "ax-fpm")
    first, own = kept_operands("uniform", 20), draw("uniform", 20)
    for name in names:
        assert np.array_equal(first.sums(multiplier(name)), own.sums(multiplier(name)))
    monkeypatch.setattr(stimulus, "draw", forbidden)
    kept_, other = ([kept_operands("uniform", 20).sums(multiplier(name)).tolist() for name in names] for _ in range(2))
    assert kept_ == other
    assert kept_[0] != kept_[1]
    # A function from outside has no digest: it is asked each time.
    outside = Multiplier(FP32, Function("outside-sums", lambda a, b, p: a * b))
    with pytest.raises(AssertionError, match="made again"):
        first_again = kept_operands("uniform", 20)
        first_again.sums(outside)


def test_what_is_wrong_is_said():
    with pytest.raises(InvalidInput, match="unknown stimulus 'noise'"):
        kept_operands("noise", 3)
