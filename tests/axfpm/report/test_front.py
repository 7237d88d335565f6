import pytest

from axfpm.report import front as module
from axfpm.report.front import Measured, Point, Task, front


def point(target, energy, clean, robust, spread=0.01, multiplier=None):
    around = [Measured(value, value * (1 - spread), value * (1 + spread)) for value in (energy, clean, robust)]
    return Point(target, multiplier or target, *around)


SUBJECT = point("ax-fpm", 10.0, 0.8, 0.4)


@pytest.mark.parametrize(
    ("other", "beaten", "deal"),
    [
        (point("e8m2", 5.0, 0.9, 0.5), True, True),
        (point("e8m2", 5.0, 0.9, 0.5, spread=0.3), False, True),  # its accuracies reach over
        (point("e8m2", 9.0, 0.9, 0.5, spread=0.2), False, False),  # its energy too
        (point("e8m2", 5.0, 0.805, 0.5), False, True),  # clean accuracies are not told apart
        (point("e8m2", 5.0, 0.7, 0.5), False, False),
        (point("bf16", 20.0, 0.9, 0.5), False, False),
        (point("ax-fpm+calibrated", 10.0, 0.9, 0.5, multiplier="ax-fpm"), True, False),
    ],
)
def test_who_beats_whom(other, beaten, deal):
    assert other.beats(SUBJECT) is beaten
    assert other.is_a_better_deal(SUBJECT) is deal
    assert not SUBJECT.beats(other)


def test_the_sentence_that_follows():
    task = Task(
        "mnist", "twin", "linf", 0.1, "pJ", (SUBJECT, point("e8m2", 5.0, 0.9, 0.5), point("e8m1", 4.0, 0.8, 0.4))
    )
    assert task.sentence == (
        "2 of 3 targets are beaten by none in all three; ax-fpm is beaten in all three by e8m2; e8m2, e8m1 cost less "
        "and are worse in nothing that the intervals tell apart."
    )
    alone = Task("mnist", "twin", "linf", 0.1, "pJ", (SUBJECT, point("exact", 20.0, 0.9, 0.5)))
    assert alone.sentence.endswith("none beats ax-fpm in all three; none costs less and is worse in nothing.")
    assert Task("mnist", "twin", "linf", 0.1, "pJ", (point("e8m2", 5.0, 0.9, 0.5),)).sentence == (
        "1 of 1 targets are beaten by none in all three."
    )


@pytest.fixture
def files(monkeypatch):
    """One task, of which three targets have a known energy."""
    share = [{"k": 90, "n": 100}]

    def target(multiplier):
        return {"multiplier": multiplier, "clean": share, "robust": share}

    targets = {
        "exact torch": target(None),
        "ax-fpm": target("ax-fpm"),
        "ax-fpm+calibrated": target("ax-fpm"),
        "pgd-trained/ax-fpm": target("ax-fpm"),
        "noise": target(None),
    }
    task = {
        "preset": "toy",
        "model": "lenet5 (toy), lenet5 (toy-seed1)",
        "norm": "l2",
        "budget": 1.0,
        "targets": targets,
    }
    monkeypatch.setattr(module, "shipped_suites", lambda threat: [task] if threat == "twin" else [])
    monkeypatch.setattr(module, "measured_fronts", dict)
    module._tasks.cache_clear()
    yield
    module._tasks.cache_clear()


@pytest.mark.usefixtures("files")
def test_energies_of_an_inference_of_the_network_come_first(monkeypatch):
    asked = []

    def inferences(networks):
        asked.append(networks)
        return {"exact": Measured(9.0, 8.0, 10.0), "ax-fpm": Measured(6.0, 5.0, 7.0)}, "uJ an image"

    monkeypatch.setattr(module, "_of_inferences", inferences)
    made = front()
    assert asked == ["lenet5 (toy), lenet5 (toy-seed1)"]
    (task,) = made.data["tasks"]
    assert [p["target"] for p in task["points"]] == ["exact torch", "ax-fpm", "ax-fpm+calibrated"]
    assert [p["energy"]["value"] for p in task["points"]] == [9.0, 6.0, 6.0]
    assert task["points"][0]["clean"]["value"] == 0.9
    assert made.tables[0].rows[0][:3] == ("exact torch", "toy, twin, l2 1", "9 [8, 10] uJ an image")
    assert made.origin == "file"


@pytest.mark.usefixtures("files")
def test_else_those_of_a_product(monkeypatch):
    monkeypatch.setattr(module, "_of_inferences", lambda networks: ({}, ""))
    (task,) = front().data["tasks"]
    assert task["unit"] == "pJ a product on osu018"


@pytest.mark.usefixtures("files")
def test_networks_are_found_by_their_parameters():
    assert module._names("lenet5 (toy), lenet5 (toy-seed1)") == ["toy", "toy-seed1"]


def test_without_files(monkeypatch):
    monkeypatch.setattr(module, "shipped_suites", lambda threat: [])
    monkeypatch.setattr(module, "measured_fronts", dict)
    module._tasks.cache_clear()
    assert front().not_run.startswith("no robust accuracy")
    module._tasks.cache_clear()
