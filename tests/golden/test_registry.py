import pytest

from golden.errors import InvalidInput
from golden.registry import add_entry, did_you_mean, unknown


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
