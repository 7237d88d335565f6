"""The grammar of targets' names: canonical, with near misses, open to others."""

import copy
import pickle

import pytest

import axfpm
from golden.catalogue import MULTIPLIERS, multiplier
from golden.errors import InvalidInput, InvalidType
from golden.robustness.row_types import EXACT
from golden.robustness.targets import TARGETS, Device, TargetKind, names, register_target, target, targets


@pytest.mark.parametrize(
    ("name", "canonical", "group", "on"),
    [
        ("ax-fpm", "ax-fpm", "multiplier", "ax-fpm"),
        ("e8m1", "e8m1", "multiplier", "e8m1"),
        ("exact", "exact", "multiplier", "exact"),
        ("ax-fpm:carry=widen", "ax-fpm-widen", "multiplier", "ax-fpm-widen"),
        ("ax-fpm:carry=widen,block=2", "ax-fpm-widen:block=2", "multiplier", "ax-fpm-widen:block=2"),
        ("ax-fpm+clamp+calibrated", "ax-fpm+calibrated+clamp", "multiplier", "ax-fpm"),
        ("ax-fpm:block=2+clamp+clamp", "ax-fpm:block=2+clamp", "multiplier", "ax-fpm:block=2"),
        (EXACT, "exact torch", "exact", None),
        (" noise ", "noise", "control", None),
        ("noise:draw=0", "noise", "control", None),
        ("noise:draw=7", "noise:draw=7", "control", None),
        ("noise:multiplier=e8m2,draw=7", "noise:draw=7,multiplier=e8m2", "control", None),
        ("noise:calibrated=1,draw=7", "noise:draw=7,calibrated=1", "control", None),
        (
            "noise:multiplier=ax-fpm:carry=widen,block=2,draw=1",
            "noise:draw=1,multiplier=ax-fpm-widen:block=2",
            "control",
            None,
        ),
        ("companding:multiplier=ax-fpm", "companding", "control", None),
        ("image8", "image8", "row", None),
        ("int8", "int8", "row", None),
        ("independent", "independent", "reference", None),
        ("pgd-trained/exact torch", "pgd-trained", "reference", None),
        ("pgd-trained/ax-fpm+clamp+calibrated", "pgd-trained/ax-fpm+calibrated+clamp", "reference", "ax-fpm"),
        ("independent/noise:draw=0", "independent/noise", "reference", None),
    ],
)
def test_canonical_names(name, canonical, group, on):
    found = target(name)
    assert (found.name, str(found), found.group) == (canonical, canonical, group)
    assert found.multiplier == (None if on is None else multiplier(on))
    assert found.description and "\n" not in found.description
    for same in (target(canonical), pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert same == found and hash(same) == hash(found)
    assert target(found) is found


def test_every_kind_says_what_it_is():
    assert list(TARGETS) == [EXACT, "image8", "int8", "independent", "pgd-trained", "noise", "companding"]
    assert all(kind.group in names.GROUPS and kind.description for kind in TARGETS.values())
    assert target(MULTIPLIERS["mitchell"]) == target("mitchell")
    assert not any(name in MULTIPLIERS for name in TARGETS)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ax-fmp", r"unknown target 'ax-fmp'; did you mean .*ax-fpm"),
        ("nois:draw=3", r"unknown target 'nois'; did you mean noise\?"),
        ("exact-torch", r"unknown target 'exact-torch'; did you mean .*exact torch"),
        ("", "unknown target ''; choose from exact torch, "),
        ("ax-fpm+calibrate", r"unknown modifier 'calibrate'; did you mean calibrated\?"),
        ("ax-fpm+", "unknown modifier ''; choose from calibrated, clamp"),
        ("int8+clamp", r"'int8' is no multiplier and takes no \+clamp; leave it out"),
        ("pgd-traned/ax-fpm", r"unknown network 'pgd-traned'; did you mean pgd-trained\?"),
        ("image8/ax-fpm", "unknown network 'image8'; choose from independent, pgd-trained"),
        ("pgd-trained/independent", "names two networks; write one of them"),
        ("pgd-trained/ax-fmp", r"unknown target 'ax-fmp'"),
        ("noise:draws=3", "target 'noise' has no parameter 'draws'; it takes draw, calibrated, multiplier"),
        ("image8:bits=3", "target 'image8' has no parameter 'bits'; it takes no parameters"),
        ("noise:draw", "cannot read 'draw' of target 'noise'; write noise:key=value,key=value, each key once"),
        ("noise:draw=1,draw=2", "cannot read 'draw=2' of target 'noise'"),
        ("noise:draw=x", "draw=x is not a whole number; write for example draw=0"),
        ("noise:draw=1.5", "draw=1.5 is not a whole number"),
        ("noise:draw=-1", "draw=-1 is out of range; give a value of 0 or more"),
        ("noise:draw=4294967296", r"draw=4294967296 is out of range; give a value of 0 or more, below 2\^32"),
        ("noise:multiplier=ax-fmp", "unknown multiplier 'ax-fmp'; did you mean"),
        ("ax-fpm:blok=2", "unknown dial key 'blok'"),
    ],
)
def test_what_is_no_target(name, message):
    with pytest.raises(InvalidInput, match=message):
        target(name)


@pytest.mark.parametrize("name", [3, None, ["ax-fpm"]])
def test_what_is_no_name(name):
    with pytest.raises(InvalidType, match="a target is a name, a Multiplier, an Assignment or a Target, not"):
        target(name)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ax-fpm", ["ax-fpm"]),
        ("ax-fpm:block=2,carry=widen,noise:draw=3,int8", ["ax-fpm-widen:block=2", "noise:draw=3", "int8"]),
        (
            "ax-fpm, exact torch , noise:multiplier=ax-fpm:block=2,draw=3,",
            ["ax-fpm", EXACT, "noise:draw=3,multiplier=ax-fpm:block=2"],
        ),
        ("noise:draw=3,multiplier=ax-fpm:block=2,carry=wrap", ["noise:draw=3,multiplier=ax-fpm-wrap:block=2"]),
        (
            ["ax-fpm+clamp", MULTIPLIERS["bf16"], target("int8"), "ax-fpm+clamp,noise:draw=0"],
            ["ax-fpm+clamp", "bf16", "int8", "noise"],
        ),
        (MULTIPLIERS["bf16"], ["bf16"]),
        (target("int8"), ["int8"]),
    ],
)
def test_several(given, expected):
    found = targets(given)
    assert [t.name for t in found] == expected
    assert targets([t.name for t in found]) == found == targets(",".join(t.name for t in found))


@pytest.mark.parametrize("given", ["", [], " , "])
def test_none(given):
    with pytest.raises(InvalidInput, match="no target named; give a multiplier, or one of exact torch, image8"):
        targets(given)
    with pytest.raises(InvalidInput, match="unknown target 'draw=3'"):
        targets("draw=3")


def nothing(model, fitted, *, strength):
    return Device(model, strength)


def test_plugins(monkeypatch):
    monkeypatch.setattr(names, "kinds", names.kinds.copy())
    monkeypatch.setattr(names, "TARGETS", names.kinds)
    kind = TargetKind("mine", "row", "nothing", nothing, {"strength": 0.5})
    assert register_target(kind) is kind is register_target(kind)
    assert target("mine:strength=0.25").name == "mine:strength=0.25" and target("mine:strength=0.5").name == "mine"
    for name, group, message in (
        ("mine", "control", "another target is already named 'mine'"),
        ("ax-fpm", "row", "a multiplier is already named 'ax-fpm'; choose another name"),
        ("a+b", "row", "'a\\+b' cannot name a target; use letters, digits"),
        (" ", "row", "' ' cannot name a target"),
        ("other", "rows", r"unknown group 'rows'; did you mean row\?"),
    ):
        with pytest.raises(InvalidInput, match=message):
            register_target(TargetKind(name, group, "", nothing))
    for value in ("x", "nan", "inf", "-0.1"):
        with pytest.raises(InvalidInput, match=f"strength={value} is "):
            target(f"mine:strength={value}")


def test_two_multipliers_of_one_name():
    odd = [
        axfpm.Multiplier(axfpm.FORMATS["fp32"], axfpm.Function("odd", function), carry="widen")
        for function in (lambda a, b, _: a * b, lambda a, b, _: a * b + a)
    ]
    assert str(odd[0]) == str(odd[1]) and odd[0] != odd[1]
    with pytest.raises(InvalidInput, match="two of these targets have the same name; give each multiplier one"):
        targets(odd)
