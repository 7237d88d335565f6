"""Calls of compiled functions, one or a table of them, without the interpreter in between."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from golden.kernels.environment import default_environment, is_x86
from golden.kernels.jit import compile_code

__all__ = ["Function", "address", "run_rows"]

# Sums cancel to subnormals: FTZ, DAZ and any directed rounding are cleared around the calls, and restored. 8064 is
# 0x1F80: round to nearest, all exceptions masked.
_ROWS = """
define void @rows(ptr %rows, i64 %count, i64 %size) nounwind {
entry:
  ENTER
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %inside ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %inside, label %after
inside:
  %offset = mul i64 %i, %size
  %row = getelementptr i8, ptr %rows, i64 %offset
  %function = load ptr, ptr %row
  %arguments = getelementptr i8, ptr %row, i64 8
  call void %function(ptr %arguments)
  %next = add i64 %i, 1
  br label %head
after:
  LEAVE
  ret void
}
"""
_ENTER = """%saved = alloca i32
  %default = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %saved)
  store i32 8064, ptr %default
  call void @llvm.x86.sse.ldmxcsr(ptr %default)"""
_LEAVE = "call void @llvm.x86.sse.ldmxcsr(ptr %saved)"
_DECLARED = """
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
"""


def address(array: np.ndarray) -> int:
    """Where an array's first element lies; the caller keeps the array alive."""
    return array.__array_interface__["data"][0]


@cache
def _rows() -> Callable[..., None]:
    x86 = is_x86()
    text = _ROWS.replace("ENTER", _ENTER if x86 else "").replace("LEAVE", _LEAVE if x86 else "")
    code = compile_code(text + (_DECLARED if x86 else ""), "rows")
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, *(ctypes.c_int64,) * 2)(code.address)


def run_rows(rows: bytes | np.ndarray, count: int) -> None:
    """Call functions in order, in the default floating-point environment.

    Parameters
    ----------
    rows : bytes or ndarray of int64
        A row for each call, all of one length: the function's address and its arguments.
    count : int
        How many.
    """
    size = (len(rows) if isinstance(rows, bytes) else rows.nbytes) // count
    start = rows if isinstance(rows, bytes) else address(rows)
    if is_x86():
        _rows()(start, count, size)
        return
    with default_environment():
        _rows()(start, count, size)


class Function:
    """A compiled function of so many int64 arguments.

    Parameters
    ----------
    text, name : str
        LLVM IR and the function's symbol in it.
    arguments : int
        How many it has.
    """

    def __init__(self, text: str, name: str, arguments: int) -> None:
        self.address = compile_code(text, name).address
        self._arguments = arguments
        self._packed = struct.Struct(f"{arguments + 1}q").pack

    def __call__(self, *arguments: int) -> None:
        """Call it once."""
        run_rows(self._packed(self.address, *arguments), 1)

    def each(self, count: int, *arguments: Any) -> None:
        """Call it ``count`` times, in order: arguments are the same each time, or arrays of int64 with one for each."""
        if count == 0:
            return
        table = np.empty((count, self._arguments + 1), np.int64)
        for place, value in enumerate((self.address, *arguments)):
            table[:, place] = value
        run_rows(table, count)
