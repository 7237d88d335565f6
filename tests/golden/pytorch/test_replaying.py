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
from torch.nn.utils.parametrizations import weight_norm

from golden.errors import InvalidInput
from golden.pytorch import (
    ApproximateModule,
    GradientMaskingWarning,
    approximate,
    masking,
    recordings as recordings_module,
)
from golden.pytorch.devices import ieee_products
from golden.pytorch.recordings import Passes
from golden.pytorch.replaying import BEFORE, MOST, recordings, replayed
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


class Own(nn.Sequential):
    """Of nobody's that is known."""


class OwnLayer(nn.Linear):
    """As torch's parametrization takes it, into a class of a module of torch."""


def test_what_is_not_a_function_of_the_input_alone_runs_as_it_is(works):
    """Other people's modules, hooks, training, contexts, trained parameters, rules that may change, other shapes."""

    def never(module: nn.Module, x: Tensor | None = None, **settings: Any) -> None:
        with replayed(module, works):
            for i in range(BEFORE + 2):
                module((images(seed=i) if x is None else x).requires_grad_(), **settings)
            assert recordings(module) == 0

    never(Own(*network()))
    never(weight_norm(OwnLayer(64, 5)).eval().requires_grad_(False), images().flatten(1))
    never(nn.Sequential(Own(*network())))
    never(ApproximateModule(Own(*network()), "ax-fpm"))
    never(ApproximateModule(network(), "ax-fpm", layers=lambda name, module: name != "0"))
    never(network().train())
    never(network().requires_grad_())
    never(network(), images().mT.contiguous().mT)
    hooked = network()
    hooked[1].register_forward_hook(lambda *_: None)
    never(hooked)
    inside: Any = ApproximateModule(network(), "ax-fpm")
    inside.model.register_forward_hook(lambda *_: None)
    never(inside)
    with approximate("ax-fpm"):
        never(network())
    with torch.inference_mode():
        never(network(), images())
    written = network()
    written.forward = written.forward
    never(written)
    never(network().double(), images().double())
    with torch.autocast("cpu", torch.bfloat16):
        never(network())
    assert works.replays == 0
    module = network()
    with replayed(module):  # on the CPU nothing is recorded
        for _ in range(BEFORE + 2):
            module(images())
        assert recordings(module) == 0


def test_hooks_of_the_module_itself_are_called(works):
    seen = []
    module = network()
    module.register_forward_pre_hook(lambda _, arguments: seen.append(len(arguments[0])))
    with replayed(module, works):
        for i in range(BEFORE + 3):
            passed(module, images(seed=i))
        assert works.replays
    assert seen == [4] * (BEFORE + 3)


def test_settings_that_change_are_other_passes(works):
    module: Any = ApproximateModule(network(), "ax-fpm")
    with replayed(module, works):
        for i in range(BEFORE + 2):
            passed(module, images(seed=i))
        module.temperature = 4.0
        found = passed(module, images())
        assert recordings(module) == 1
    assert same(found, passed(module, images()))


def test_the_last_few_kinds_are_recorded(works):
    module = network()
    with replayed(module, works):
        for number in range(1, MOST + 1):
            for _ in range(BEFORE + 1):
                passed(module, images(number))
            passed(module, images(1))
        for _ in range(2 * BEFORE):  # asked for twice as often as the first
            assert recordings(module) == MOST
            before = works.replays
            passed(module, images(MOST + 1))
            assert works.replays == before
        passed(module, images(MOST + 1))
        assert recordings(module) == MOST
        for number, more in ((MOST + 1, True), (1, True), (3, True), (2, False)):
            before = works.replays
            passed(module, images(number))
            assert (works.replays > before) == more


def test_what_a_model_makes_is_made_on_its_device(works):
    module, x = Shifted().eval(), images()
    with replayed(module, works), torch.device("meta"):
        found = module(x)
    assert same([found], [x.flatten(1) - 0.5])


def test_layouts_of_images_are_other_passes(works):
    """Torch takes images of one channel as contiguous in two layouts, and convolves them in two ways."""
    module, x = network(), images()
    other = x.reshape(4, 8, 8, 1).permute(0, 3, 1, 2)
    assert other.is_contiguous() and other.stride() != x.stride()
    with replayed(module, works), torch.no_grad():
        for _ in range(BEFORE + 1):
            module(x)
        before = works.replays
        module(other)
        assert works.replays == before


def test_batches_of_ever_new_sizes_are_not_recorded_for_ever(works):
    module, made = network(), []

    def record(work: Any) -> Any:
        made.append(1)
        return works(work)

    with replayed(module, record), torch.no_grad():
        for number in range(1, 5 * MOST):
            for _ in range(BEFORE + 1):
                module(images(number))
    assert len(made) == MOST


def test_ways_of_torch_are_other_passes(works):
    """As the caller of ``replayed`` has them, and as an attack inside sets them."""
    module = network()
    with replayed(module, works):
        for i in range(BEFORE + 1):
            passed(module, images(seed=i))
        before = works.replays
        with ieee_products():
            passed(module, images())
        assert works.replays == before
        passed(module, images())
        assert works.replays > before


def test_parameters_that_lie_otherwise_are_other_passes(works):
    module: Any = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 5)).eval().requires_grad_(False)
    with replayed(module, works), torch.no_grad():
        for _ in range(BEFORE + 1):
            module(images())
        module[1].weight.data = module[1].weight.data.T
        before = works.replays
        found = module(images())
        assert works.replays == before
    assert same([found], [module(images())])


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


def test_images_that_begin_elsewhere_run_as_they_are(works):
    module, x = network(), torch.rand(4 * 64 + 1)[1:].view(4, 1, 8, 8)
    assert x.is_contiguous() and x.data_ptr() % 16
    with replayed(module, works), torch.no_grad():
        for _ in range(BEFORE + 2):
            module(x)
    assert not works.replays


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


def test_what_cannot_be_recorded_is_tried_once():
    tried = []

    def record(_work: Any) -> Any:
        tried.append(1)
        raise RuntimeError("operation not permitted when stream is capturing")

    module = network()
    expected = passed(module, images())
    with replayed(module, record):
        for _ in range(BEFORE + 3):
            assert same(passed(module, images()), expected)
    assert tried == [1]


def test_a_shape_that_cannot_be_recorded_leaves_the_others_theirs(works):
    tried = []

    def record(work: Any) -> Any:
        tried.append(1)
        found = works(work)
        if len(found[1]) == 7:
            raise RuntimeError("CUDA out of memory")
        return found

    module = network()
    with replayed(module, record), torch.no_grad():
        for number, more in ((4, True), (7, False), (4, True), (5, True)):
            for _ in range(BEFORE + 1):
                module(images(number))
            before = works.replays
            module(images(number))
            assert (works.replays > before) == more
        assert recordings(module) == 2 and len(tried) == 3


@pytest.mark.parametrize("what", [1, 2])
def test_a_recording_that_does_not_repeat_its_pass_is_not_used(what):
    """Wrong results, or wrong gradients."""
    made = []

    def record(work: Any) -> Any:
        replay, result = Works()(work)
        made.append(1)
        return (lambda: result.detach().add_(1.0)) if len(made) == what else replay, result

    module = network()
    expected = [passed(module, images(seed=i)) for i in range(BEFORE + 3)]
    with replayed(module, record):
        for i, right in enumerate(expected):
            assert same(passed(module, images(seed=i)), right)
        assert recordings(module) == 0 and len(made) == 2


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
