"""Where results that are expensive to make again are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

from golden.errors import InvalidInput

__all__ = ["cache_dir"]


def cache_dir(*parts: str) -> Path:
    """Return a folder of the cache, made if it does not exist.

    The cache is ``$AXFPM_CACHE`` where that is set, else ``axfpm`` under ``$XDG_CACHE_HOME``, else ``~/.cache/axfpm``.
    Everything in it can be deleted at any time.

    Parameters
    ----------
    *parts : str
        Folders below the cache's root.

    Raises
    ------
    InvalidInput
        If the folder cannot be made.
    """
    chosen = os.environ.get("AXFPM_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(chosen) if chosen else (Path(base) if base else Path.home() / ".cache") / "axfpm"
    folder = root.expanduser().absolute().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"cannot use the cache folder {folder} ({error.strerror}); set AXFPM_CACHE to a folder that can be written"
        ) from None
    return folder
