"""Kernel calls, recorded here and run on the emulated machine."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import llvmlite.binding as llvm
import numpy as np
import pytest

from golden import kernels
from golden.kernels import calls, jit, packing, pool, tile
from golden.kernels.environment import default_environment

from .batch import Call, Pointer, run_calls
from .memory import Arrays, Memory, pattern

__all__ = ["FEATURES", "Machine", "cross_compiled"]

FEATURES = frozenset({"avx", "avx2", "fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
"""What the emulated CPU offers, of what bodies ask for."""

_COMPILE, _RUN = jit.compile_code, calls.run_rows  # the real ones, also while they are replaced
# The arguments of each function, and which of them points to what it writes.
LAYOUTS = {
    "copy": (packing.COPY, ("target", "extent")),
    "records": (packing.RECORDS, ("target", "extent")),
    "scan": (packing.SCAN, ("extent",)),
    "sums": (tile.SUMS, ("out",)),
}


class Machine:
    """Records kernel calls, runs them on an emulated AVX-512 CPU and fills in their results.

    Packing and scans also run here, so that Python can go on, and must leave the same bytes there. Tile loops run
    there only: until ``run``, results hold a NaN that no kernel stores.

    Parameters
    ----------
    cpu : str
        LLVM's name of the processor to compile for.
    """

    def __init__(self, cpu: str = "skylake-avx512") -> None:
        self.cpu = cpu
        self._calls: list[Call] = []
        self._arrays = Arrays()
        self._results: dict[int, Memory] = {}
        self._contents: dict[bytes, bytes] = {}
        self._recorders: dict[int, Callable[[bytes], None]] = {}

    @contextmanager
    def recording(self, monkeypatch: pytest.MonkeyPatch, threads: int = 1) -> Iterator[None]:
        """Inside, kernels are chosen for an AVX-512 CPU, split for so many threads, and recorded."""
        _clear_caches()
        try:
            with monkeypatch.context() as patch:
                for original, replacement in (
                    (jit.cpu_features, lambda: FEATURES),
                    (jit.compile_code, self._compiled),
                    (calls.run_rows, self._run_rows),
                    (calls.address, self._arrays.address),
                    (pool.threads, lambda: threads),
                    (pool.run_all, _run_in_turn),
                ):
                    for module in _modules():
                        if vars(module).get(original.__name__) is original:
                            patch.setattr(module, original.__name__, replacement)
                patch.setattr(pool, "SMALL", 0)
                yield
        finally:
            _clear_caches()

    def _run_rows(self, rows: bytes | np.ndarray, count: int) -> None:
        packed = bytes(rows)
        size = len(packed) // count
        for start in range(0, len(packed), size):
            (function,) = struct.unpack_from("q", packed, start)
            self._recorders[function](packed[start + 8 : start + size])

    def _compiled(self, text: str, name: str) -> jit.Code:
        if name not in LAYOUTS:  # the loop over calls, which the emulated machine has of its own
            return _COMPILE(text, name)
        place = len(self._recorders) + 1
        self._recorders[place] = self._recorder(text, name)
        return jit.Code(place)

    def _recorder(self, text: str, name: str) -> Callable[[bytes], None]:
        names, written = LAYOUTS[name]
        targets = [names.index(name) for name in written]
        code = cross_compiled(text, self.cpu)
        native = None if name == "sums" else _COMPILE(text, name)

        def call(packed: bytes) -> None:
            values = struct.unpack_from(f"{len(names)}q", packed)
            if native is None:
                self._expect(values[targets[0]])
            arguments = [self._argument(value) for value in values]
            if native is not None:
                _RUN(struct.pack("q", native.address) + packed, 1)
                for target in targets:
                    pointer = arguments[target]
                    assert isinstance(pointer, Pointer)
                    arguments[target] = replace(pointer, after=self._content(pointer.memory))
            self._calls.append(Call(name, code, arguments))

        return call

    def _expect(self, address: int) -> None:
        memory = self._arrays.find(address)
        assert memory is not None, "results in an array that the recorder does not know"
        if memory.start not in self._results:
            memory.write(pattern(memory.size))
            self._results[memory.start] = memory

    def _argument(self, value: int) -> int | Pointer:
        memory = self._arrays.find(value)
        if memory is None:
            assert abs(value) < 1 << 32, f"an address in no array that the recorder knows: {value:#x}"
            return value
        return Pointer(value, memory, None if memory.start in self._results else self._content(memory))

    def _content(self, memory: Memory) -> bytes:
        content = memory.read()
        return self._contents.setdefault(content, content)

    def run(self) -> int:
        """Run what was recorded, and fill in the results.

        Returns
        -------
        int
            How many calls were run.

        Raises
        ------
        AssertionError
            If packing or a scan left other bytes there than here, or anything wrote where it should not.
        RuntimeError
            If the machine stopped before its end, as it does at any exception.
        """
        calls, results = self._calls, list(self._results.values())
        run_calls(calls, results, self.cpu)
        self._calls, self._results, self._arrays, self._contents = [], {}, Arrays(), {}
        return len(calls)


def _run_in_turn(tasks: Sequence[Callable[[], None]], workers: int | None = None) -> None:
    with default_environment():
        for task in tasks:
            task()


def _modules() -> list[ModuleType]:
    # All of them: one that was first imported while names are replaced would keep the replacements. The GPU's compile
    # nothing for a CPU, and want Triton.
    found = [module.name for module in walk_packages(kernels.__path__, "golden.kernels.")]
    names = [name for name in found if not name.startswith("golden.kernels.cuda")]
    return [kernels, *(import_module(name) for name in names)]


def _clear_caches() -> None:
    """No function recorded here is left for others, nor one of theirs found here; likewise packed weights."""
    for module in _modules():
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear"):
                value.cache_clear()


@lru_cache(maxsize=256)
def cross_compiled(text: str, cpu: str) -> bytes:
    """An object file, as ``golden.kernels.jit`` makes it, but for another CPU."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple("x86_64-unknown-linux-gnu").create_target_machine(cpu=cpu, opt=3, jit=True)
    return machine.emit_object(jit._optimise(text, machine))
