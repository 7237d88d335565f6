"""A PyTorch model of your own on an approximate multiplier: clean, attacked, audited.

Run: python examples/judge_my_model.py [MULTIPLIER] [--audit]     (ax-fpm by default; needs axfpm[nn])
"""

import sys

import torch
from torch import nn

import axfpm
from golden.cnn.data import load

EPS = 0.1  # L-infinity, pixels in [0, 1]


def trained_model(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A small network, trained exactly: the multiplier takes no part. Put yours here."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(),
        nn.Linear(16 * 5 * 5, 10),
    )  # fmt: skip
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(4):
        for batch in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimiser.step()
    return model.eval()


def main() -> None:
    """Train, run on the multiplier, attack with and without knowing it, audit."""
    multiplier = next((word for word in sys.argv[1:] if word != "--audit"), "ax-fpm")
    x, y = (torch.from_numpy(part) for part in load("digits", "train"))
    model = trained_model(x, y)
    x, y = (torch.from_numpy(part[:30]) for part in load("digits", "test"))

    print(axfpm.coverage(model, x[:1], multiplier).table())  # which products run on it
    with torch.no_grad(), axfpm.approximate(multiplier):
        right = int((model(x).argmax(1) == y).sum())
    print(f"on {multiplier} {right} of {len(y)} images are classified correctly\n")

    # twin: examples made for the exact network. white-box: made on the multiplier itself, bit for bit.
    results = axfpm.evaluate(
        model, x, y, multiplier=multiplier, attacks=f"pgd:eps={EPS}", threat_models=("twin", "white-box"), control=None
    )
    print(results.table())

    # What a reviewer of a claimed defence asks, in minutes. A failure under "masking": the attack above proves nothing.
    if "--audit" in sys.argv:
        print(axfpm.audit(model, x[:10], y[:10], multiplier=multiplier, eps=EPS).table())


if __name__ == "__main__":
    main()
