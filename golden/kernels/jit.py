"""Compiles kernels for this machine, and keeps the object code on disk.

``AXFPM_CPU`` narrows the machine to one of the x86-64 levels that compilers and distributions know, so that one machine
runs every dialect of the kernels that it has; it is read once in a process.
"""

from __future__ import annotations

import hashlib
import os
import threading
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from golden.cache import Cache
from golden.errors import InvalidInput
from golden.registry import did_you_mean

__all__ = ["LEVELS", "Code", "assembly", "compile_code", "cpu_features", "cpu_name"]

LEVELS = {
    "x86-64": frozenset({"sse2"}),
    "x86-64-v3": frozenset({"sse2", "avx", "avx2", "fma"}),
    "x86-64-v4": frozenset({"sse2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
}
"""What ``AXFPM_CPU`` accepts (LLVM's names too) -> those of the level's features that tell kernels apart."""
_LOCK = threading.Lock()
_CODE = Cache("kernels")
_ENGINES: list[Any] = []  # compiled code lives as long as its engine


@cache
def _level() -> str | None:
    level = os.environ.get("AXFPM_CPU") or None
    if level is None:
        return None
    if level not in LEVELS:
        raise InvalidInput(f"AXFPM_CPU={level!r} names no level; {did_you_mean(level, LEVELS)} (or unset it)")
    missing = sorted(LEVELS[level] - _present())
    if missing:
        raise InvalidInput(f"AXFPM_CPU={level!r} asks for {', '.join(missing)}, which this CPU lacks; unset it")
    return level


def _present() -> frozenset[str]:
    return frozenset(name for name, present in llvm.get_host_cpu_features().items() if present)


@cache
def cpu_features() -> frozenset[str]:
    """LLVM's names of the features that kernels may use: ``avx2``, ``fma``, ``avx512f``, ``neon``.

    Raises
    ------
    InvalidInput
        If AXFPM_CPU names no level, or one that this CPU does not reach.
    """
    level = _level()
    return _present() if level is None else LEVELS[level]


def cpu_name() -> str:
    """LLVM's name of the CPU that kernels are compiled for: this one, or the level that AXFPM_CPU narrows it to."""
    return _level() or llvm.get_host_cpu_name()


def _features() -> str:
    # A level brings its own; the name of a CPU does not tell what a virtual machine hides of it.
    return "" if _level() else llvm.get_host_cpu_features().flatten()


def _host() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(cpu=cpu_name(), features=_features(), opt=3, jit=True)


def _optimise(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    module = llvm.parse_assembly(text)
    module.verify()
    # Unrolling and vectorising are the generator's business: it knows the registers it wants to fill.
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = False
    options.loop_vectorization = False
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


def assembly(text: str, *, cpu: str, triple: str = "x86_64-unknown-linux-gnu") -> str:
    """The assembly that a module becomes on another CPU; nothing is run.

    Parameters
    ----------
    text : str
        LLVM IR.
    cpu, triple : str
        LLVM's names of the processor and of the system.
    """
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3)
    return machine.emit_assembly(_optimise(text, machine))


def _key(text: str, machine: llvm.TargetMachine) -> str:
    host = (llvmlite.__version__, cpu_name(), _features(), machine.triple)
    return hashlib.sha256("\0".join((*host, text)).encode()).hexdigest()


class Code:
    """A compiled function ``void name(const int64_t *)``."""

    def __init__(self, address: int) -> None:
        self.address = address


def compile_code(text: str, name: str) -> Code:
    """Compile a module for this machine, or take it from the cache, and return one of its functions.

    Parameters
    ----------
    text : str
        LLVM IR.
    name : str
        The function's symbol.
    """
    with _LOCK:
        machine = _host()
        key = _key(text, machine)
        code = _CODE.get(key)
        if code is None:
            code = machine.emit_object(_optimise(text, machine))
            _CODE.put(key, code)
        empty = llvm.parse_assembly("")
        empty.triple = machine.triple
        engine = llvm.create_mcjit_compiler(empty, _host())
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        _ENGINES.append(engine)
        return Code(engine.get_function_address(name))
