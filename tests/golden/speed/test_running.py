"""The benchmark's rows: what they say, and that a run leaves torch as it was."""

from __future__ import annotations

import json

import pytest
import torch

from golden.catalogue import multiplier
from golden.kernels.bodies.body import instance
from golden.kernels.bodies.float64_lanes import Double
from golden.kernels.bodies.toward_zero import Avx2, Avx512
from golden.speed import SHAPES, Shape, cifar_alexnet, operations, run_bench


def test_run_bench() -> None:
    before = torch.get_num_threads()
    lines: list[tuple[int, int, str]] = []
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(72, 3))
    result = run_bench(
        progress=lambda *line: lines.append(line),
        multipliers=["ax-fpm", "ax-fpm:cell=AMA1"],
        threads=[1, 2],
        shapes=[Shape("product", (3, 17, 5)), Shape("convolution", (2, 1, 8, 8, 3, 3, 1, 2, 1))],
        networks={"network": (network, torch.rand(5, 1, 8, 8))},
    )
    assert torch.get_num_threads() == before
    assert json.loads(json.dumps(result)) == result
    rows = result["rows"]
    assert len(rows) == len(lines) == 3 * 2 * 2
    assert lines[0] == (0, 12, "product, ax-fpm, 1 thread")
    assert [peak["threads"] for peak in result["peaks"]] == [1, 2]
    assert all(peak["gmacs"] > 0 and peak["gbytes"] > 0 for peak in result["peaks"])
    assert [row["bytes"] for row in rows[:6:2]] == [4 * (15 + 85 + 51), 4 * (2 * 64 + 27 + 2 * 3 * 16), None]
    assert [row["macs"] for row in rows[:6:2]] == [3 * 17 * 5, 2 * 3 * 16 * 9, 5 * (36 * 2 * 9 + 72 * 3)]
    assert {row["kernel"] for row in rows if row["multiplier"] == "ax-fpm:cell=AMA1"} == {"tables"}
    for row in rows:
        assert row["ratio"] == pytest.approx(row["torch_gmacs"] / row["gmacs"])
        assert row["gmacs"] > 0
        assert (row["scaling"] is None) == (row["threads"] == 1)
        assert (row["share"] is None) == (row["bound"] is None) == (row["kernel"] == "tables")
        if row["share"] is not None:
            peak = result["peaks"][row["threads"] - 1]["gmacs"]
            assert row["share"] == pytest.approx(row["gmacs"] * row["bound"] / peak)
    named = {entry["kernel"] for entry in result["not_run"]} | set(result["machine"]["kernels"])
    assert named == {"avx512", "avx2", "portable", "tables", "plain"}


def test_operations_are_counted_per_body() -> None:
    m = multiplier("ax-fpm")
    assert operations(instance(Avx512, m), m) == (5, 1)  # arithmetic.md section 6, and the sum
    assert operations(instance(Avx2, m), m) == (5, 3)
    assert operations(instance(Double, m), m) == (5, 5)
    assert operations(None, m) is None


def test_shapes_and_network() -> None:
    assert {len(shape.sizes) for group in SHAPES.values() for shape in group} == {3, 4, 9}
    assert cifar_alexnet()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
