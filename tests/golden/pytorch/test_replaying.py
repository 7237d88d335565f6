"""Passes recorded and replayed: what is recorded, and that nobody can tell a replay from the pass itself.

A recording is a function here that works again, into the memory of its first results; ``test_graphs.py`` has GPUs'.
"""

import copy
import gc
import threading
import time
import warnings
import weakref
from typing import Any

import pytest
import torch
from replaying_cases import Shifted, Works, images, network, passed, same
from torch import Tensor, nn

from golden.errors import InvalidInput
from golden.pytorch import (
    ApproximateModule,
    GradientMaskingWarning,
    masking,
    recordings as recordings_module,
)
from golden.pytorch.recordings import Passes
from golden.pytorch.replaying import BEFORE, recordings, replayed
from golden.robustness.attacks import attack


@pytest.fixture
def works():
    return Works()


@pytest.mark.parametrize("multiplier", [None, "ax-fpm"])
def test_passes_are_replayed_from_the_third_on(works, multiplier):
    module = ApproximateModule(network(), multiplier, temperature=2.5) if multiplier else network()
    expected = [passed(module, images(seed=i)) for i in range(6)]
    clean = [module(images(seed=i)) for i in range(6)]
    with replayed(module, works):
        for i, right in enumerate(expected):
            assert same(passed(module, images(seed=i)), right)
            assert recordings(module) == (i >= BEFORE)
        assert works.replays == 2 * (len(expected) - BEFORE) + 2  # and once to see whether they repeat the pass
        with torch.no_grad():
            for i, logits in enumerate(clean):
                assert same([module(images(seed=i))], [logits])
        assert recordings(module) == 2
    assert "forward" not in module.__dict__ and recordings(module) == 0


def test_what_a_replay_gave_stays(works):
    """Results are the caller's own, and a backward pass belongs to its forward pass, whatever came between."""
    module = network()
    with replayed(module, works):
        for i in range(BEFORE + 1):
            passed(module, images(seed=i))
            passed(module, images(2, seed=i))
        points = [images(seed=i).requires_grad_() for i in range(3)]
        other = images(2).requires_grad_()
        results = [module(x) for x in points] + [module(other)]
        copies = [y.detach().clone() for y in results]
        gradients = [torch.autograd.grad(results[i].square().sum(), points[i], retain_graph=True)[0] for i in (1, 0, 2)]
        again = torch.autograd.grad(results[2].square().sum(), points[2])[0]
        kept = [g.clone() for g in gradients]
        passed(module, images(seed=9))
        twice = images().requires_grad_()
        y = module(twice).square().sum()
        first = torch.autograd.grad(y, twice, retain_graph=True)
        assert same(first, torch.autograd.grad(y, twice))
        assert same([y.detach() for y in results], copies)
        assert same(gradients, kept) and works.replays
    for i, gradient in zip((1, 0, 2, 2), (*gradients, again), strict=True):
        assert same([results[i].detach(), gradient], passed(module, points[i].detach()))


def test_a_replay_reads_the_parameters_that_are_there(works):
    module = network()
    with replayed(module, works):
        for i in range(BEFORE + 2):
            passed(module, images(seed=i))
        module[0].weight.mul_(2.0)
        assert recordings(module) == 1
        before = works.replays
        found = passed(module, images())
        assert works.replays > before
        module[0].weight.data = module[0].weight.data * 2
        before = works.replays
        elsewhere = passed(module, images())
        assert works.replays == before
    assert same(elsewhere, passed(module, images()))
    module[0].weight.data = module[0].weight.data / 2
    assert same(found, passed(module, images()))


def test_hooks_of_the_module_itself_are_called(works):
    seen = []
    module = network()
    module.register_forward_pre_hook(lambda _, arguments: seen.append(len(arguments[0])))
    with replayed(module, works):
        for i in range(BEFORE + 3):
            passed(module, images(seed=i))
        assert works.replays
    assert seen == [4] * (BEFORE + 3)


def test_what_a_model_makes_is_made_on_its_device(works):
    module, x = Shifted().eval(), images()
    with replayed(module, works), torch.device("meta"):
        found = module(x)
    assert same([found], [x.flatten(1) - 0.5])


def test_who_waits_while_another_recording_fails_records_nothing(monkeypatch, works):
    module = network()

    class Failed:
        """A lock: while it was waited for, a recording elsewhere has failed."""

        def __enter__(self) -> None:
            monkeypatch.setattr(recordings_module, "_failed", [1])

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(recordings_module, "_failed", [])
    monkeypatch.setattr("golden.pytorch.replaying.ALONE", Failed())
    with replayed(module, works), torch.no_grad():
        for _ in range(BEFORE + 2):
            module(images())
        assert recordings(module) == 0 and not works.replays


def test_a_result_keeps_the_parameters_that_its_gradient_needs(monkeypatch):
    monkeypatch.setattr(Passes, "give", lambda *_: True)
    module: Any = network()
    weights = module[0].weight.numpy().copy()
    alive = weakref.ref(weights)
    module[0].weight = nn.Parameter(torch.from_numpy(weights), requires_grad=False)
    x = images().requires_grad_()
    with replayed(module, lambda work: (lambda: None, work())):  # as a graph, it knows memory and no module
        results = [module(x) for _ in range(BEFORE + 1)]
        assert recordings(module) == 1
    del module, weights, results[:-1]
    gc.collect()
    assert alive() is not None
    results.clear()
    gc.collect()
    assert alive() is None


def test_nobody_records_beside_another(works):
    """In one process: torch's memory, and its way with the host's waits, are all threads'."""
    beside, most = [0], [0]

    def record(work: Any) -> Any:
        beside[0] += 1
        most[0] = max(most[0], beside[0])
        time.sleep(0.02)
        found = works(work)
        beside[0] -= 1
        return found

    together, counts = threading.Barrier(3, timeout=60), []

    def run(module: nn.Module) -> None:
        with replayed(module, record):
            for i in range(BEFORE):
                passed(module, images(seed=i))
            together.wait()
            passed(module, images())
            counts.append(recordings(module))

    threads = [threading.Thread(target=run, args=(network(seed),)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1, 1, 1] and most == [1]


def test_a_copy_made_inside_runs_as_it_is(works):
    for module in (network(), ApproximateModule(network(), "ax-fpm")):
        with replayed(module, works):
            for i in range(BEFORE + 1):
                passed(module, images(seed=i))
            before = works.replays
            copied = copy.deepcopy(module)
            twice = copy.deepcopy(copied)
            assert recordings(copied) == 0
            for each in (copied, twice):
                for parameter in each.parameters():
                    parameter.data.mul_(2.0)
            found = [passed(each, images()) for each in (copied, twice) for _ in range(BEFORE + 1)]
            assert works.replays == before
        other = copy.deepcopy(module)
        for parameter in other.parameters():
            parameter.data.mul_(2.0)
        assert all(same(each, passed(other, images())) for each in found)


def test_random_numbers_are_those_of_an_attack_alone(works):
    """Whether a recording is tried, and fails, changes none."""
    drawing = nn.Sequential(nn.FractionalMaxPool2d(2, 5), nn.Flatten()).eval()
    torch.manual_seed(1)
    expected = [drawing(images(seed=i)) for i in range(BEFORE + 3)]
    torch.manual_seed(1)
    with replayed(drawing, works), torch.no_grad():
        found = [drawing(images(seed=i)) for i in range(BEFORE + 3)]
        assert recordings(drawing) == 0 and works.replays
    assert same(found, expected)


class Late:
    """An arrival that is only there when it is waited for."""

    def query(self) -> bool:
        return False

    def synchronize(self) -> None:
        pass


def test_what_a_gpu_counts_late_is_said_at_the_end(works, monkeypatch):
    monkeypatch.setattr(masking, "_arrival", lambda _device: Late())
    module = ApproximateModule(network(), "ax-fpm")
    x = images().requires_grad_()
    with pytest.warns(GradientMaskingWarning, match="exactly zero for 4 of 4 inputs"), replayed(module, works):
        torch.autograd.grad(0 * module(x).sum(), x)
        assert not module._axfpm_masking.said
    assert module._axfpm_masking.waiting is None and module._axfpm_masking.said
    zeros = torch.zeros(4, 2)
    once = masking.Once()
    with pytest.warns(GradientMaskingWarning), masking.later([once]):
        masking._look(once, zeros)
        with masking.later([once]):  # of a copy, which shares it
            masking._look(once, zeros)
        assert not once.said and once.waiting
    one, other = masking.Once(), masking.Once()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(GradientMaskingWarning), masking.later([one, other]):
            for once in (one, other):
                masking._look(once, zeros)
    assert one.waiting is None and other.waiting is None


def test_vanished_gradients_are_still_said(works):
    class Zero(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Tensor:
            return torch.zeros_like(grads[0])

    module = ApproximateModule(network(), "ax-fpm")

    def record(work: Any) -> Any:
        replay, result = works(work)

        def silently() -> None:  # a graph runs no Python
            said, module._axfpm_masking.said = module._axfpm_masking.said, True
            replay()
            module._axfpm_masking.said = said

        return silently, result

    with replayed(module, record):
        for i in range(BEFORE + 1):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                passed(module, images(seed=i))
        assert recordings(module) == 1 and works.replays
        x = images().requires_grad_()
        with pytest.warns(GradientMaskingWarning, match="exactly zero for 4 of 4 inputs"):
            torch.autograd.grad(Zero.apply(module(x)).sum(), x)


def test_second_derivatives_are_refused(works):
    module = network()
    with replayed(module, works):
        for i in range(BEFORE + 1):
            passed(module, images(seed=i))
        x = images().requires_grad_()
        with pytest.raises(InvalidInput, match="no second derivatives"):
            torch.autograd.grad(module(x).square().sum(), x, create_graph=True)


def test_attacks_count_their_queries_on_replays(monkeypatch, works):
    """And make the same examples, here as everywhere."""
    from golden.robustness.attacks import kinds

    module, x = network(), images(6)
    y = module(x).argmax(1).numpy()
    found = attack("pgd:eps=0.1,steps=10").craft_counted(module, x.numpy(), y, seed=1)
    monkeypatch.setattr(kinds, "replayed", lambda each: replayed(each, works))
    again = attack("pgd:eps=0.1,steps=10").craft_counted(module, x.numpy(), y, seed=1)
    assert works.replays >= 2 * (10 - BEFORE)
    assert (found.images == again.images).all() and (found.queries == again.queries).all()
