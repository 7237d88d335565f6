"""What code a kept result came from: a digest of the files that make it, part of its key in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

__all__ = ["sources_digest"]


def sources_digest(root: Path, counts: Callable[[str], bool] = lambda name: True) -> str:
    """SHA-256 over names and contents of the files below a folder, but what Python compiles them to.

    Parameters
    ----------
    root : Path
        The folder.
    counts : callable
        Whether a file counts, by its name from there, as in ``kernels/bodies/avx2.py``.
    """
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and counts(name):
            digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
