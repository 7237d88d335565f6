"""Packed weights, kept between calls.

A hit requires equal bytes: version counters miss edits through ``.data``, and addresses are reused. Entries hold copies
and a weak reference to the memory they were copied from: they keep nothing of the caller's alive, and leave when it is
gone. The least recently used go first when the total passes a bound.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from golden.kernels.body import Range
from golden.kernels.functions import magnitude_range

__all__ = ["LIMIT", "WeightCache", "contiguous"]

LIMIT = 256 << 20
"""Bytes of copies and packed weights kept in all."""
CHUNK = 1 << 16


def contiguous(w: np.ndarray) -> np.ndarray:
    """The elements of ``w`` in memory order: a view where some order of its axes is contiguous, else a copy."""
    return np.ascontiguousarray(w.transpose(_memory_order(w))).reshape(-1)


def _memory_order(w: np.ndarray) -> list[int]:
    return sorted(range(w.ndim), key=lambda axis: -abs(w.strides[axis]))


def _lifetime(w: np.ndarray) -> Callable[[], bool]:
    """Whether the memory behind an array still exists: an array's, or the storage that a tensor shares with others."""
    owner: Any = w
    while isinstance(owner, np.ndarray) and owner.base is not None:
        owner = owner.base
    if isinstance(owner, np.ndarray):
        array = weakref.ref(owner)
        return lambda: array() is not None
    if not hasattr(owner, "untyped_storage"):
        return lambda: True
    from torch.multiprocessing.reductions import StorageWeakRef

    storage = StorageWeakRef(owner.untyped_storage())
    return lambda: not storage.expired()


def _shaped_like(w: np.ndarray, content: np.ndarray) -> np.ndarray:
    axes = _memory_order(w)
    back = sorted(range(w.ndim), key=lambda place: axes[place])
    return content.reshape([w.shape[axis] for axis in axes]).transpose(back)


def _same_bytes(a: np.ndarray, b: np.ndarray) -> bool:
    x, y = a.view(np.uint32), b.view(np.uint32)
    return all(np.array_equal(x[i : i + CHUNK], y[i : i + CHUNK]) for i in range(0, x.size, CHUNK))


@dataclass
class _Entry:
    """A copy of some weights, its elements in memory order and as an array of their shape, and what is known of it."""

    content: np.ndarray
    weights: np.ndarray
    range: Range
    alive: Callable[[], bool]
    packed: dict[Any, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.content.nbytes + sum(p.size for p in list(self.packed.values()))


class WeightCache:
    """Exponent ranges and packed forms of weights, by address, shape and content.

    Parameters
    ----------
    limit : int
        Bytes to keep.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes held."""
        with self._lock:
            return sum(entry.size for entry in self._entries.values())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def entry(self, w: np.ndarray) -> _Entry:
        """What is known of these weights as they are now."""
        content = contiguous(w)
        key = (w.__array_interface__["data"][0], w.shape, w.strides)
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
        if entry is not None and _same_bytes(entry.content, content):
            return entry
        # Of the copy: another thread may be editing the original.
        content = content.copy()
        entry = _Entry(content, _shaped_like(w, content), magnitude_range(content), _lifetime(w))
        if 2 * content.nbytes <= self._limit:
            with self._lock:
                for gone in [known for known, kept in self._entries.items() if not kept.alive()]:
                    del self._entries[gone]
                self._entries[key] = entry
                self._entries.move_to_end(key)
        return entry

    def packed(self, entry: _Entry, key: Any, build: Callable[[], Any]) -> Any:
        """The packed form ``key`` of an entry, built on first use; older entries leave where the total needs it."""
        found = entry.packed.get(key)
        if found is None:
            found = build()
            with self._lock:
                entry.packed[key] = found
                total = sum(kept.size for kept in self._entries.values())
                while total > self._limit and self._entries:
                    total -= self._entries.popitem(last=False)[1].size
        return found
