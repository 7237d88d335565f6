"""One thread per test process: small layers gain nothing from more, and processes that share cores lose much."""

import pytest
import torch

from golden.cnn import checkpoint as checkpoints, data
from golden.robustness import presets
from golden.robustness.preset import stage
from golden.robustness.records import to_lines
from golden.robustness.results import Results
from golden.robustness.row_types import EXACT, Clean, Suite, UnderAttack
from golden.robustness.statistics import Proportion
from golden.robustness.targets import Fitted


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def small_results():
    """Two targets of one network, eight images."""
    clean = (
        Clean(EXACT, False, Proportion(8, 8), Proportion(8, 8), 0.9, "m", 0, "exact"),
        Clean("e8m2", True, Proportion(7, 8), Proportion(7, 8), 0.95, "m", 0),
    )
    case = ("twin", "fgsm:eps=0.1", "linf", 0.1)
    attacked = (
        UnderAttack(*case, EXACT, False, Proportion(5, 8), None, Proportion(3, 8), "m", 0),
        UnderAttack(
            *case, "e8m2", True, Proportion(5, 8), Proportion(0, 0), Proportion(1, 8), "m", 0, median_distance=0.1
        ),
    )
    suites = (Suite("twin", "linf", 0.1, "e8m2", "m", 0, Proportion(1, 8), 1, "40"),)
    settings = {
        "model": "m",
        "samples": 8,
        "data": "d",
        "seed": 0,
        "threat_models": {"twin": "crafted elsewhere"},
        "left_out": ["pgd in query: its attacker has no gradients"],
    }
    return Results(settings, clean, attacked, suites)


@pytest.fixture(scope="module")
def tiny_preset():
    """A preset of seconds that is known for as long as a module's tests run."""
    preset = presets.Preset(
        "tiny",
        "digits",
        "lenet5",
        8,
        (
            stage("twin", ("fgsm:eps=0.1", "ddn:steps=5"), ("ax-fpm", "companding", "noise:draw=1"), scales=(1.1,)),
            stage("white-box", ("fgsm:eps=0.1",), (EXACT, "ax-fpm", "ax-fpm+clamp"), brittleness=True),
            stage("white-box", ("fgsm:eps=0.1", "fgsm:eps=0.2"), (EXACT,), samples=4, extra=True),
        ),
        clean=("ax-fpm",),
        controls=("companding",),
        budgets={"linf": 0.1},
        subjects=("ax-fpm", "ax-fpm+clamp"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS._entries, "tiny", preset)
        yield preset


@pytest.fixture(scope="module")
def whole_file(tiny_preset, tmp_path_factory):
    """The results of that preset, as a file."""
    from golden.robustness.runs import run

    path = tmp_path_factory.mktemp("tiny") / "tiny.jsonl"
    path.write_text(to_lines(run(tiny_preset.name, cache=False)))
    return path


@pytest.fixture(scope="module")
def digits():
    """LeNet-5 on digits, what targets are fitted on, and 64 test images."""
    model = checkpoints.load("lenet5-digits")[0].requires_grad_(False)
    return (
        model,
        Fitted(torch.from_numpy(data.load("digits", "train")[0][:128])),
        torch.from_numpy(data.load("digits")[0][:64]),
    )
