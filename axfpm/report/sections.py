"""The sections of the report, in the order of its page: each runs its part of the project and says what came out."""

from __future__ import annotations

from collections.abc import Callable

from axfpm.report.emulation import TITLE as SPEED, speed
from axfpm.report.energy import TITLE as ENERGY, energy
from axfpm.report.hardware import TITLES as HARDWARE, network_on_hardware, simulation, synthesis
from axfpm.report.inference import TITLE as INFERENCE, inference
from axfpm.report.multiplier import TITLE as MULTIPLIER, arithmetic
from axfpm.report.robustness import TITLE as ROBUSTNESS, VERDICTS, robustness, verdict, verdict_on_cifar10
from axfpm.report.section import Scope, Section
from golden.progress import Progress

__all__ = ["CHAPTERS", "SECTIONS", "TITLES"]

SECTIONS: dict[str, Callable[[Scope, Progress], Section]] = {
    "arithmetic": arithmetic,
    "simulation": simulation,
    "hardware_network": network_on_hardware,
    "synthesis": synthesis,
    "energy": energy,
    "inference": inference,
    "speed": speed,
    "robustness": robustness,
    "verdict": verdict,
    "verdict_cifar10": verdict_on_cifar10,
}
"""In the order of the page; each takes the scope and a progress callable."""

TITLES = {
    "arithmetic": MULTIPLIER,
    **HARDWARE,
    "energy": ENERGY,
    "inference": INFERENCE,
    "speed": SPEED,
    "robustness": ROBUSTNESS,
    **VERDICTS,
}

CHAPTERS = {
    "Verdicts": ("claims",),
    "Multiplier": ("catalogue", "arithmetic"),
    "Hardware": ("simulation", "hardware_network", "synthesis"),
    "Energy": ("energy", "inference"),
    "Emulation": ("speed",),
    "Robustness": ("robustness", "verdict", "verdict_cifar10", "front"),
}
"""Sections by chapter of the page, those among them that are drawn up from the others (``axfpm.report.build``)."""
