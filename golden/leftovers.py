"""Folders and files under construction: held by their process, and removed where a killed one left them behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from pathlib import Path

from golden.files import TEMPORARY

__all__ = ["LOCK", "hold", "remove", "sweep"]

LOCK = ".owner"
"""The file of a folder under construction that its process holds locked."""
STALE_S = 600
"""Seconds after which a folder or file that no process holds counts as left behind."""
LOCKED_S = 5
"""The same for a folder with a lock file: what made it was about to hold it, or did."""

_SWEPT: set[str] = set()


def hold(folder: Path) -> int | None:
    """Hold a folder's lock file; None where another process holds it, or there are no locks here."""
    try:
        import fcntl

        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def sweep(folder: Path) -> None:
    """Delete what killed processes left in a folder of the cache, once: unfinished, old, and held by no one."""
    if str(folder) in _SWEPT:
        return
    _SWEPT.add(str(folder))
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(TEMPORARY):
                continue
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                path = Path(entry.path)
                stale = LOCKED_S if (path / LOCK).is_file() else STALE_S
                if time.time() - status.st_mtime < stale or status.st_uid != os.geteuid():
                    continue
                if stat.S_ISREG(status.st_mode):
                    path.unlink(missing_ok=True)
                elif stat.S_ISDIR(status.st_mode) and (lock := hold(path)) is not None:
                    remove(path)
                    os.close(lock)


def remove(path: Path) -> None:
    """Delete a file or folder as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
