"""The emulated machine finds what is wrong: rounding, bytes, stray writes, faults."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from emulated_cases import emulate, single_products
from emulator import Machine, missing
from emulator.batch import Call, Pointer, run_calls
from emulator.machine import cross_compiled
from emulator.memory import Memory
from kernel_cases import operands, plain_matmul
from llvmlite import ir

from golden import kernels
from golden.catalogue import multiplier
from golden.kernels.bodies.toward_zero import Avx512
from golden.kernels.emit import I32, Emitter, Value

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
CPU = "skylake-avx512"


class Nearest(Avx512):
    """Rounds one operation to nearest, as a plain instruction does: operand 8 where ``Avx512`` has 11."""

    name = "nearest"
    operation = "mul"

    def toward_zero(self, e: Emitter, operation: str, *values: Value) -> Value:
        if operation != self.operation:
            return super().toward_zero(e, operation, *values)
        symbol = {"mul": "mul.ps.512", "add": "add.ps.512", "fma": "vfmadd.ps.512"}[operation]
        return e.declared(f"llvm.x86.avx512.{symbol}", values[0].type, *values, ir.Constant(I32, 8))


# Not yh = c t of ax-fpm: there yl makes up for either rounding.
@pytest.mark.parametrize(
    ("name", "operation"),
    [("ax-fpm", "fma"), ("ax-fpm", "add"), ("ax-fpm-widen", "fma"), ("ax-fpm-widen", "add"), ("exact-trunc", "mul")],
)
def test_rounding_to_nearest_is_found(name: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = type("OneNearest", (Nearest,), {"operation": operation})
    case = single_products(multiplier(name), body, 60, np.random.default_rng(14))
    assert emulate([case], monkeypatch) == ([0], {body: 1})


def test_nothing_recorded_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(16)
    x, w = operands("normal", (9, 20), rng), operands("normal", (20, 30), rng)
    expected = plain_matmul(x, w, None, m, "float32")
    machine = Machine()
    assert np.array_equal(kernels.matmul(x, w, None, m, "float32").view(np.uint32), expected)
    with machine.recording(monkeypatch):
        recorded = kernels.matmul(x, w, None, m, "float32")
        assert np.isnan(recorded).all()
    assert np.array_equal(kernels.matmul(x, w, None, m, "float32").view(np.uint32), expected)
    assert machine.run() == 4  # packing of the records, of whole panels, of the rest, and the tile loop
    assert np.array_equal(recorded.view(np.uint32), expected)


def _call(text: str, values: np.ndarray, after: np.ndarray | None = None) -> Call:
    """A call of LLVM IR with the address of an int64 array: a result, or what must become ``after``."""
    code = cross_compiled(f"define void @f(ptr %arguments) {{\n{text}\nret void }} declare void @llvm.trap()", CPU)
    contents = (None, None) if after is None else (values.tobytes(), after.tobytes())
    return Call("f", code, [Pointer(Memory(values).start, Memory(values), *contents)])


def _store(index: int, value: int) -> str:
    return f"""
        %array = load ptr, ptr %arguments
        %place = getelementptr i64, ptr %array, i64 {index}
        store i64 {value}, ptr %place"""


def test_results_are_those_of_the_calls_in_order() -> None:
    values = np.zeros(3, np.int64)
    calls = [_call(_store(index, value), values) for index, value in ((0, 5), (1, -6), (0, 7), (2, 8))]
    run_calls(calls, [Memory(values)], CPU)
    assert values.tolist() == [7, -6, 8]


def test_other_bytes_than_here_are_found() -> None:
    values = np.zeros(3, np.int64)
    run_calls([_call(_store(2, 9), values, np.array([0, 0, 9]))], [], CPU)
    with pytest.raises(AssertionError, match="f, call 1: other bytes than here"):
        run_calls([_call(_store(2, value), values, np.array([0, 0, 9])) for value in (9, 1)], [], CPU)


@pytest.mark.parametrize(("index", "place"), [(-1, "in front"), (3, "behind")])
def test_stray_writes_are_found(index: int, place: str) -> None:
    values = np.zeros(3, np.int64)
    with pytest.raises(AssertionError, match=f"written {place}"):
        run_calls([_call(_store(index, 1), values)], [Memory(values)], CPU)


def test_faults_and_endless_loops_end() -> None:
    values = np.zeros(3, np.int64)
    with pytest.raises(RuntimeError, match="stopped before its end"):
        run_calls([_call("call void @llvm.trap()", values)], [Memory(values)], CPU)
    with pytest.raises(subprocess.TimeoutExpired):
        run_calls([_call("br label %again\nagain: br label %again\n", values)], [Memory(values)], CPU, timeout=2)
