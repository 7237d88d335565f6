"""What a kept result came from: digests of the files that make it and identities of multipliers, parts of its key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from golden.designs import Function, TableBlocks

if TYPE_CHECKING:
    from golden.catalogue import Multiplier

__all__ = ["is_ours", "multiplier_key", "sources_digest"]


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


def is_ours(function: Callable[..., Any]) -> bool:
    """Whether the digest of this package's sources covers a function, or what a partial one is made of."""
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__module__", "").split(".")[0] == "golden"


def multiplier_key(m: Multiplier) -> str | None:
    """Text that changes whenever a multiplier's results may; None for one made of a function from outside."""
    if isinstance(m.design, Function) and not is_ours(m.design.function):
        return None
    content: object = m.design.table if isinstance(m.design, TableBlocks) else ""
    if isinstance(m.design, Function) and m.design.circuit is not None:
        content = m.design.circuit.verilog
    elif isinstance(m.design, Function):
        content = f"{m.design.function.__module__}.{m.design.function.__qualname__}"
    return f"{m!r} {content}"
