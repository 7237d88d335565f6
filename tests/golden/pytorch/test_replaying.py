"""Passes recorded and replayed: what is recorded, and that nobody can tell a replay from the pass itself.

Without a GPU a recording is a function that works again, into the memory of its first results.
"""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from golden.cnn import checkpoint
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, GradientMaskingWarning, approximate, masking
from golden.pytorch.recordings import Passes
from golden.pytorch.replaying import BEFORE, MOST, recordings, replayed
from golden.robustness.attacks import attack, attacks

ON_A_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch has no GPU here")


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


@pytest.fixture
def works():
    return Works()


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
        for number in range(1, MOST + 2):
            for _ in range(BEFORE + 1):
                passed(module, images(number))
            passed(module, images(1))
        assert recordings(module) == MOST
        for number, more in ((MOST + 1, True), (1, True), (3, True), (2, False)):
            before = works.replays
            passed(module, images(number))
            assert (works.replays > before) == more


class Shifted(nn.Module):
    """A model that makes a tensor and does not say where."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) - torch.tensor([0.5])


def test_what_a_model_makes_is_made_on_its_device(works):
    module, x = Shifted().eval(), images()
    with replayed(module, works), torch.device("meta"):
        found = module(x)
    assert same([found], [x.flatten(1) - 0.5])


@ON_A_GPU
def test_attacks_that_name_their_devices_leave_a_model_its_own():
    pytest.importorskip("foolbox")
    module = nn.Sequential(Shifted(), nn.Linear(64, 5)).cuda()
    x = images(6)
    with torch.device("cuda"):
        y = module(x.cuda()).argmax(1).cpu().numpy()
    found = attack("pgd:eps=0.1,steps=5").craft(module, x.numpy(), y)
    assert (found != x.numpy()).any()


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


@ON_A_GPU
@pytest.mark.parametrize("multiplier", [None, "ax-fpm", "e8m2", "ax-fpm-wrap", "ax-fpm:cell=AMA1"])
def test_graphs_have_the_bits_of_the_passes(multiplier):
    module = checkpoint.load("lenet5-digits")[0].cuda().requires_grad_(False)
    module = ApproximateModule(module, multiplier) if multiplier else module
    points = [torch.rand(33, 1, 28, 28, device="cuda") for _ in range(BEFORE + 3)]
    expected = [passed(module, x) for x in points]
    with replayed(module):
        for x, right in zip(points, expected, strict=True):
            assert same(passed(module, x), right)
        assert recordings(module) == 1
        together = [x.clone().requires_grad_() for x in points]
        results = [module(x) for x in together]
        for i in (2, 0, 1):
            found = torch.autograd.grad(results[i].square().sum(), together[i])[0]
            assert same([results[i].detach(), found], expected[i])


@ON_A_GPU
def test_a_pass_that_waits_for_the_gpu_is_not_recorded():
    class Waiting(nn.ReLU):
        __module__ = "torch.nn.modules.activation"

        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
            return super().forward(input) + float(input.sum() > 1e9)

    module = network()
    module[1] = Waiting()
    module.cuda()
    points = [images(seed=i).cuda() for i in range(BEFORE + 3)]
    expected = [passed(module, x) for x in points]
    stream = torch.cuda.current_stream()
    torch.manual_seed(5)
    drawn = torch.rand(9, device="cuda")
    torch.manual_seed(5)
    with replayed(module):
        for x, right in zip(points, expected, strict=True):
            assert same(passed(module, x), right)
        assert recordings(module) == 0
    assert torch.cuda.current_stream() == stream
    assert torch.equal(torch.rand(9, device="cuda"), drawn)
    # Others can be recorded then, and again once nothing of them is left.
    for seed in range(3):
        other = network(seed).cuda()
        with replayed(other):
            found = [passed(other, x) for x in points]
            assert recordings(other) == 1
        assert same(found[-1], passed(other, points[-1]))
        del other


@ON_A_GPU
@pytest.mark.filterwarnings("ignore::golden.pytorch.GradientMaskingWarning")
@pytest.mark.parametrize("multiplier", [None, "ax-fpm"])
def test_attacks_make_the_same_examples(multiplier, monkeypatch):
    pytest.importorskip("foolbox")
    model, stored = checkpoint.load("lenet5-digits")
    from golden.cnn import data

    x, y = (array[:40] for array in data.load(stored.data, "test"))
    module = model.cuda()
    module = ApproximateModule(module, multiplier, temperature=5.0) if multiplier else module
    chosen = attacks(
        "fgsm:eps=0.1,fgsm-l2:eps=1,bim:eps=0.1,mi-fgsm:eps=0.1,pgd:eps=0.1,pgd-l2:eps=1,ddn,deepfool,cw:steps=20,"
        "apgd-t:eps=0.1,adaptive:eps=0.1"
    )
    repeated = []
    result = Passes.result
    monkeypatch.setattr(Passes, "result", lambda *given: repeated.append(1) or result(*given))
    replayed_ones = []
    for each in chosen:
        repeated.clear()
        replayed_ones.append(each.craft_counted(module, x, y, seed=3))
        assert repeated or each.kind.name in ("fgsm", "fgsm-l2"), str(each)
    monkeypatch.setattr("golden.pytorch.replaying.BEFORE", 1 << 30)
    for each, found in zip(chosen, replayed_ones, strict=True):
        as_it_is = each.craft_counted(module, x, y, seed=3)
        assert (found.images == as_it_is.images).all() and (found.queries == as_it_is.queries).all(), str(each)


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
