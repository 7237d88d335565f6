"""Where results that are expensive to make again are kept between runs: entries that prove themselves when read.

An entry carries a checksum over its kind, its key and its content. Whatever is damaged, cut short, of another kind or
under another key counts as absent, as does everything in a cache that cannot be read; a full disk or a cache that
cannot be written costs time, not results. Folders (built simulators, netlists) are sealed with the checksums of their
files, to the same end.

It is also the one place that says where the cache lies: ``cache_path`` and ``cache_dir`` for what is kept,
``work_folder`` for what is worked on, ``workshop`` for what is under construction.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from golden.errors import AxfpmWarning, InvalidInput
from golden.files import TEMPORARY, expand, replace_file
from golden.leftovers import LOCK, hold, remove, sweep

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Cache",
    "cache_dir",
    "cache_path",
    "default_root",
    "intact",
    "pack",
    "publish",
    "seal",
    "unpack",
    "work_folder",
    "workshop",
    "writable",
]

T = TypeVar("T")

MAGIC = b"axfpm cache entry 1\n"
SEAL = ".sealed"
"""The file of a folder that holds the checksums of the others."""
ROOM_BYTES = 100 << 20
"""What must be free on the disk for a folder to work in."""


def cache_path(*parts: str) -> Path:
    """Return a place in the cache, which need not exist and is not made."""
    return _root().joinpath(*parts)


def cache_dir(*parts: str) -> Path:
    """Return a folder of the cache, made if it does not exist.

    The cache is ``$AXFPM_CACHE`` where that is set, else where this platform keeps a user's caches: on Linux ``axfpm``
    under ``$XDG_CACHE_HOME``, else ``~/.cache/axfpm``. Where there is no home folder it is a temporary one. Everything
    in it can be deleted at any time.

    Parameters
    ----------
    *parts : str
        Folders below the cache's root.

    Raises
    ------
    InvalidInput
        If the folder cannot be made.
    """
    folder = _root().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"cannot use the cache folder {folder} ({getattr(error, 'strerror', None) or error}); set AXFPM_CACHE to a "
            "folder that can be written"
        ) from None
    return folder


def _root() -> Path:
    chosen = os.environ.get("AXFPM_CACHE")
    if not chosen:
        return default_root() or _temporary_root("there is no home folder for the cache")
    try:
        return Path(chosen).expanduser().absolute()
    except RuntimeError:  # no such user
        return _temporary_root(f"there is no home folder for the cache {chosen}")


def default_root() -> Path | None:
    """Return the cache's place where none is chosen; None where this user has no home folder."""
    from platformdirs import user_cache_path

    try:
        return user_cache_path("axfpm", appauthor=False).absolute()
    except RuntimeError:  # no HOME and a user without a name
        return None


@cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="axfpm-"))
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return folder


@cache
def _temporary_root(reason: str) -> Path:
    """A folder that lasts as long as this process, said once for each reason."""
    folder = _temporary_folder()
    warnings.warn(
        AxfpmWarning(f"{reason}: {folder} is used, and deleted at the end; set AXFPM_CACHE to a folder with room"),
        stacklevel=3,
    )
    return folder


def writable(kind: str) -> bool:
    """Whether the cache can keep entries of a kind."""
    try:
        with tempfile.TemporaryFile(dir=cache_dir(kind)):
            return True
    except (OSError, InvalidInput):
        return False


def work_folder(kind: str, chosen: str | Path | None = None) -> Path:
    """A folder to work in, made if it does not exist: the one chosen, or the cache's.

    Where the cache's cannot be written, or its disk is full, it is a temporary one, with a warning.

    Parameters
    ----------
    kind : str
        Name of the folder in the cache.
    chosen : path, optional
        A folder of the user's, instead.

    Raises
    ------
    InvalidInput
        If the chosen one cannot be written.
    """
    if chosen is not None:
        folder = expand(chosen)
        try:
            _try_to_write(folder)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise InvalidInput(f"cannot work in the folder {folder} ({why}); choose one that can be written") from None
        return folder
    try:
        folder = cache_path(kind)
        _try_to_write(folder)
        if shutil.disk_usage(folder).free < ROOM_BYTES:
            raise OSError(None, f"less than {ROOM_BYTES >> 20} MB free")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        folder = _temporary_root(f"cannot write to the cache {_root()} ({why})") / kind
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _try_to_write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def pack(kind: str, key: str, content: bytes) -> bytes:
    """Content as an entry: a checksum over kind, key and content in front."""
    return MAGIC + _digest(kind, key, content) + content


def unpack(kind: str, key: str, entry: bytes) -> bytes | None:
    """The content of an entry; None where it is damaged, or of another kind or key."""
    head = len(MAGIC) + hashlib.sha256().digest_size
    content = entry[head:]
    return content if entry[:head] == MAGIC + _digest(kind, key, content) else None


def _digest(kind: str, key: str, content: bytes) -> bytes:
    digest = hashlib.sha256(f"{kind}\0{key}\0{len(content)}\0".encode())
    digest.update(content)
    return digest.digest()


class Cache:
    """Entries of one kind, by key.

    Parameters
    ----------
    kind : str
        Name of the folder in the cache.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get(self, key: str) -> bytes | None:
        """Return what was kept under a key; None where there is nothing, or it is damaged."""
        try:
            return unpack(self.kind, key, cache_path(self.kind, key).read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, key: str, content: bytes) -> bool:
        """Keep content under a key, a file name; whether it was kept."""
        try:
            folder = cache_dir(self.kind)
            sweep(folder)
            replace_file(folder / key, pack(self.kind, key, content))
        except (OSError, InvalidInput):
            return False
        return True

    def get_json(self, key: str, read: Callable[[Any], T]) -> T | None:
        """Return ``read(value)`` of a kept JSON value; None where there is none, or ``read`` cannot use it."""
        content = self.get(key)
        try:
            return None if content is None else read(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            return None

    def put_json(self, key: str, value: Any) -> bool:
        """Keep a JSON value; whether it was kept."""
        return self.put(key, json.dumps(value, indent=1).encode())

    def get_array(self, key: str) -> np.ndarray | None:
        """Return a kept array."""
        import numpy as np

        content = self.get(key)
        try:
            return None if content is None else np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None

    def put_array(self, key: str, array: np.ndarray) -> bool:
        """Keep an array; whether it was kept."""
        import numpy as np

        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, allow_pickle=False)
        return self.put(key, buffer.getvalue())


def seal(folder: Path, files: Iterable[str], *, name: str) -> None:
    """Write the checksums of a folder's files into it, as the last step of making it; ``name`` is its final one."""
    sums = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in sorted(files)}
    replace_file(folder / SEAL, pack("folder", name, json.dumps(sums, indent=1).encode()))


def intact(folder: Path) -> bool:
    """Whether a folder is sealed and its sealed files are as they were; one that is not is removed."""
    with contextlib.suppress(OSError, ValueError):
        sums = unpack("folder", folder.name, (folder / SEAL).read_bytes())
        if sums is not None and all(
            hashlib.sha256((folder / file).read_bytes()).hexdigest() == known
            for file, known in json.loads(sums).items()
        ):
            return True
    remove(folder)
    return False


def publish(aside: Path, final: Path) -> Path:
    """Move a complete, sealed folder to its final name, at once.

    Returns
    -------
    Path
        The final folder, this one or that of a faster process; or a temporary one, with a warning, where it cannot be
        put there.
    """
    near = aside
    try:
        (aside / LOCK).unlink(missing_ok=True)
        if aside.parent != final.parent:  # perhaps on another disk: copied beside the place first
            near = final.with_name(f"{TEMPORARY}{final.name}-{os.getpid()}")
            shutil.copytree(aside, near)
        near.rename(final)
    except OSError as error:
        if not intact(final):
            place = _temporary_root(f"cannot write to {final.parent} ({error.strerror or error})") / final.name
            remove(place)
            shutil.move(aside, place)
            return place
    finally:
        if near != aside:
            remove(near)
    return final


@contextmanager
def workshop(parent: Path, label: str) -> Iterator[Path]:
    """A folder to make something in, deleted at the end unless it was moved away.

    It is held by a lock while this process lives. What killed processes left behind is deleted when the next one comes.

    Parameters
    ----------
    parent : Path
        The folder to make it in.
    label : str
        A word in its name.
    """
    sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{label}-", dir=parent))
    lock = hold(folder)
    try:
        yield folder
    finally:
        remove(folder)
        if lock is not None:
            os.close(lock)
