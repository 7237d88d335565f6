"""Compiles kernels for this machine, and keeps the object code on disk."""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from golden.cache import Cache

__all__ = ["assembly", "compile_function", "cpu_features"]

_LOCK = threading.Lock()
_CODE = Cache("kernels")
_ENGINES: list[Any] = []  # compiled code lives as long as its engine


@cache
def cpu_features() -> frozenset[str]:
    """LLVM's names of this CPU's features: ``avx2``, ``fma``, ``avx512f``, ``neon``."""
    return frozenset(name for name, present in llvm.get_host_cpu_features().items() if present)


def _host() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3, jit=True)


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
    host = (llvmlite.__version__, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), machine.triple)
    return hashlib.sha256("\0".join((*host, text)).encode()).hexdigest()


def compile_function(text: str, name: str) -> Callable[[bytes], None]:
    """Compile a module for this machine, or take it from the cache, and return one of its functions.

    Parameters
    ----------
    text : str
        LLVM IR.
    name : str
        A function ``void name(const int64_t *)``.

    Returns
    -------
    callable
        Takes the arguments, packed; runs without the interpreter's lock.
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
        address = engine.get_function_address(name)
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
