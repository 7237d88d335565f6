"""Writing files so that no interruption leaves half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that its name holds either the old content or the whole new one, whatever interrupts.

    Raises
    ------
    OSError
        If the folder is not writable; the old file, if any, is untouched.
    """
    # A temporary name of its own for each writer: two processes may write the same file at once.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
