"""The floating-point environment of a thread: rounding to nearest, subnormals kept.

``torch.set_flush_denormal`` sets FTZ and DAZ in the calling thread, and threads started later inherit them. Sums cancel
to subnormals, so every emulation runs inside ``default_environment``, whoever called it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

__all__ = ["default_environment", "is_x86"]

_SIZE = 64  # bytes; fenv_t takes at most 32 on the systems below


def _library() -> ctypes.CDLL | None:
    if sys.platform == "win32":
        return None
    try:
        library = ctypes.CDLL(ctypes.util.find_library("m") or None)
        for name in ("fegetenv", "fesetenv"):
            getattr(library, name).argtypes = [ctypes.c_void_p]
    except (OSError, AttributeError):
        return None
    return library


_LIBM = _library()


def _default_address(library: ctypes.CDLL) -> int:
    # C's FE_DFL_ENV: the address -1 in glibc, the object _FE_DFL_ENV on Apple's systems.
    if sys.platform == "darwin":
        return ctypes.addressof(ctypes.c_char.in_dll(library, "_FE_DFL_ENV"))
    return ctypes.c_void_p(-1).value or 0


@cache
def is_x86() -> bool:
    """Whether this is an x86-64 processor, whose environment compiled code sets by itself."""
    return platform.machine().lower() in ("x86_64", "amd64")


@contextmanager
def default_environment() -> Iterator[None]:
    """Clear FTZ, DAZ and any directed rounding in this thread, and restore them at the end."""
    if _LIBM is None:
        yield
        return
    saved = ctypes.create_string_buffer(_SIZE)
    _LIBM.fegetenv(saved)
    _LIBM.fesetenv(_default_address(_LIBM))
    try:
        yield
    finally:
        _LIBM.fesetenv(ctypes.addressof(saved))
