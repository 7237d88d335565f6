"""A thin layer over llvmlite's IR builder: loops, loads and arithmetic on scalars and vectors alike.

Kernels are written once against this class. A value is a scalar or a vector of any length; constants take the shape of
the operand they meet. No operation carries a fast-math flag, so LLVM neither reorders nor contracts anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

__all__ = ["F32", "F64", "I8", "I32", "I64", "Emitter", "Value", "constant", "vector"]

Value = Any
"""A value of llvmlite's IR, which has no type annotations."""

I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
F32, F64 = ir.FloatType(), ir.DoubleType()
POINTER = ir.PointerType()


def vector(element: ir.Type, lanes: int) -> ir.Type:
    """The vector type of ``lanes`` elements, or the element itself for 0 lanes."""
    return ir.VectorType(element, lanes) if lanes else element


def _lanes(kind: Any) -> int:
    return kind.count if isinstance(kind, ir.VectorType) else 0


def constant(kind: Any, value: float) -> ir.Constant:
    """A constant of type ``kind``, the same in every lane."""
    return ir.Constant(kind, [value] * kind.count) if isinstance(kind, ir.VectorType) else ir.Constant(kind, value)


class Emitter:
    """Emits one function ``void name(const int64_t *arguments)``; pointers travel as integers.

    Parameters
    ----------
    module : ir.Module
        Where the function goes.
    name : str
        Its symbol.
    """

    def __init__(self, module: ir.Module, name: str) -> None:
        self.module = module
        self.table: Value = None
        """Where the body's table lies, in functions that are given one."""
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
        self.function.attributes.add("nounwind")
        self._entry = self.function.append_basic_block("entry")
        self.builder: Any = ir.IRBuilder(self.function.append_basic_block("body"))
        self._body = self.builder.block

    def finish(self) -> None:
        """Close the function."""
        self.builder.ret_void()
        ir.IRBuilder(self._entry).branch(self._body)

    # Memory

    def argument(self, index: int) -> Value:
        """Argument ``index``, an int64."""
        return self.load(self.function.args[0], I64, 8 * index, align=8)

    def pointer(self, address: Value) -> Value:
        """An address held in an int64, as a pointer."""
        return self.builder.inttoptr(address, POINTER)

    def at(self, base: Value, index: Value | int, size: int) -> Value:
        """The address of element ``index`` of ``size`` bytes."""
        index = constant(I64, index) if isinstance(index, int) else index
        kind = ir.ArrayType(I8, size)
        return self.builder.gep(base, [index], source_etype=kind)

    def load(self, base: Value, kind: Any, offset: int = 0, align: int = 4) -> Value:
        """Load a value of type ``kind`` at ``base`` plus ``offset`` bytes."""
        address = self.at(base, offset, 1) if offset else base
        return self.builder.load(address, typ=kind, align=align)

    def store(self, value: Any, base: Value, offset: int = 0, align: int = 4) -> None:
        """Store ``value`` at ``base`` plus ``offset`` bytes."""
        self.builder.store(value, self.at(base, offset, 1) if offset else base, align=align)

    def prefetch(self, base: Value) -> None:
        """Ask for what lies at an address, which need not exist."""
        hints = [constant(I32, number) for number in (0, 3, 1)]  # for reading, to the first level, data
        self.declared("llvm.prefetch.p0", ir.VoidType(), base, *hints)

    def slot(self, kind: Any, count: int = 1) -> Value:
        """Stack memory for ``count`` values of type ``kind``; single values become registers."""
        builder = ir.IRBuilder(self._entry)
        result: Any = builder.alloca(kind, size=ir.Constant(I64, count) if count > 1 else None)
        result.align = 64
        result.type = POINTER  # llvmlite types it by what it holds
        return result

    def gather(self, base: Value, index: Value, size: int, kind: Any) -> Value:
        """The elements of ``size`` bytes that a vector of indices names."""
        lanes = index.type.count
        result = ir.Constant(vector(kind, lanes), ir.Undefined)
        for lane in range(lanes):
            place = constant(I32, lane)
            entry = self.builder.zext(self.builder.extract_element(index, place), I64)
            result = self.builder.insert_element(result, self.load(self.at(base, entry, size), kind), place)
        return result

    # Control

    @contextmanager
    def loop(self, start: Value | int, stop: Value, step: int = 1) -> Iterator[Value]:
        """``for index in range(start, stop, step)``."""
        b = self.builder
        start = constant(I64, start) if isinstance(start, int) else start
        before = b.block
        head, inside, after = (self.function.append_basic_block(name) for name in ("head", "inside", "after"))
        b.branch(head)
        b.position_at_end(head)
        index = b.phi(I64)
        index.add_incoming(start, before)
        b.cbranch(b.icmp_signed("<", index, stop), inside, after)
        b.position_at_end(inside)
        yield index
        following = b.add(index, constant(I64, step), flags=["nsw"])
        index.add_incoming(following, b.block)
        b.branch(head)
        b.position_at_end(after)

    @contextmanager
    def choice(self, condition: Value) -> Iterator[tuple[Any, Any]]:
        """``with choice(c) as (then, otherwise)``."""
        with self.builder.if_else(condition) as branches:
            yield branches

    # Arithmetic

    def like(self, value: Value, number: float) -> Value:
        """A constant of the type of ``value``."""
        return constant(value.type, number)

    def is_vector(self, value: Value) -> bool:
        """Whether a value has lanes."""
        return _lanes(value.type) > 0

    def element(self, value: Value) -> Any:
        """The type of a scalar, or of a vector's elements."""
        return value.type.element if _lanes(value.type) else value.type

    def integer(self, value: Value) -> Value:
        """The bits of a floating-point value."""
        wide = self.element(value) == F64
        return self.builder.bitcast(value, vector(I64 if wide else I32, _lanes(value.type)))

    def floating(self, value: Value) -> Value:
        """The floating-point value of some bits."""
        wide = self.element(value) == I64
        return self.builder.bitcast(value, vector(F64 if wide else F32, _lanes(value.type)))

    def masked(self, value: Value, mask: int) -> Value:
        """A floating-point value with only the bits of ``mask`` kept."""
        bits = self.integer(value)
        return self.floating(self.builder.and_(bits, self.like(bits, mask)))

    def to(self, value: Value, element: Any) -> Value:
        """Convert between float32 and float64, rounding to nearest."""
        kind = vector(element, _lanes(value.type))
        if kind == value.type:
            return value
        return self.builder.fpext(value, kind) if element == F64 else self.builder.fptrunc(value, kind)

    def call(self, name: str, *values: Value) -> Value:
        """An LLVM intrinsic overloaded on the type of its operands, such as ``llvm.fma``."""
        kind = values[0].type
        code = {F32: "f32", F64: "f64", I32: "i32", I64: "i64"}[self.element(values[0])]
        suffix = f"v{kind.count}{code}" if _lanes(kind) else code
        return self.declared(f"{name}.{suffix}", kind, *values)

    def multiply_add(self, x: Value, y: Value, z: Value) -> Value:
        """x y + z where x y is exact, so that it may be fused, where the CPU can, or take two steps."""
        return self.call("llvm.fmuladd", x, y, z)

    def declared(self, symbol: str, result: Any, *values: Value) -> Value:
        """A call of the function ``symbol``, declared by its operands."""
        function = self.module.globals.get(symbol)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(result, [v.type for v in values]), symbol)
        return self.builder.call(function, values)

    def constrained(self, operation: str, *values: Value) -> Value:
        """``fmul``, ``fadd`` or ``fma`` in the rounding mode that is in force; exceptions are of no interest."""
        kind = values[0].type
        suffix = f"v{kind.count}f32" if _lanes(kind) else "f32"
        symbol = f"llvm.experimental.constrained.{operation}.{suffix}"
        function = self.module.globals.get(symbol)
        if function is None:
            types = [v.type for v in values] + [ir.MetaDataType()] * 2
            function = ir.Function(self.module, ir.FunctionType(kind, types), symbol)
        mode = [ir.MetaDataString(self.module, text) for text in ("round.towardzero", "fpexcept.ignore")]
        return self.builder.call(function, [*values, *mode])

    def splat(self, value: Value, lanes: int) -> Value:
        """A vector with ``value`` in every lane."""
        if not lanes:
            return value
        single = self.builder.insert_element(
            ir.Constant(vector(value.type, lanes), ir.Undefined), value, constant(I32, 0)
        )
        return self.shuffle(single, single, [0] * lanes)

    def shuffle(self, first: Value, second: Value, order: Sequence[int]) -> Value:
        """Elements of two vectors, numbered through."""
        return self.builder.shuffle_vector(first, second, ir.Constant(vector(I32, len(order)), list(order)))

    def transposed(self, rows: Sequence[Value]) -> list[Value]:
        """The columns of at most as many rows as they have lanes, a power of two; lanes of absent rows are undefined.

        Stage s swaps, in every square of 2 s rows and columns, the upper right with the lower left quarter.
        """
        lanes = rows[0].type.count
        matrix = [*rows, *(ir.Constant(rows[0].type, ir.Undefined) for _ in range(lanes - len(rows)))]
        step = lanes // 2
        while step:
            for i in (i for i in range(lanes) if not i & step):
                upper, lower = matrix[i], matrix[i + step]
                first = [p if not p & step else lanes + p - step for p in range(lanes)]
                second = [p + step if not p & step else lanes + p for p in range(lanes)]
                matrix[i], matrix[i + step] = (self.shuffle(upper, lower, order) for order in (first, second))
            step //= 2
        return matrix

    def first(self, value: Value, lanes: int) -> Value:
        """The first lanes of a vector."""
        return value if value.type.count == lanes else self.shuffle(value, value, range(lanes))
