import sys

import pytest

from golden.errors import AxfpmWarning, InvalidInput, InvalidType
from golden.registry import Registry, add_entry, check_choice, did_you_mean, unknown


def numbers(**settings) -> Registry[int]:
    return Registry("even number", {"two": 2, "four": 4}, **settings)


def test_a_registry_is_a_read_only_mapping_in_the_order_of_its_entries():
    first = {"two": 2, "four": 4}
    registry = Registry("even number", first)
    registry.register("eight", 8)
    registry.register("ate", 8)
    assert list(registry.items()) == [("two", 2), ("four", 4), ("eight", 8), ("ate", 8)]
    assert len(registry) == 4
    assert "four" in registry and "six" not in registry and 2 not in registry
    assert registry.get("six") is None
    assert repr(registry) == "{'two': 2, 'four': 4, 'eight': 8, 'ate': 8}"
    assert registry == {"two": 2, "four": 4, "eight": 8, "ate": 8}
    assert first == {"two": 2, "four": 4}
    assert not hasattr(registry, "__setitem__")
    with pytest.raises(KeyError, match="six"):
        registry["six"]


def test_an_entry_is_registered_once():
    registry = numbers()
    assert [registry.register(name, 6) for name in ("six", "six", "half a dozen")] == [6, 6, 6]
    with pytest.raises(InvalidInput, match=r"^another even number is already named 'two'; choose another name$"):
        registry.register("two", 6)
    assert registry["two"] == 2


@pytest.mark.parametrize("name", ["", "a:b", "a b", "é:", 7])
def test_names_are_made_of_what_the_registry_asks_for(name):
    said = f"^{name!r} cannot name an even number; use letters, digits, '.' and '-'$"
    with pytest.raises(InvalidInput, match=said):
        numbers(characters=".-").register(name, 6)
    assert numbers(characters=".-").register("a.b-6", 6) == 6


def test_any_text_is_a_name_where_no_characters_are_asked_for():
    assert numbers().register("a b: é", 6) == 6
    for name in ("", 7, None):
        with pytest.raises(InvalidInput, match=f"^{name!r} cannot name an even number; use letters and digits$"):
            numbers().register(name, 6)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("twoo", "unknown even number 'twoo'; did you mean two?"),
        ("ten", "unknown even number 'ten'; choose from two, four"),
        ("", "unknown even number ''; choose from two, four"),
        (None, "unknown even number None; choose from two, four"),
        (["two"], "unknown even number ['two']; choose from two, four"),
    ],
)
def test_look_up(given, said):
    assert numbers().look_up("four") == 4
    with pytest.raises(InvalidInput) as problem:
        numbers().look_up(given)
    assert str(problem.value) == said
    with pytest.raises(InvalidInput) as problem:
        numbers(said="no half of", more="`count` shows all").look_up(given)
    assert str(problem.value) == said.replace("unknown even number", "no half of") + " (`count` shows all)"


def test_what_was_registered_is_found_and_proposed():
    registry = numbers()
    registry.register("eighteen", 18)
    assert registry.look_up("eighteen") == 18
    with pytest.raises(InvalidInput, match=r"did you mean eighteen\?"):
        registry.look_up("eigthen")


def test_a_registry_that_knows_its_class_takes_entries_for_names():
    registry = numbers(of=int)
    assert registry.look_up(5) == 5  # not registered, and what a name would stand for
    with pytest.raises(InvalidType, match=r"^an even number is a name or an int, not float$"):
        registry.look_up(4.0)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidType, match=r"^a registered even number is an int, not str$"):
        registry.register("six", "6")  # pyright: ignore[reportArgumentType]
    assert "six" not in registry


def test_entries_of_other_packages_follow_the_same_rules(tmp_path, monkeypatch):
    points = {"six": "plugged_numbers:six", "two": "plugged_numbers:six", "a b": "plugged_numbers:six"}
    lines = "".join(f"{name} = {place}\n" for name, place in {**points, "word": "plugged_numbers:word"}.items())
    (tmp_path / "plugged_numbers.py").write_text("six, word = 6, 'six'\n")
    information = tmp_path / "plugged_numbers-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-numbers\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[axfpm.numbers]\n{lines}")
    monkeypatch.syspath_prepend(tmp_path)
    registry = numbers(plugins="axfpm.numbers", of=int, characters="-")
    assert registry.look_up("two") == 2  # nothing is loaded for what is there
    assert "plugged_numbers" not in sys.modules
    with pytest.warns(AxfpmWarning) as warned:
        assert registry.look_up("six") == 6
    monkeypatch.delitem(sys.modules, "plugged_numbers")
    assert list(registry) == ["two", "four", "six"]
    assert registry.plugins() == {
        "six": "",
        "two": "another even number is already named 'two'; choose another name",
        "a b": "'a b' cannot name an even number; use letters, digits and '-'",
        "word": "a registered even number is an int, not str",
    }
    assert len(warned) == 3
    assert numbers().plugins() == {}


def test_choices():
    assert check_choice("unknown split", "test", ("train", "test")) == "test"
    with pytest.raises(InvalidInput, match=r"^unknown split 'tset'; did you mean test\? \(see there\)$"):
        check_choice("unknown split", "tset", ("train", "test"), more="see there")
    for wrong in ("validation", None, 3, ["no"]):
        with pytest.raises(InvalidInput, match=r"^the block 'b' has no part .*; choose from train, test$"):
            check_choice("the block 'b' has no part", wrong, ("train", "test"))


def test_entries_are_added_once():
    table: dict[str, int] = {}
    assert add_entry(table, "number", "one", 1) == 1
    assert add_entry(table, "number", "one", 1) == 1
    assert table == {"one": 1}
    with pytest.raises(InvalidInput, match="another number is already named 'one'; choose another name"):
        add_entry(table, "number", "one", 2)
    assert table == {"one": 1}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("fgms", "did you mean fgsm?"),
        ("FGSM", "did you mean fgsm?"),
        ("lenet", "did you mean lenet5 or da-lenet?"),
        ("mul", "did you mean multiplier?"),
        ("divider", "choose from fgsm, lenet5, da-lenet, multiplier, adder"),
        ("", "choose from fgsm, lenet5, da-lenet, multiplier, adder"),
        (7, "choose from fgsm, lenet5, da-lenet, multiplier, adder"),
    ],
)
def test_near_misses(given, said):
    choices = ("fgsm", "lenet5", "da-lenet", "multiplier", "adder")
    assert did_you_mean(given, choices) == said
    assert str(unknown("thing", given, choices)) == f"unknown thing {given!r}; {said}"
    assert str(unknown("thing", given, choices, more="see there")).endswith(f"{said} (see there)")
    assert isinstance(unknown("thing", given, choices), ValueError)
