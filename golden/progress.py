"""How long work tells whoever started it how far it is."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress"]

Progress = Callable[[int, int, str], None]
"""Called as ``progress(done, total, message)``, in the process that started the work.

A ``total`` of 0 is not known yet; the message says what is being done.
"""
