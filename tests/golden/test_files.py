"""Writing what users asked for: whole or not at all, and never in place of a device, pipe, link or folder."""

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from golden import files
from golden.errors import InvalidInput
from golden.files import check_file, check_folder, expand, is_stream, replace_file, write, write_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_write_replaces(tmp_path):
    path = tmp_path / "file"
    write(path, b"old")
    assert write(path, "n\u00e9w") == path
    assert path.read_bytes() == b"n\xc3\xa9w"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("at", ["replace", "write"])
def test_a_failing_write_leaves_the_old_file_alone(tmp_path, monkeypatch, failure, at):
    path = tmp_path / "file"
    write(path, b"old")

    def fail(*_):
        raise failure

    class Full:
        def __init__(self, descriptor, _mode):
            self.descriptor = descriptor

        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(self.descriptor)

        write = fail

    if at == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    else:
        monkeypatch.setattr(files.os, "fdopen", Full)
    expected = KeyboardInterrupt if failure is KeyboardInterrupt else InvalidInput
    with pytest.raises(expected, match=None if failure is KeyboardInterrupt else "No space left on device; choose"):
        write(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_check_that_fails_keeps_the_old_file(tmp_path):
    path = tmp_path / "file"
    write(path, b"old")

    def check(complete):
        assert complete.read_bytes() == b"new"
        raise InvalidInput("it does not load")

    with pytest.raises(InvalidInput, match="it does not load"):
        write(path, b"new", check=check)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("exists", [True, False])
def test_links_are_followed_and_stay(tmp_path, exists):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "target"
    if exists:
        target.write_text("old")
    link, second = tmp_path / "link", tmp_path / "second"
    link.symlink_to("there/target")
    second.symlink_to(link)
    write(second, "new")
    assert link.is_symlink() and second.is_symlink()
    assert target.read_text() == "new"
    assert names(tmp_path) == ["link", "second", "there"]
    assert names(tmp_path / "there") == ["target"]


def test_a_circle_of_links(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InvalidInput, match="its links lead in a circle; choose another place with -o"):
        write(tmp_path / "a", "new")
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").is_symlink()


def test_a_fifo_is_written_through(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    assert is_stream(fifo)
    write(fifo, "through")
    reader.join()
    assert read == [b"through"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == ["fifo"]


def test_devices_are_streams_and_sockets_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    assert is_stream("/dev/null")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(InvalidInput, match="socket is not a regular file; choose another place with -o"):
            write("socket", "x")
        assert stat.S_ISSOCK(Path("socket").stat().st_mode)


def test_a_disk_is_refused(tmp_path, monkeypatch):
    # A regular file that says of itself that it is a block device.
    path = tmp_path / "sdz"
    path.write_text("kept")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", lambda *_, **__: os.stat_result((stat.S_IFBLK | 0o666, *[0] * 9)))
        with pytest.raises(InvalidInput, match="sdz is not a regular file"):
            write(path, "new")
        assert not is_stream(path)
    assert path.read_text() == "kept"


def test_standard_output_that_leads_to_a_file(tmp_path):
    code = "import sys; from golden.files import write; print('a'); write('/dev/stdout', 'b\\n'); print('c')"
    out = tmp_path / "out"
    with out.open("w") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert out.read_text() == "a\nb\nc\n"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "an empty name cannot be written; give the name of a file with --plot"),
        (".", ". is a folder; give the name of a file with --plot"),
        ("/", "/ is a folder; give the name of a file with --plot"),
        ("absent/f", "cannot write absent/f: absent does not exist; choose another place with --plot"),
        ("file/f", "cannot write file/f: file is not a folder; choose another place with --plot"),
        ("a\0b", "a name has no null character"),
        ("x" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_a_file(tmp_path, monkeypatch, name, sentence):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("kept")
    for act in (check_file, lambda n, option: write(n, "x", option=option)):
        with pytest.raises(InvalidInput) as raised:
            act(name, option="--plot")
        assert sentence in str(raised.value)
        assert "\n" not in str(raised.value)
    assert names(tmp_path) == ["file"]


def test_modes(tmp_path):
    path = tmp_path / "f"
    before = os.umask(0o027)
    try:
        write(path, "x")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o755)
        write(path, "y")
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
    finally:
        os.umask(before)


def test_a_read_only_file(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_text("kept")
    monkeypatch.setattr(files.os, "access", lambda *_: False)  # as root everything may be written
    with pytest.raises(InvalidInput, match="it is read-only"):
        write(path, "new")
    assert path.read_text() == "kept"


def test_checking_changes_nothing(tmp_path):
    check_file(tmp_path / "f")
    check_folder(tmp_path / "a" / "b")
    assert names(tmp_path) == []


def test_folders(tmp_path, monkeypatch):
    made = write_folder(tmp_path / "a" / "b", {"x": "1", "y": b"2"})
    assert [path.read_text() for path in made] == ["1", "2"]
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InvalidInput, match="is not a folder; choose another folder with -o"):
            check_folder(path)
    with pytest.raises(InvalidInput, match="an empty name"):
        check_folder("")
    (tmp_path / "a" / "b" / "z").mkdir()
    with pytest.raises(InvalidInput, match="z is a folder"):
        write_folder(tmp_path / "a" / "b", {"x": "new", "z": "new"})
    assert made[0].read_text() == "1"


def test_no_home(monkeypatch):
    def nobody(_self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", nobody)
    assert expand("~/x") == Path.cwd() / "~" / "x"


def test_many_writers_at_once(tmp_path):
    path = tmp_path / "f"
    contents = [bytes([65 + i]) * 10_000 for i in range(8)]
    threads = [threading.Thread(target=replace_file, args=(path, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["f"]
