"""Small calls, and two networks made of them, against exact torch: the table in docs/emulation.md.

    python benchmarks/small_calls.py [--multiplier NAME ...] [--threads N ...] [--json]

ViT-tiny (192 features, 12 layers, 3 heads, patches of 16) and MobileNetV2 (width 1.0) are those of the package
transformers, built from their configurations with random weights; each takes 8 images of 3 x 224 x 224.
"""

from __future__ import annotations

import json
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: its threads would spin between calls

import click
import torch
from torch import nn

from axfpm.console import print_table
from golden.speed import COLUMNS, SHAPES, run_bench, table_rows


class Logits(nn.Module):
    """A model of transformers that returns plain logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.model(x).logits


def transformers_networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    from transformers import (
        MobileNetV2Config,
        MobileNetV2ForImageClassification,
        ViTConfig,
        ViTForImageClassification,
    )

    torch.manual_seed(0)
    images = torch.rand(8, 3, 224, 224)
    tiny = ViTConfig(hidden_size=192, num_hidden_layers=12, num_attention_heads=3, intermediate_size=768)
    return {
        "ViT-tiny, 8 images": (Logits(ViTForImageClassification(tiny)), images),
        "MobileNetV2, 8 images": (Logits(MobileNetV2ForImageClassification(MobileNetV2Config())), images),
    }


@click.command()
@click.option("--multiplier", "multipliers", multiple=True, default=("ax-fpm",))
@click.option("--threads", multiple=True, type=int, default=(1, 2))
@click.option("--json", "as_json", is_flag=True)
def main(multipliers: tuple[str, ...], threads: tuple[int, ...], as_json: bool) -> None:
    networks = transformers_networks()
    result = run_bench(multipliers=multipliers, threads=threads, shapes=SHAPES["small"], networks=networks)
    if as_json:
        click.echo(json.dumps(result, indent=1))
    else:
        print_table("Small calls", COLUMNS, table_rows(result["rows"]))


if __name__ == "__main__":
    main()
