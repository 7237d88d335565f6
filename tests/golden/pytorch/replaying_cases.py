"""A small network, its passes, and a record that needs no GPU."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from golden.pytorch.recordings import Passes


class Works:
    """A record that does work again, in the mode of gradients that it was recorded in, and counts."""

    def __init__(self) -> None:
        self.replays = 0

    def __call__(self, work: Any) -> Any:
        recording, result = torch.is_grad_enabled(), work()

        def replay() -> None:
            self.replays += 1
            with torch.set_grad_enabled(recording):
                found = work()
            with torch.no_grad():
                result.detach().copy_(found)

        return replay, result


def network(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    layers = (nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 5))
    return nn.Sequential(*layers).eval().requires_grad_(False)


def images(number: int = 4, seed: int = 0) -> Tensor:
    return torch.rand(number, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def passed(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Logits, and a gradient to the input."""
    x = x.clone().requires_grad_()
    y = module(x)
    return y.detach(), torch.autograd.grad(y.square().sum(), x)[0]


def same(found: Any, expected: Any) -> bool:
    return all(torch.equal(a.view(torch.int32), b.view(torch.int32)) for a, b in zip(found, expected, strict=True))


def used_recordings(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each recording from now on, whether it repeats its pass, and so is used."""
    used: list[bool] = []
    give = Passes.give

    def given(passes: Passes, x: Tensor, expected: list[Tensor]) -> bool:
        used.append(give(passes, x, expected))
        return used[-1]

    monkeypatch.setattr(Passes, "give", given)
    return used


class Shifted(nn.Module):
    """A model that makes a tensor and does not say where."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) - torch.tensor([0.5])
