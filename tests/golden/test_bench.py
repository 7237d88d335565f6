"""The benchmark's rows: what they say, and that a run leaves torch as it was."""

from __future__ import annotations

import json

import pytest
import torch

from golden.bench import SHAPES, Shape, cifar_alexnet, port_bound, run_bench
from golden.catalogue import multiplier
from golden.kernels.body import instance
from golden.kernels.directed import Avx2, Avx512
from golden.kernels.double import Double


def test_run_bench() -> None:
    before = torch.get_num_threads()
    lines: list[tuple[int, int, str]] = []
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(72, 3))
    result = run_bench(
        progress=lambda *line: lines.append(line),
        multipliers=["ax-fpm", "ax-fpm:cell=AMA1"],
        threads=[1, 2],
        shapes=[Shape("product", (3, 17, 5)), Shape("convolution", (2, 1, 8, 8, 3, 3, 1, 2))],
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
    named = {entry["kernel"] for entry in result["not_run"]} | set(result["machine"]["kernels"])
    assert named == {"avx512", "avx2", "portable", "tables", "plain"}


def test_port_bound() -> None:
    m = multiplier("ax-fpm")
    assert port_bound(instance(Avx512, m), m) == 3  # 3.0 cycles against one for 16 products: arithmetic.md section 6
    assert port_bound(instance(Avx2, m), m) == 4
    assert port_bound(instance(Double, m), m) == 5
    assert port_bound(None, m) is None


def test_shapes_and_network() -> None:
    assert {len(shape.sizes) for group in SHAPES.values() for shape in group} == {3, 8}
    assert cifar_alexnet()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
