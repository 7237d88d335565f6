"""Kernels in a process: threads, floating-point environment, caches of weights and of code."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from kernel_cases import chosen, force, operands, plain_matmul, usable

from golden import kernels, sums
from golden.catalogue import multiplier
from golden.kernels import pool
from golden.kernels.bodies import BODIES
from golden.kernels.bodies.body import Body
from golden.kernels.environment import default_environment

M = multiplier("ax-fpm")


@pytest.fixture
def divided(monkeypatch: pytest.MonkeyPatch):
    """Small layers are divided among threads too."""
    monkeypatch.setattr(pool, "SMALL", 0)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def flush_denormal():
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU cannot flush subnormals")
    yield
    torch.set_flush_denormal(False)


@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize("accumulate", ["float32", "float64"])
@pytest.mark.parametrize("kernel", ["", "portable"])
def test_results_do_not_depend_on_threads_or_batch(
    accumulate: str, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXFPM_KERNEL", kernel)
    rng = np.random.default_rng(11)
    x, w = operands("relu", (70, 600), rng), operands("normal", (600, 45), rng)
    image, weight = operands("relu", (11, 4, 7, 9), rng), operands("normal", (10, 4, 3, 3), rng)
    settings = ((1, 1), (1, 1), (1, 1), 1)
    results = []
    for count in (1, 2, 3, 8):
        torch.set_num_threads(count)
        assert pool.threads() == count
        whole = kernels.conv2d(image, weight, None, *settings, M, accumulate)
        single = [kernels.conv2d(image[i : i + 1], weight, None, *settings, M, accumulate) for i in range(len(image))]
        assert np.array_equal(whole, np.concatenate(single))
        rows = [kernels.matmul(x[i : i + 5], w, None, M, accumulate) for i in range(0, 70, 5)]
        results.append((kernels.matmul(x, w, None, M, accumulate), whole))
        assert np.array_equal(results[-1][0], np.concatenate(rows))
    for product, whole in results[1:]:
        assert np.array_equal(product, results[0][0])
        assert np.array_equal(whole, results[0][1])


@pytest.mark.usefixtures("divided")
def test_several_python_threads_at_once() -> None:
    torch.set_num_threads(2)
    rng = np.random.default_rng(12)
    jobs = [(operands("relu", (33, 40), rng), operands("normal", (40, 50), rng)) for _ in range(24)]
    expected = [plain_matmul(x, w, None, M, "float32") for x, w in jobs]
    with ThreadPoolExecutor(6) as executor:
        got = list(executor.map(lambda job: kernels.matmul(job[0], job[1], None, M, "float32"), jobs * 3))
    assert all(np.array_equal(a.view(np.uint32), b) for a, b in zip(got, expected * 3, strict=True))


def test_an_error_in_a_task_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "threads", lambda: 3)

    def fail() -> None:
        raise ArithmeticError("from a task")

    for tasks in ([fail] * 6, [lambda: None] * 5 + [fail]):
        with pytest.raises(ArithmeticError, match="from a task"):
            pool.run_all(tasks)


def test_no_task_outlives_its_call(monkeypatch: pytest.MonkeyPatch) -> None:
    # What tasks write to belongs to the caller, who may be interrupted.
    monkeypatch.setattr(pool, "threads", lambda: 2)
    caller, both, finished = threading.get_ident(), threading.Barrier(2), []

    def task() -> None:
        both.wait(timeout=30)
        if threading.get_ident() == caller:
            raise KeyboardInterrupt
        time.sleep(0.3)
        finished.append(True)

    begun: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        pool.run_all([task, task, lambda: begun.append(True)])
    assert finished
    assert not begun


FLUSHED = ("ax-fpm", "exact", "bf16", "ax-fpm-wrap", "mitchell", "ax-fpm:cell=AMA1")


@pytest.mark.usefixtures("flush_denormal", "divided")
@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param(name, body, id=f"{name}-{body.name if body else 'plain'}")
        for name in FLUSHED
        for body in (*(body for body in BODIES if usable(body, multiplier(name))), None)
    ],
)
def test_flush_denormal_changes_nothing(name: str, body: type[Body] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Products around 2^-107 start from their negatives, some units in the last place off: the sums are subnormal, which
    # FTZ would lose.
    m = multiplier(name)
    if body is None:
        monkeypatch.setenv("AXFPM_KERNEL", "plain")
    else:
        force(monkeypatch, body)
    rng = np.random.default_rng(15)
    x = (1 + rng.random((1, 2))).astype(np.float32)
    w = ((1 + rng.random((2, 40))) * 2.0**-107).astype(np.float32)
    with default_environment():
        product = plain_matmul(x[:, :1], w[:1], None, m, "float32")[0]
    bias = -(product + rng.integers(1, 5, 40).astype(np.uint32)).view(np.float32)
    subnormal = plain_matmul(x[:, :1], w[:1], bias, m, "float32") & np.uint32(0x7FFFFFFF)
    assert ((subnormal > 0) & (subnormal < 0x00800000)).all()
    for depth in (1, 2):
        for accumulate in ("float32", "float64"):
            got = kernels.matmul(x[:, :depth], w[:depth], bias, m, accumulate).view(np.uint32)
            assert np.array_equal(got, plain_matmul(x[:, :depth], w[:depth], bias, m, accumulate))
    assert chosen(name, x, w, bias) is body
    assert float(torch.tensor(2.0**-126) * torch.tensor(0.5)) == 0.0  # the caller's setting is as it was


def test_default_environment_is_restored() -> None:
    tiny, half = np.float32(2.0**-126), np.float32(0.5)
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU cannot flush subnormals")
    try:
        assert tiny * half == 0
        with default_environment():
            assert tiny * half > 0
        assert tiny * half == 0
    finally:
        torch.set_flush_denormal(False)


# Weights


def test_edits_in_place_are_seen() -> None:
    rng = np.random.default_rng(13)
    x = torch.from_numpy(operands("relu", (3, 8), rng))
    layer = torch.nn.Linear(8, 5)
    image, conv = torch.from_numpy(operands("relu", (2, 3, 6, 6), rng)), torch.nn.Conv2d(3, 4, 3)

    def both() -> tuple[torch.Tensor, torch.Tensor]:
        product = sums.linear(x, layer.weight, multiplier="ax-fpm")
        return product, sums.conv2d(image, conv.weight, multiplier="ax-fpm")

    first = both()
    assert all(torch.equal(a, b) for a, b in zip(first, both(), strict=True))
    versions = layer.weight._version, conv.weight._version
    layer.weight.data[2, 3] *= 1.5
    conv.weight.data.numpy()[1, 2, 0, 1] += 0.25  # no version counter sees this
    assert conv.weight._version == versions[1]
    second = both()
    assert not torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])
    fresh = sums.linear(x, layer.weight.detach().clone(), multiplier="ax-fpm")
    assert torch.equal(second[0], fresh)
    assert torch.equal(second[1], sums.conv2d(image, conv.weight.detach().clone(), multiplier="ax-fpm"))


# Code


SCRIPT = """
import sys, time
start = time.perf_counter()
import numpy as np, golden.kernels
assert not {"numba", "llvmlite", "torch"} & set(sys.modules), "imported too early"
from golden.sums import matmul
x = np.ones((3, 3), np.float32)
out = matmul(x, x)
print(float(out[0, 0]), time.perf_counter() - start)
"""


def _run(cache: Path) -> tuple[float, float]:
    environment = {"AXFPM_CACHE": str(cache), "PATH": "", "HOME": "/nonexistent", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True, timeout=100
    )
    value, seconds = done.stdout.split()
    return float(value), float(seconds)


def test_compiled_code_is_cached_on_disk(tmp_path: Path) -> None:
    assert _run(tmp_path)[0] == 6.0
    files = sorted((tmp_path / "kernels").iterdir())
    assert files
    stamps = [file.stat().st_mtime_ns for file in files]
    assert _run(tmp_path)[0] == 6.0
    assert [file.stat().st_mtime_ns for file in files] == stamps
    contents = [file.read_bytes() for file in files]
    half = [len(content) // 2 for content in contents]
    for harm in (
        [content[:100] for content in contents],  # cut short, as by a full disk
        [b"[1]" for _ in contents],
        # One bit of the code: run, it would crash or compute something else.
        [c[:h] + bytes([c[h] ^ 16]) + c[h + 1 :] for c, h in zip(contents, half, strict=True)],
    ):
        for file, content in zip(files, harm, strict=True):
            file.write_bytes(content)
        assert _run(tmp_path)[0] == 6.0
        assert [file.read_bytes() for file in files] == contents


def test_unusable_cache_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert _run(tmp_path / "file" / "below")[0] == 6.0


def test_compiling_from_many_threads() -> None:
    m = multiplier("ax-fpm:block=6,carry=widen")
    x = np.ones((2, 2), np.float32)
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.append(kernels.matmul(x, x, None, m, "float32"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(result, results[0]) for result in results)
