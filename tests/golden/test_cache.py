"""Kept results prove themselves when read; whatever is damaged or cannot be kept is a miss."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from golden import cache, leftovers
from golden.cache import (
    Cache,
    cache_dir,
    cache_path,
    intact,
    pack,
    publish,
    seal,
    unpack,
    work_folder,
    workshop,
    writable,
)
from golden.errors import AxfpmWarning, InvalidInput


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(leftovers, "_SWEPT", set())
    return tmp_path / "cache"


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """Temporary roots of this test alone."""
    cache._temporary_root.cache_clear()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(cache, "_temporary_folder", lambda: tmp_path / "tmp")
    yield tmp_path / "tmp"
    cache._temporary_root.cache_clear()


def age(path, seconds=3600):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_entries(root):
    kept = Cache("numbers")
    assert kept.get("a") is None
    assert kept.put("a", b"content")
    assert kept.get("a") == b"content"
    assert Cache("others").get("a") is None
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert kept.put_array("b", array)
    found = kept.get_array("b")
    assert found is not None
    assert (found.dtype, found.shape) == (np.float32, (2, 3))
    assert np.array_equal(found, array)
    assert kept.put_json("c", {"x": [1, 2]})
    assert kept.get_json("c", dict) == {"x": [1, 2]}
    assert sorted(path.name for path in (root / "numbers").iterdir()) == ["a", "b", "c"]


def test_every_flipped_bit_is_a_miss(root):
    kept = Cache("arrays")
    kept.put_array("a", np.arange(3, dtype=np.float32))
    path = root / "arrays" / "a"
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :])
        assert kept.get_array("a") is None
        assert kept.get("a") is None
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert kept.get_array("a") is None
    path.write_bytes(whole + b"\0")
    assert kept.get_array("a") is None
    path.write_bytes(whole)
    assert kept.get_array("a") is not None


def test_an_entry_belongs_to_its_key_and_kind(root):
    Cache("arrays").put("a", b"one")
    (root / "arrays" / "a").rename(root / "arrays" / "b")
    assert Cache("arrays").get("b") is None
    entry = pack("kind", "key", b"one")
    assert unpack("kind", "key", entry) == b"one"
    assert unpack("kin", "dkey", entry) is None


@pytest.mark.parametrize("content", [b"[1]", b"{}", b"null", b"1", b'"x"', b"{", b"\xff", b"", b'{"x": []}'])
def test_json_of_another_shape_is_a_miss(root, content):
    kept = Cache("numbers")
    kept.put("a", content)  # whole, and still not what the reader wants
    assert kept.get_json("a", lambda value: int(value["x"]["y"])) is None
    (root / "numbers" / "a").write_bytes(content)
    assert kept.get_json("a", lambda value: value) is None


def test_an_array_that_is_none_is_a_miss(root):
    kept = Cache("arrays")
    for content in (b"", b"[1]", b"\x93NUMPY\x01\x00", b"PK\x03\x04"):
        kept.put("a", content)
        assert kept.get_array("a") is None


@pytest.mark.parametrize("what", ["file", "below a file", "null"])
def test_a_cache_that_is_no_folder(tmp_path, monkeypatch, what):
    (tmp_path / "file").write_text("mine")
    path = {"file": tmp_path / "file", "below a file": tmp_path / "file" / "x", "null": "a\0b"}[what]
    monkeypatch.setattr(cache, "_root", lambda: Path(path))
    kept = Cache("numbers")
    assert not kept.put("a", b"content")
    assert kept.get("a") is None
    assert not writable("numbers")
    with pytest.raises(InvalidInput, match=r"cannot use the cache folder .*; set AXFPM_CACHE to a folder that"):
        cache_dir("numbers")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("at", ["open", "replace"])
def test_a_full_or_read_only_cache_is_a_miss(root, monkeypatch, error, at):
    kept = Cache("numbers")
    assert kept.put("a", b"old")

    def fail(*_, **__):
        raise OSError(error, os.strerror(error))

    if at == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    else:
        monkeypatch.setattr("golden.files.os.open", fail)
    assert not kept.put("a", b"new")
    assert kept.get("a") == b"old"
    assert [path.name for path in (root / "numbers").iterdir()] == ["a"]


def test_sealed_folders(root):
    def made():
        with workshop(cache_dir("builds"), "one") as aside:
            (aside / "program").write_bytes(b"runs")
            (aside / "log").write_text("log")
            seal(aside, ["program"], name="final")
            return publish(aside, root / "builds" / "final")

    final = made()
    assert intact(final)
    assert [path.name for path in (root / "builds").iterdir()] == ["final"]
    (final / "log").write_text("changed")
    assert intact(final)
    for harm in (
        lambda: (final / "program").write_bytes(b"rums"),
        (final / "program").unlink,
        (final / ".sealed").unlink,
        *(lambda text=text: (final / ".sealed").write_text(text) for text in ("[1]", "{}", "null", "")),
    ):
        harm()
        assert not intact(final)
        assert not final.exists()
        assert intact(made())
    other = final.rename(final.with_name("other"))
    assert not intact(other)


def test_the_faster_process_wins(root):
    folder = cache_dir("builds")
    for text in ("first", "second"):
        with workshop(folder, "one") as aside:
            (aside / "program").write_text(text)
            seal(aside, ["program"], name="final")
            assert publish(aside, folder / "final") == folder / "final"
    assert (folder / "final" / "program").read_text() == "first"
    assert [path.name for path in folder.iterdir()] == ["final"]


def test_a_folder_made_elsewhere_is_copied(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with workshop(tmp_path / "elsewhere", "one") as aside:
        (aside / "program").write_text("runs")
        seal(aside, ["program"], name="final")
        final = publish(aside, cache_dir("builds") / "final")
    assert intact(final)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert [path.name for path in (root / "builds").iterdir()] == ["final"]


def test_a_folder_that_cannot_be_put_in_place(root, monkeypatch, temporary):
    folder = cache_dir("builds")

    def fail(_self, _target):
        raise OSError(errno.ENOSPC, "No space left on device")

    with workshop(folder, "one") as aside:
        (aside / "program").write_text("runs")
        seal(aside, ["program"], name="final")
        with monkeypatch.context() as patch, pytest.warns(AxfpmWarning, match="No space left on device"):
            patch.setattr(Path, "rename", fail)
            place = publish(aside, folder / "final")
    assert place == temporary / "final"
    assert intact(place)
    assert list(folder.iterdir()) == []


def test_work_goes_on_without_a_cache(tmp_path, monkeypatch, temporary):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "file" / "below"))
    with pytest.warns(AxfpmWarning, match=r"cannot write to the cache .*file/below \(Not a directory\)") as said:
        folders = [work_folder("sim"), work_folder("synth"), work_folder("sim")]
    assert [path.relative_to(temporary).name for path in folders] == ["sim", "synth", "sim"]
    assert all(path.is_dir() for path in folders)
    assert len(said) == 1


def test_a_nearly_full_disk_is_no_place_to_work(root, monkeypatch, temporary):
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: type("", (), {"free": 1000}))
    with pytest.warns(AxfpmWarning, match="less than 100 MB free"):
        assert work_folder("sim") == temporary / "sim"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere caches lie in other places")
@pytest.mark.parametrize(
    ("chosen", "base", "place"),
    [
        ("{0}/a", "{0}/b", "a"),
        ("", "{0}/b", "b/axfpm"),
        (None, "{0}/b", "b/axfpm"),
        (None, "", "home/.cache/axfpm"),
        (None, None, "home/.cache/axfpm"),
        (None, "b", "home/.cache/axfpm"),  # no absolute path, and so none, says the XDG specification
        (None, "~/b", "home/.cache/axfpm"),
        ("~/a", None, "home/a"),
    ],
)
def test_where_the_cache_lies(tmp_path, monkeypatch, chosen, base, place):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in (("AXFPM_CACHE", chosen), ("XDG_CACHE_HOME", base)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value.format(tmp_path))
    assert cache_path("numbers", "a") == tmp_path / place / "numbers" / "a"
    assert list(tmp_path.iterdir()) == []
    assert cache_dir("numbers") == tmp_path / place / "numbers"


def test_a_cache_given_by_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", "here")
    monkeypatch.chdir(tmp_path)
    assert cache_path("x") == tmp_path / "here" / "x"


def test_a_folder_chosen_to_work_in(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert work_folder("sim", tmp_path / "a" / "b") == work_folder("sim", "~/a/b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []
    assert not root.exists()
    (tmp_path / "file").touch()
    for place, why in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "x", "Not a directory")):
        with pytest.raises(InvalidInput) as caught:
            work_folder("sim", place)
        assert str(caught.value) == f"cannot work in the folder {place} ({why}); choose one that can be written"


@pytest.mark.parametrize("variable", ["", "~nobody-of-that-name/x"])
def test_no_home(monkeypatch, homeless, temporary, variable):
    monkeypatch.setenv("AXFPM_CACHE", variable)
    sentence = rf"there is no home folder for the cache{' ' if variable else ''}{variable}: .* is used, and deleted"
    with pytest.warns(AxfpmWarning, match=sentence) as said:
        assert Cache("numbers").put("a", b"content")
        assert Cache("numbers").get("a") == b"content"
        assert cache_dir("sim") == temporary / "sim"
    assert len(said) == 1


def test_a_temporary_cache_ends_with_its_process(tmp_path):
    code = "import os; from golden.cache import cache_dir; print(cache_dir('sim'))"
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "AXFPM_CACHE": "~nobody-of-that-name/x"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith(f"{tmp_path}/axfpm-")
    assert "there is no home folder for the cache ~nobody-of-that-name/x" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_killed_processes_left_is_removed(root):
    folder = cache_dir("sim")
    code = f"""
import os, signal
from pathlib import Path
from golden.cache import workshop
with workshop(Path({str(folder)!r}), "build") as place:
    (place / "half").write_text("")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    (left,) = folder.iterdir()
    age(left, 0)
    with workshop(folder, "next"):  # too young: perhaps about to be locked
        assert left.is_dir()
    age(left, 30)  # the next start, not one after a while
    unlocked = folder / ".axfpm-part-build-0123"
    unlocked.mkdir()
    age(unlocked, 30)
    part = folder / ".axfpm-part-0123"
    part.write_text("")
    age(part)
    kept = folder / "run-multiplier-0"
    kept.mkdir()
    age(kept)
    leftovers._SWEPT.clear()
    with workshop(folder, "next") as place:
        assert sorted(folder.iterdir()) == sorted([place, kept, unlocked])
    age(unlocked)
    leftovers._SWEPT.clear()
    with workshop(folder, "next"):
        assert not unlocked.exists()
    assert list(folder.iterdir()) == [kept]


def test_a_live_process_keeps_its_folder(root):
    folder = cache_dir("sim")
    with workshop(folder, "mine") as place:
        age(place)
        code = (
            f"from pathlib import Path; from golden.cache import workshop\nwith workshop(Path({str(folder)!r}), 'x'): 0"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
        assert place.is_dir()
        with (place / ".owner").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert list(folder.iterdir()) == []


def test_a_failure_inside_leaves_nothing(root):
    folder = cache_dir("sim")
    with pytest.raises(KeyboardInterrupt), workshop(folder, "mine") as place:
        (place / "half").write_text(json.dumps({}))
        raise KeyboardInterrupt
    assert list(folder.iterdir()) == []


def test_entries_need_no_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_root", lambda: tmp_path / "file" / "x")
    (tmp_path / "file").write_text("")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not Cache("numbers").put("a", b"")
