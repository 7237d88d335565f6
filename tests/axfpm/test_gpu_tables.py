"""Tables of what was measured on a GPU."""

import pytest

from axfpm.gpu_tables import ROW, gpu_row, gpu_tables
from axfpm.pages import END, ON_GPU, brought_up_to_date


def product(multiplier, shape, gmacs, ceiling=None):
    share = None if ceiling is None else gmacs / ceiling
    return {
        "multiplier": multiplier, "shape": shape, "gmacs": gmacs, "ratio": 6.94, "ceiling": ceiling, "share": share,
    }  # fmt: skip


@pytest.fixture
def found():
    network = {
        "network": "toy-digits", "images": 12000, "gpu_s": 0.002, "cpu_s": 0.05, "same_bits": True, "step_ms": 7.48,
        "unrecorded_step_ms": 31.06, "step_images": 900,
        "attacked": {"images": 300, "attack": "PGD", "gpu_s": 4.0, "cpu_s": 10.0},
    }  # fmt: skip
    machine = {"gpu": {"name": "G 1"}, "torch": "2", "triton": "3"}
    rows = [product("ax-fpm", "gemm 4096", 3000.0, 4000.0), product("ax-fpm-wrap", "gemm 2048", 10.0)]
    return {
        "bench": {"machine": machine, "rows": [*rows, product("ax-fpm", "gemm 32", 1.0, 4000.0)]},
        "evaluation": {"multiplier": "ax-fpm", "machine": {"cpu_threads": 8}, "rows": [network]},
    }


def test_products_and_networks(found):
    lines = gpu_tables(found).splitlines()
    assert lines[0].startswith("On an G 1, torch 2, Triton 3, `axfpm bench --device cuda --large`")
    assert lines[4:6] == [
        "| ax-fpm | gemm 4096 | 3,000 | 6.9 | 4,000 | 0.75 |",
        "| ax-fpm-wrap | gemm 2048 | 10 | 6.9 | - | - |",
    ]
    assert "against 8 threads or processes" in gpu_tables(found)
    assert (
        lines[-1] == "| toy-digits | 12,000: 2.0 ms, 50 ms | 25 | yes | 900: 7.5 ms, 31.1 ms | PGD, 300 images | 2.5 |"
    )
    found["evaluation"]["rows"][0]["same_bits"] = False
    assert "| 25 | **no** |" in gpu_tables(found)


def test_row_of_readme(found):
    text = gpu_row(f"| other |\n{ROW} | old |\nrest\n", found)
    assert text.startswith(f"| other |\n{ROW} (`pip install") and text.endswith(" |\nrest\n")
    assert "3.0 10^12 products a second on an G 1, 0.75 of the ceiling" in text and "old" not in text
    assert "8 CPU threads faster by 25 times (12,000 test images, toy-digits), in the same bits, and under PGD" in text
    assert "by 2.5 times (300) |" in text
    assert gpu_row(text, found) == text


def test_the_page(found, monkeypatch):
    monkeypatch.setattr("axfpm.pages.measured_gpu", lambda: found)
    text = brought_up_to_date("docs/emulation.md", f"before\n{ON_GPU}\nold\n{END}\nafter\n", {})
    assert text == f"before\n{ON_GPU}\n\n{gpu_tables(found)}\n\n{END}\nafter\n"
