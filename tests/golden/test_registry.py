import pytest

from golden.errors import InvalidInput
from golden.registry import add_entry


def test_entries_are_added_once():
    table: dict[str, int] = {}
    assert add_entry(table, "number", "one", 1) == 1
    assert add_entry(table, "number", "one", 1) == 1
    assert table == {"one": 1}
    with pytest.raises(InvalidInput, match="another number is already named 'one'; choose another name"):
        add_entry(table, "number", "one", 2)
    assert table == {"one": 1}
