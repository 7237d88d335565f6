"""Emulation speed against exact torch: prints a table, and writes JSON on request.

    python benchmarks/emulation.py [--full] [--large] [--multiplier NAME ...] [--threads N ...] [-o FILE]

Shapes and families are those of ``golden.bench``; the networks are LeNet-5 on a batch of digits and the CIFAR AlexNet
that ``golden.bench.cifar_alexnet`` describes, with random weights. LeNet-5 takes 10 000 images with ``--full``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

# torch's OpenMP threads spin between calls by default, and would take the cores from the emulation they are timed with.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from golden.bench import cifar_alexnet, run_bench
from golden.cnn.models import build


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="larger shapes, slow families, longer medians")
    parser.add_argument("--large", action="store_true", help="matrix products up to 4096^3")
    parser.add_argument("--multiplier", action="append", help="what to time; repeatable")
    parser.add_argument("--threads", type=int, action="append", help="threads; repeatable; 1 and 2 by default")
    parser.add_argument("-o", "--output", type=Path, help="JSON file")
    options = parser.parse_args()

    torch.manual_seed(0)
    images = 10_000 if options.full else 250
    networks = {
        f"LeNet-5, {images} images": (build("lenet5"), torch.rand(images, 1, 28, 28)),
        "CIFAR AlexNet, 32 images": (cifar_alexnet(), torch.rand(32, 3, 32, 32)),
    }
    result = run_bench(
        not options.full,
        lambda line: print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True),
        multipliers=options.multiplier,
        threads=options.threads or (1, 2),
        networks=networks,
        large=options.large,
    )
    print("\r\033[K", end="", file=sys.stderr)
    titles = f"{'threads':>7} {'GMAC/s':>8} {'exact':>8} {'ratio':>7} {'bound':>6}"
    print(f"{'shape':28} {'multiplier':18} {'kernel':10} {titles}")
    for row in result["rows"]:
        bound = "-" if row["bound"] is None else f"{row['bound']:.1f}"
        print(
            f"{row['shape']:28} {row['multiplier']:18} {row['kernel']:10} {row['threads']:7d} {row['gmacs']:8.2f} "
            f"{row['torch_gmacs']:8.2f} {row['ratio']:7.2f} {bound:>6}"
        )
    for entry in result["not_run"]:
        print(f"not run: {entry['kernel']} ({entry['reason']})")
    if options.output:
        options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
