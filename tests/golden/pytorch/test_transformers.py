"""Models by others on the multiplier: sampled outputs of every layer and product against the literal reference."""

import os
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrize
from torch.utils.flop_counter import FlopCounterMode
from transformers_cases import MODELS, UNCOVERED, UNSEEN

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, approximate, coverage
from golden.pytorch.contractions import Convolution, MatrixProduct
from golden.reference import multiply_word

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore:::transformers.*")]

M = multiplier("ax-fpm")
SAMPLES = 2


def literal(x, w, start) -> np.float32:
    """start + x_0 w_0 + x_1 w_1 ..., word by word, every sum rounded to float32."""
    total = np.float32(start)
    with np.errstate(all="ignore"):
        for a, b in zip(x.numpy().view(np.uint32), w.numpy().view(np.uint32), strict=True):
            total = np.float32(total + np.uint32(multiply_word(int(a), int(b), M)).view(np.float32))
    return total


def same(y, x, w, bias) -> bool:
    expected = literal(x.detach().contiguous(), w.detach().contiguous(), 0.0 if bias is None else float(bias))
    found = np.float32(float(y))
    return found.tobytes() == expected.tobytes() or (np.isnan(found) and np.isnan(expected))


def positions(shape):
    return [tuple(int(torch.randint(n, ())) for n in shape) for _ in range(SAMPLES)] if 0 not in shape else []


def patch(x, position, weight, stride, padding, dilation, groups):
    """The inputs under one output of a convolution of one or two dimensions, channels first."""
    n, channel, *place = position
    per_group = weight.shape[1]
    first = channel // (weight.shape[0] // groups) * per_group
    padded = nn.functional.pad(x[n, first : first + per_group], [p for q in reversed(padding) for p in (q, q)])
    for dimension, (at, step, gap, reach) in enumerate(zip(place, stride, dilation, weight.shape[2:], strict=True)):
        index = at * step + gap * torch.arange(reach)
        padded = padded.index_select(dimension + 1, index)
    return padded.flatten(), weight[channel].flatten()


class Layers:
    """Checks what layers return, told by their own hooks: independent of how the emulation computes it."""

    def __init__(self, model: nn.Module, kinds: tuple[type, ...]) -> None:
        self.seen: set[str] = set()
        self.wrong: list[str] = []
        self.kept: list[tuple[str, Any, Any, Any, Any, Any]] = []
        for name, module in model.named_modules():
            own = type(module) in kinds or parametrize.is_parametrized(module)  # not a subclass with its own forward
            if isinstance(module, kinds) and own:
                module.register_forward_hook(self.hook(name))

    def hook(self, name):
        def keep(module, inputs, output):
            bias = None if module.bias is None else module.bias.detach().clone()
            self.kept.append(
                (name, module, inputs[0].detach().clone(), module.weight.detach().clone(), bias, output.clone())
            )

        return keep

    def check(self):
        for name, module, x, w, bias, y in self.kept:
            for position in positions(y.shape):
                channel = position[1] if isinstance(module, (nn.Conv1d, nn.Conv2d)) else position[-1]
                if isinstance(module, nn.Linear):
                    row, column = x[position[:-1]], w[channel]
                elif isinstance(module, (nn.Conv1d, nn.Conv2d)):
                    assert module.padding_mode == "zeros"
                    padding = module.padding
                    if isinstance(padding, str):
                        assert padding == "same"
                        padding = [d * (k - 1) // 2 for d, k in zip(module.dilation, module.kernel_size, strict=True)]
                    row, column = patch(x, position, w, module.stride, padding, module.dilation, module.groups)
                else:  # the library's own layer of x W + b
                    row, column = x[position[:-1]], w[:, channel]
                if not same(y[position], row, column, None if bias is None else bias[channel]):
                    self.wrong.append(name)
            self.seen.add(name)


class Products:
    """Checks every contraction of the emulation itself, those of attention included."""

    def __init__(self, monkeypatch) -> None:
        self.wrong: list[str] = []
        self.count = 0
        for kind in (MatrixProduct, Convolution):
            monkeypatch.setattr(kind, "approximate", self.around(kind.approximate))

    def around(self, original):
        def approximated(operation, x, w, bias, m, accumulate):
            y = original(operation, x, w, bias, m, accumulate)
            self.count += 1
            state = torch.get_rng_state()
            torch.manual_seed(self.count)
            for position in positions(y.shape)[:1]:
                if isinstance(operation, MatrixProduct):
                    row, column = x[position[:-1]], w[(*position[:-2], slice(None), position[-1])]
                    start = None if bias is None else bias[position[-1]]
                else:
                    settings = operation.stride, operation.padding, operation.dilation, operation.groups
                    row, column = patch(x, position, w, *settings)
                    start = None if bias is None else bias[position[1]]
                if not same(y[position], row, column, start):
                    self.wrong.append(f"{operation} {tuple(x.shape)} {tuple(w.shape)} at {position}")
            torch.set_rng_state(state)
            return y

        return approximated


class Kwargs(nn.Module):
    """Takes a dictionary of inputs as one, returns the tensors of floating point among the outputs."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, inputs):
        torch.manual_seed(5)
        outputs = self.model(**inputs).to_tuple()
        return [output for output in outputs if isinstance(output, torch.Tensor) and output.is_floating_point()]


@pytest.fixture(scope="module")
def transformers():
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    return pytest.importorskip("transformers")


@pytest.mark.parametrize("name", MODELS)
def test_a_model(name, transformers, monkeypatch):
    class_name, settings, make = MODELS[name]
    torch.manual_seed(3)
    made = getattr(transformers, class_name)
    model = made(made.config_class(**settings)).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.dim() > 1:  # not so small that they vanish in a deep model
            parameter.normal_(std=max(0.1, parameter[0].numel() ** -0.5))
    net, inputs = Kwargs(model), make()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    uncovered = "exact" if name in UNCOVERED else "error"
    with torch.no_grad():
        exact = net(inputs)
        if name in UNCOVERED:
            with approximate("ax-fpm"), pytest.raises(InvalidInput) as problem:
                model(**inputs)
            assert str(problem.value).startswith(UNCOVERED[name])
            assert "\n" not in str(problem.value) and "has no emulation" in str(problem.value)
        layers = Layers(model, (nn.Linear, nn.Conv1d, nn.Conv2d, transformers.pytorch_utils.Conv1D))
        products = Products(monkeypatch)
        with approximate("ax-fpm", uncovered=uncovered) as context:
            found = net(inputs)
        layers.check()
    assert (layers.wrong, products.wrong) == ([], [])
    assert products.count >= len(layers.seen) > 0 or name == "BiT"  # whose convolutions compute their own weights
    assert bool(context.uncovered_operators) is (name in UNCOVERED)
    assert [y.shape for y in found] == [y.shape for y in exact]
    assert not all(torch.allclose(a, b, rtol=1e-3, atol=0) for a, b in zip(found, exact, strict=True))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())

    report = coverage(net, inputs, "ax-fpm")
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        if hasattr(model.config, "_experts_implementation"):
            model.config._experts_implementation = "eager"  # an expert after the other: the counter lacks grouped_mm
        net(inputs)
    # torch's counter knows neither recurrent layers nor Fourier transforms
    known = sum(o.macs for o in report if o.uncovered and o.operator != "mkldnn_rnn_layer")
    assert report.approximated_macs + known == counter.get_total_flops() // 2 + UNSEEN.get(name, 0)
    assert {o.operator for o in report if o.uncovered} == {
        what.split()[0].removeprefix("aten::") for what in context.uncovered_operators
    }


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("GPT-2", "GPT2LMHeadModel"),
        ("LLaMA", "LlamaForCausalLM"),
        ("Mixtral", "MixtralForCausalLM"),
        ("BART", "BartForConditionalGeneration"),
        ("Whisper", "WhisperForConditionalGeneration"),
        ("Mamba", "MambaForCausalLM"),
    ],
)
def test_generation_through_a_module(name, class_name, transformers):
    _, settings, make = MODELS[name]
    torch.manual_seed(3)
    made = getattr(transformers, class_name)
    model = made(made.config_class(**settings)).eval()
    inputs = make()
    inputs.pop("decoder_input_ids", None)
    found = []
    for generate in (ApproximateModule(model, "ax-fpm").generate, model.generate):
        with approximate("ax-fpm"):
            found.append(generate(**inputs, max_new_tokens=4, output_scores=True, return_dict_in_generate=True))
    alone = ApproximateModule(model, "ax-fpm").generate(
        **inputs, max_new_tokens=4, output_scores=True, return_dict_in_generate=True
    )
    exact = model.generate(**inputs, max_new_tokens=4, output_scores=True, return_dict_in_generate=True)
    for other in found:
        assert torch.equal(alone.sequences, other.sequences)
        assert all(torch.equal(a, b) for a, b in zip(alone.scores, other.scores, strict=True))
    assert not torch.allclose(alone.scores[0], exact.scores[0], rtol=1e-3)
    embeddings = ApproximateModule(model, "ax-fpm").get_input_embeddings()
    assert embeddings == model.get_input_embeddings()
