import gzip
import hashlib
import sys

import pooch
import pytest

from golden.downloads import Download, fetch, fetch_path, find, is_at_hand
from golden.errors import InvalidInput, MissingTool

CONTENT = b"cells"
SUM = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
FILE = Download("cells.lib", "https://example.org/at/cells.lib", SUM)


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A folder for data and one for the cache, both empty, and no network."""

    def refuse(*_, **__):
        raise ConnectionError("network is unreachable")

    monkeypatch.setenv("AXFPM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pooch, "retrieve", refuse)
    return tmp_path


@pytest.mark.parametrize("place", ["data/kind", "cache/data/kind"])
@pytest.mark.parametrize("packed", [False, True])
def test_at_hand(offline, place, packed):
    assert not is_at_hand("kind", FILE)
    folder = offline / place
    folder.mkdir(parents=True)
    path = folder / ("cells.lib.gz" if packed else "cells.lib")
    path.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    assert fetch("kind", FILE) == CONTENT
    assert fetch_path("kind", FILE) == path
    assert is_at_hand("kind", FILE)
    assert not is_at_hand("another", FILE)


def test_a_file_that_is_compressed_at_its_source(offline):
    content = gzip.compress(CONTENT)
    folder = offline / "data" / "kind"
    folder.mkdir(parents=True)
    (folder / "cells.lib.gz").write_bytes(content)
    assert find("kind", "cells.lib.gz", f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}") == content


@pytest.mark.parametrize(
    "content",
    [b"other", gzip.compress(b"other", mtime=0), gzip.compress(CONTENT, mtime=0)[:-9]],
    ids=["other", "packed", "cut off"],
)
def test_a_damaged_file(offline, content):
    folder = offline / "data" / "kind"
    folder.mkdir(parents=True)
    (folder / "cells.lib.gz").write_bytes(content)
    with pytest.raises(
        InvalidInput, match=r"cells\.lib\.gz is corrupt: its sha256 is not .*; replace it, or delete it"
    ):
        fetch("kind", FILE)


def test_nowhere(offline):
    assert find("kind", FILE.name, SUM) is None
    with pytest.raises(
        InvalidInput, match=r"cells\.lib is neither under AXFPM_DATA .* failed \(network is unreachable"
    ):
        fetch("kind", FILE)


def test_downloaded_once(offline, monkeypatch):
    calls = []

    def retrieve(address, known_hash, *, fname, path, processor):
        calls.append((address, known_hash))
        path.mkdir(parents=True)
        (path / fname).write_bytes(CONTENT)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert fetch("kind", FILE) == fetch("kind", FILE) == CONTENT
    assert calls == [(FILE.address, SUM)]
    assert fetch_path("kind", FILE) == offline / "cache" / "data" / "kind" / "cells.lib"


def test_without_pooch(offline, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingTool, match=r"downloading https://example\.org/at/cells\.lib needs `pip install pooch`"):
        fetch("kind", FILE)
