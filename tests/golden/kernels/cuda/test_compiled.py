"""Kernels as compiled for GPUs, without one: the text of what the host would launch."""

# pyright: reportMissingImports=false
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton is not installed: pip install 'axfpm[gpu]'")
pytest.importorskip("torch")

import torch
import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from golden.catalogue import multiplier
from golden.kernels.cuda import matrices, streams
from golden.kernels.cuda.families import family as family_of
from golden.kernels.cuda.launch import WARPS
from golden.speed.gpu import INSTRUCTIONS, OPERATIONS

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="the interpreter compiles nothing"),
]

FAMILIES = (
    "ax-fpm", "ax-fpm-widen", "exact", "exact-trunc", "bf16", "bf16-trunc", "ax-bf16",
    "ax-bf16:carry=widen,operands=nearest", "mitchell", "ax-fpm-wrap", "ax-fpm:cell=AMA1",
)  # fmt: skip
CAPABILITIES = (80, 89, 90)
TOOLS = Path(str(triton.__file__)).parent / "backends/nvidia/bin"


@pytest.fixture
def launched(monkeypatch, tmp_path):
    """What a product launches, compiled: ``launched(m, capability, ...)`` -> name of a kernel -> compiled."""
    calls = []
    monkeypatch.setattr(knobs.cache, "dir", str(tmp_path / "cache"))
    for module in (matrices, streams):
        monkeypatch.setattr(module, "launch", lambda kernel, programs, *a, **c: calls.append((kernel, a, c)))

    def compiled(m, capability, rows=256, columns=256, accumulate="float32", bias=True):
        calls.clear()
        x, w = torch.zeros(rows, 64), torch.zeros(64, columns)
        matrices.matmul(x, w, torch.zeros(columns) if bias else None, m, accumulate)
        return {kernel.__name__: build(kernel, a, c, capability) for kernel, a, c in calls}

    return compiled


def build(kernel, arguments, constants, capability):
    """As Triton's launcher would compile it for these arguments."""
    given = {**dict(zip(kernel.arg_names, arguments, strict=False)), **constants}
    declared = {p.name for p in kernel.params if p.is_constexpr}
    signature, fixed, attributes = {}, {}, {}
    for i, name in enumerate(kernel.arg_names):
        value = given[name]
        if name in declared or value is None or (not isinstance(value, torch.Tensor) and value == 1):
            signature[name], fixed[name] = "constexpr", value
            continue
        if isinstance(value, torch.Tensor):
            signature[name] = {torch.float32: "*fp32", torch.int32: "*i32"}[value.dtype]
            aligned = True
        else:
            signature[name], aligned = ("i32" if value < 1 << 31 else "i64"), value % 16 == 0
        if aligned:
            attributes[(i,)] = [["tt.divisibility", 16]]
    source = ASTSource(kernel, signature, fixed, attributes)
    options = {"num_warps": WARPS, "enable_fp_fusion": False}
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


def instructions(compiled, folder):
    """Machine instructions, and where labels stand."""
    (folder / "kernel.cubin").write_bytes(compiled.asm["cubin"])
    command = [TOOLS / "nvdisasm", "-c", folder / "kernel.cubin"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found, labels = [], {}
    for line in text.splitlines():
        if label := re.match(r"\s*(\.L_\w+):", line):
            labels[label[1]] = len(found)
        elif code := re.search(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?(.*?)\s*;", line):
            found.append(code[1])
    return found, labels


def loop(compiled, folder):
    """Opcodes of the innermost loop with the most instructions."""
    code, labels = instructions(compiled, folder)
    spans = [
        (labels[target[1]], i)
        for i, line in enumerate(code)
        if (target := re.search(r"BRA\b.*?(\.L_\w+)", line)) and labels.get(target[1], i) < i
    ]
    start, end = max(spans, key=lambda span: span[1] - span[0])
    return [line.split()[0] for line in code[start : end + 1]]


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("name", ["ax-fpm", "ax-fpm-widen"])
def test_instructions_of_a_product(launched, tmp_path, name, capability):
    opcodes = loop(launched(multiplier(name), capability)["lanes"], tmp_path)
    count = Counter(opcodes)
    products = count["FMUL.RZ"]
    # 128 x 64 sums on four warps: 64 products of each thread for one term, whatever else is unrolled.
    assert products and products % 64 == 0
    expected = {"FMUL.RZ": 1, "FFMA.RZ": 1, "FADD.RZ": 1, "FFMA": 1, "FADD": 1}
    assert {key: count[key] / products for key in expected} == expected
    blends = count["LOP3.LUT"] / products
    assert blends == 1 if name == "ax-fpm" else blends < 0.1
    assert len(opcodes) / products <= (7.1 if name == "ax-fpm" else 6.1)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_nothing_spills_and_nothing_flushes(launched, tmp_path, capability):
    wrong = []
    sizes = [(name, 256, 256) for name in FAMILIES] + [("ax-fpm", 8, 256), ("ax-fpm", 256, 8), ("ax-fpm", 8, 8)]
    for name, rows, columns in sizes:
        for kernel, compiled in launched(multiplier(name), capability, rows, columns).items():
            code, _ = instructions(compiled, tmp_path)
            # Divisions of integers flush on their way, by F2I.FTZ and others; sums and products may not.
            bad = [line for line in code if re.match(r"(STL|LDL)|(FMUL|FADD|FFMA|MUFU)\S*\.FTZ", line)]
            bad += re.findall(r"\S+\.ftz\S*", compiled.asm["ptx"])
            wrong += [(name, kernel, rows, columns, bad[0])] if bad else []
    assert wrong == []


def test_one_of_each_operation_in_the_text_of_a_product(launched):
    """As many of each as a thread has sums: nothing is computed twice, or for no sum."""
    text = launched(multiplier("ax-fpm"), 80)["lanes"].asm["ptx"]
    count = Counter(re.findall(r"\b(mul\.rz|fma\.rz|add\.rz|fma\.rn|lop3\.b32)(?:\.f32)?\b", text))
    assert count["mul.rz"] == count["fma.rz"] == count["add.rz"] == count["fma.rn"] == 64
    assert text.count("0xFF800000, 0xE4") == 64


def test_sums_of_rounded_products_are_not_contracted(launched, tmp_path):
    count = Counter(loop(launched(multiplier("exact"), 90)["lanes"], tmp_path))
    assert count["FMUL"] == count["FADD"] >= 64 and count["FFMA"] == 0


def test_the_ceilings_of_the_benchmark_count_these_instructions(launched, tmp_path):
    found, operations = {}, {}
    for name in FAMILIES:
        family = family_of(multiplier(name))
        if family is not None:
            opcodes = loop(launched(multiplier(name), 90, bias=False)["lanes"], tmp_path)
            found[family.name] = len(opcodes) / 64
            floating = sum(opcode.split(".")[0] in ("FMUL", "FADD", "FFMA") for opcode in opcodes)
            operations[family.name] = floating / 64
    assert found == pytest.approx(INSTRUCTIONS, abs=0.1)
    assert operations == OPERATIONS


def test_float64_sums_compile(launched):
    for name in ("ax-fpm", "ax-fpm-wrap", "bf16"):
        assert launched(multiplier(name), 90, accumulate="float64", bias=False)
