"""What is kept between runs, and what must not be."""

import sys

import numpy as np
import pytest

from golden.catalogue import MULTIPLIERS, Multiplier
from golden.designs import Function, TableBlocks
from golden.errors import InvalidInput
from golden.formats import FP32
from hdl import verilog
from synth.energy import kept, stimulus
from synth.energy.kept import kept_operands, kept_verilog, sources_digest
from synth.energy.stimulus import draw

PLAIN = {"stages": 0, "tree": "dadda"}


def forbidden(*_, **__):
    raise AssertionError("made again")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose files a test can change, by a name that no other has."""
    folder = tmp_path / "kept_sources"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "deep" / "weights.bin").write_bytes(b"1")
    monkeypatch.syspath_prepend(tmp_path)
    sources_digest.cache_clear()
    yield folder
    sources_digest.cache_clear()
    sys.modules.pop("kept_sources", None)


def test_a_digest_of_all_that_a_package_is_made_of(package):
    def digest():
        sources_digest.cache_clear()
        return sources_digest("kept_sources")

    first = digest()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    assert digest() == first
    (package / "deep" / "weights.bin").write_bytes(b"2")
    second = digest()
    (package / "deep" / "weights.bin").rename(package / "deep" / "other.bin")
    assert len({first, second, digest()}) == 3


def test_verilog_is_kept(monkeypatch):
    text = kept_verilog("significand", "e8m1", **PLAIN)
    assert text == verilog.generate("significand", multiplier="e8m1", **PLAIN)
    piped = kept_verilog("significand", "e8m1", **{**PLAIN, "stages": 1})
    monkeypatch.setattr(verilog, "generate", forbidden)
    assert kept_verilog("significand", "e8m1", **PLAIN) == text
    assert kept_verilog("significand", "e8m1", **{**PLAIN, "stages": 1}) == piped != text
    for other in (("multiplier", "e8m1", PLAIN), ("significand", "e8m1", {**PLAIN, "tree": "wallace"})):
        with pytest.raises(AssertionError, match="made again"):
            kept_verilog(*other[:2], **other[2])


def test_other_sources_make_it_again(monkeypatch):
    kept_verilog("significand", "e8m1", **PLAIN)
    monkeypatch.setattr(verilog, "generate", forbidden)
    monkeypatch.setattr(kept, "sources_digest", lambda *_: "other")
    with pytest.raises(AssertionError, match="made again"):
        kept_verilog("significand", "e8m1", **PLAIN)


def test_a_name_is_no_identity(monkeypatch):
    # The same name in another process can be another table, or a function that no digest covers.
    def named(design):
        monkeypatch.setitem(MULTIPLIERS._entries, "mine-kept", Multiplier(FP32, design))

    tables = (tuple(a * b for a in range(4) for b in range(4)), tuple(a & b for a in range(4) for b in range(4)))
    texts = []
    for table in tables:
        named(TableBlocks("table", 2, table))
        texts.append(kept_verilog("significand", "mine-kept", **PLAIN))
    assert texts[0] != texts[1]
    named(Function("outside", lambda a, b, p: a * b))
    with pytest.raises(InvalidInput, match="has no hardware"):
        kept_verilog("significand", "mine-kept", **PLAIN)


def test_operands_are_kept(monkeypatch):
    first = kept_operands("uniform", 20, seed=3, batch=2)
    own = draw("uniform", 20, seed=3, batch=2)
    assert np.array_equal(first.a, own.a)
    assert np.array_equal(first.b, own.b)
    assert first.description == own.description
    monkeypatch.setattr(stimulus, "draw", forbidden)
    again = kept_operands("uniform", 20, seed=3, batch=2)
    assert again.digest == first.digest
    for other in ({"seed": 4, "batch": 2}, {"seed": 3, "batch": 1}):
        with pytest.raises(AssertionError, match="made again"):
            kept_operands("uniform", 20, **other)


def test_what_is_wrong_is_said():
    with pytest.raises(InvalidInput, match="unknown stimulus 'noise'"):
        kept_operands("noise", 3)
