"""The arrays that recorded calls point to, and where their bytes lie in the emulated memory."""

from __future__ import annotations

import bisect
import ctypes

import numpy as np

from .bochs import BASE, PATTERN, SECTOR, link

__all__ = ["Arrays", "Image", "Memory", "pattern"]

LINE = 64  # addresses keep their place within a cache line, so that the same accesses are aligned


def pattern(size: int) -> bytes:
    """``size`` bytes of ``PATTERN``, from an address divisible by four."""
    return (PATTERN.to_bytes(4, "little") * (size // 4 + 1))[:size]


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


class Memory:
    """The bytes of one NumPy array that owns them.

    Parameters
    ----------
    owner : ndarray
        Kept alive, so that no other array takes its place.
    """

    def __init__(self, owner: np.ndarray) -> None:
        assert owner.flags.forc
        self.owner = owner
        self.start, self.size = _address(owner), owner.nbytes

    def read(self) -> bytes:
        """A copy of the bytes."""
        return ctypes.string_at(self.start, self.size)

    def write(self, content: bytes) -> None:
        """Replace the bytes."""
        assert len(content) == self.size
        ctypes.memmove(self.start, content, self.size)


class Arrays:
    """Every array whose address was taken, found again by any address within it."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._memories: dict[int, Memory] = {}

    def address(self, array: np.ndarray) -> int:
        """Where an array's first element lies: ``golden.kernels.functions.address``, with a memory."""
        owner, base = array, array.base
        while base is not None:
            owner, base = (base if isinstance(base, np.ndarray) else owner), getattr(base, "base", None)
        memory = Memory(owner)
        if memory.start not in self._memories:
            bisect.insort(self._starts, memory.start)
            self._memories[memory.start] = memory
        return _address(array)

    def find(self, address: int) -> Memory | None:
        """The memory that an address points into; of an empty one, to its start."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        memory = self._memories[self._starts[index]]
        return memory if address < memory.start + max(memory.size, 1) else None


class Image:
    """The emulated memory from ``BASE`` on: what lies where, and ``PATTERN`` in between."""

    def __init__(self) -> None:
        self._content: dict[int, bytes] = {}
        self._shared: dict[tuple[bytes, int], int] = {}
        self.end = BASE + SECTOR

    def reserve(self, size: int, like: int = 0) -> int:
        """An address for ``size`` bytes, equal to ``like`` within a cache line."""
        address = -(-self.end // LINE) * LINE + LINE + like % LINE
        self.end = address + size + LINE
        return address

    def reserve_sectors(self, size: int, like: int) -> tuple[int, tuple[int, int]]:
        """The same, and address and size of the whole sectors around, which nothing else shares."""
        first = self.round()
        address = self.reserve(size, like)
        return address, (first, self.round() - first)

    def put(self, address: int, content: bytes) -> None:
        """Say what is loaded at a reserved address."""
        self._content[address] = content

    def shared(self, content: bytes, like: int) -> int:
        """Where some bytes that nothing changes lie; equal ones have one place."""
        key = content, like % LINE
        if key not in self._shared:
            self._shared[key] = self.reserve(len(content), like)
            self.put(self._shared[key], content)
        return self._shared[key]

    def function(self, code: bytes) -> int:
        """Where the function of an object file lies."""
        address = self.reserve(0)
        content = link(code, address)
        self.put(address, content)
        self.end += len(content)
        return address

    def round(self) -> int:
        """The first address from here on that begins a sector."""
        self.end = -(-self.end // SECTOR) * SECTOR
        return self.end

    def content(self, end: int) -> bytearray:
        """What to load from ``BASE`` to ``end``."""
        image = bytearray(pattern(end - BASE))
        for address, content in self._content.items():
            assert address + len(content) <= end
            image[address - BASE : address - BASE + len(content)] = content
        return image
