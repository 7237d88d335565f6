"""Writing files that users asked for: whole or not at all, and never in place of something that is no file.

Where the name is a link, the file that it leads to is written, and the link stays. A character device, a pipe or one of
this process's own streams (``/dev/null``, ``/dev/stdout``, a fifo) is written through. Everything else that is no
regular file is refused.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from golden.errors import InvalidInput

__all__ = [
    "check_file",
    "check_folder",
    "check_input",
    "expand",
    "is_stream",
    "replace_file",
    "write",
    "write_folder",
]

TEMPORARY = ".axfpm-part-"
"""How names of files begin that are not complete yet."""


def expand(path: str | Path) -> Path:
    """An absolute path; ``~`` stands for the home folder where there is one."""
    path = Path(path)
    with contextlib.suppress(RuntimeError):  # no HOME and no entry for this user, or no such user
        path = path.expanduser()
    return path.absolute()


def is_stream(path: str | Path) -> bool:
    """Whether a path is a device, a pipe or a stream of this process: written through, and nothing beside it."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode) or _is_descriptor(Path(path))


def _is_descriptor(path: Path) -> bool:
    # /dev/stdout is a link to /proc/self/fd/1, which leads on to whatever file the shell has opened there.
    for _ in range(40):
        folder = os.path.realpath(path.parent)
        if folder == "/dev/fd" or (folder.startswith("/proc/") and folder.endswith("/fd")):
            return True
        if not path.is_symlink():
            return False
        path = Path(folder) / path.readlink()
    return False


def check_file(path: str | Path, *, option: str = "-o") -> Path:
    """Return the path where a file can be written, so that nothing fails after long work; nothing is changed.

    Parameters
    ----------
    path : str or Path
        A file to make or replace, or a stream.
    option : str
        Where another name can be given.

    Raises
    ------
    InvalidInput
        If it is empty, a folder, a socket or a disk, a loop of links, its folder is missing, or it may not be written.
    """
    if str(path) == "":
        raise InvalidInput(f"an empty name cannot be written; give the name of a file with {option}")
    path = Path(path)
    other = f"choose another place with {option}"
    try:
        _check_name(path)
        mode = path.stat().st_mode if path.exists() else None
        if mode is not None and stat.S_ISDIR(mode):
            raise InvalidInput(f"{path} is a folder; give the name of a file with {option}")
        if is_stream(path):
            return path
        if mode is not None and not stat.S_ISREG(mode):
            raise InvalidInput(f"{path} is not a regular file; {other}")
        target = _target(path)
        if target.is_symlink():
            raise InvalidInput(f"cannot write {path}: its links lead in a circle; {other}")
        if not target.parent.is_dir():
            why = "is not a folder" if target.parent.exists() else "does not exist"
            raise InvalidInput(f"cannot write {path}: {target.parent} {why}; {other}")
        if mode is not None and not os.access(target, os.W_OK):
            raise InvalidInput(f"cannot write {path}: it is read-only; {other}")
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"cannot write {path}: {_reason(error)}; {other}") from None
    return path


def check_input(path: str | Path, *, option: str) -> Path:
    """Return the path of something to read, where it has a name; whether it is there is for its reader to say.

    Raises
    ------
    InvalidInput
        If the name is empty, which a path would take for the current folder, or can be no name.
    """
    if str(path) == "":
        raise InvalidInput(f"an empty name cannot be read; give {option} a name, or leave it out")
    try:
        _check_name(Path(path))
    except ValueError as error:
        raise InvalidInput(f"cannot read {path}: {error}; give {option} another name") from None
    return Path(path)


def check_folder(path: str | Path, *, option: str = "-o") -> Path:
    """Return the path of a folder that can be written or made, so that nothing fails after long work; nothing is made.

    Raises
    ------
    InvalidInput
        If it is empty, not a folder, or it may not be written or made.
    """
    if str(path) == "":
        raise InvalidInput(f"an empty name cannot be written; give the name of a folder with {option}")
    path = Path(path)
    try:
        _check_name(path)
        nearest = path.absolute()
        while not os.path.lexists(nearest):
            nearest = nearest.parent
        if not nearest.is_dir():
            raise InvalidInput(
                f"cannot write to {path}: {nearest} is not a folder; choose another folder with {option}"
            )
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"cannot write to {path}: {_reason(error)}; choose another folder with {option}") from None
    return path


def write(
    path: str | Path, content: bytes | str, *, option: str = "-o", check: Callable[[Path], object] | None = None
) -> Path:
    """Write a file so that its name holds either the old content or the whole new one, whatever interrupts.

    Parameters
    ----------
    path : str or Path
        A file to make or replace, or a stream, which is written through.
    content : bytes or str
        Text is written as UTF-8.
    option : str
        Where another name can be given.
    check : callable, optional
        Called with the complete file before it gets its name; what it raises leaves the old file in place.

    Raises
    ------
    InvalidInput
        If it cannot be written; an existing file is untouched.
    """
    path = check_file(path, option=option)
    data = content.encode() if isinstance(content, str) else content
    try:
        if is_stream(path):
            _write_through(path, data)
        else:
            replace_file(_target(path), data, check=check)
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInput | BrokenPipeError):
            raise
        raise InvalidInput(f"cannot write {path}: {_reason(error)}; choose another place with {option}") from None
    return path


def write_folder(folder: str | Path, files: Mapping[str, bytes | str], *, option: str = "-o") -> tuple[Path, ...]:
    """Write files into a folder, made where it does not exist; all of them are checked before the first is written.

    Raises
    ------
    InvalidInput
        If the folder or a file cannot be written.
    """
    folder = check_folder(folder, option=option)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"cannot write to {folder}: {_reason(error)}; choose another folder with {option}") from None
    for name in files:
        check_file(folder / name, option=option)
    return tuple(write(folder / name, content, option=option) for name, content in files.items())


def replace_file(path: Path, content: bytes, *, check: Callable[[Path], object] | None = None) -> None:
    """Put a regular file in place at once: complete under another name, then renamed.

    Raises
    ------
    OSError
        If it cannot be written; the old file, if any, is untouched, and nothing is left beside it.
    """
    # A name of its own for each writer: two processes may write the same file at once.
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if path.exists():
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
            file.write(content)
        if check is not None:
            check(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _target(path: Path) -> Path:
    """The file that a name leads to, through links; it need not exist."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _write_through(path: Path, data: bytes) -> None:
    there = path.stat()
    for own in (sys.stdout, sys.stderr):
        try:
            same = os.path.samestat(there, os.fstat(own.fileno()))
        except (OSError, ValueError, AttributeError):
            continue
        if same:  # in the order of what is printed, and nothing overwritten where it leads to a file
            own.flush()
            own.buffer.write(data)
            own.flush()
            return
    with path.open("wb") as file:
        file.write(data)


def _check_name(path: Path) -> None:
    if "\0" in str(path):
        raise ValueError("a name has no null character")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
