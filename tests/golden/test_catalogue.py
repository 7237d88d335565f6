import pickle
from itertools import permutations

import pytest

from golden.catalogue import MULTIPLIERS, Multiplier, multiplier, register, register_cell
from golden.cells import CELLS, Cell
from golden.designs import CellBlocks, Function, Masks, TableBlocks
from golden.errors import InvalidInput, InvalidType
from golden.formats import FORMATS, FP32

# Section 4 of the arithmetic, typed again: name, format, cell, block, carry, operands, product.
TABLE = """
exact        fp32     exact 1  none  truncate nearest
exact-trunc  fp32     exact 1  none  truncate truncate
ax-fpm       fp32     AMA5  4  halve truncate truncate
ax-fpm-widen fp32     AMA5  4  widen truncate truncate
ax-fpm-wrap  fp32     AMA5  4  wrap  truncate truncate
ax-array     fp32     AMA5  24 halve truncate truncate
bf16         bfloat16 exact 1  none  nearest  exact
bf16-trunc   bfloat16 exact 1  none  truncate truncate
ax-bf16      bfloat16 AMA5  4  halve truncate truncate
"""


@pytest.fixture
def scratch_catalogue(monkeypatch):
    """Registrations that end with the test."""
    for registry in (MULTIPLIERS, CELLS):
        monkeypatch.setattr(registry, "_entries", dict(registry))


@pytest.mark.parametrize("row", TABLE.strip().splitlines())
def test_entry(row):
    name, form, cell, block, carry, operands, product = row.split()
    m = MULTIPLIERS[name]
    assert m.cell is not None
    assert (m.format.name, m.cell.name, m.block) == (form, cell, int(block))
    assert (m.carry, m.operands, m.product) == (carry, operands, product)


def test_narrow_entries():
    for width in range(1, 11):
        m = MULTIPLIERS[f"e8m{width}"]
        assert (m.format.fraction_bits, m.operands, m.product) == (width, "nearest", "exact")
        assert m.design.is_exact
    assert MULTIPLIERS["mitchell"].cell is None
    assert len(MULTIPLIERS) == 9 + 10 + 1


def test_catalogue_is_read_only():
    with pytest.raises(TypeError):
        MULTIPLIERS["mine"] = MULTIPLIERS["exact"]  # pyright: ignore[reportIndexIssue] - wrong on purpose
    with pytest.raises(AttributeError):
        MULTIPLIERS["exact"].carry = "wrap"  # pyright: ignore[reportAttributeAccessIssue] - wrong on purpose


@pytest.mark.parametrize("name", MULTIPLIERS)
def test_entry_round_trips(name):
    assert str(MULTIPLIERS[name]) == name
    assert multiplier(name) == MULTIPLIERS[name]
    assert pickle.loads(pickle.dumps(MULTIPLIERS[name])) == MULTIPLIERS[name]


def test_every_dial_round_trips():
    seen = set()
    for base in ("exact", "ax-fpm", "bf16", "mitchell"):
        for form in ("fp32", "bfloat16", "e8m3", "toy", "toy-m1"):
            for cell, block in (("exact", 1), ("AMA1", 2), ("AMA5", 4), ("AMA5", 1), ("AMA3", 24)):
                for carry in ("halve", "widen", "wrap"):
                    for operands in ("truncate", "nearest"):
                        for product in ("truncate", "nearest", "exact"):
                            dial = f"format={form},carry={carry},operands={operands},product={product}"
                            if base != "mitchell":
                                dial += f",cell={cell},block={block}"
                            try:
                                m = multiplier(f"{base}:{dial}")
                            except InvalidInput:
                                continue
                            seen.add(str(m))
                            assert multiplier(str(m)) == m, dial
    assert len(seen) > 100


def test_dial_keys_in_any_order():
    settings = ["format=bfloat16", "cell=AMA3", "block=2", "carry=widen"]
    assert len({multiplier("exact-trunc:" + ",".join(order)) for order in permutations(settings)}) == 1


@pytest.mark.parametrize(
    ("dial", "canonical"),
    [
        ("ax-fpm:block=24", "ax-array"),
        ("ax-fpm:carry=widen", "ax-fpm-widen"),
        ("ax-fpm:format=bfloat16", "ax-bf16"),
        ("exact-trunc:cell=AMA5,block=4", "ax-fpm"),
        ("exact:operands=nearest", "exact"),
        ("ax-fpm-widen:block=2,carry=halve", "ax-fpm:block=2"),
    ],
)
def test_canonical_names(dial, canonical):
    assert str(multiplier(dial)) == canonical


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ax-fmp", "unknown multiplier 'ax-fmp'; did you mean ax-fpm"),
        ("zzz", "choose from exact"),
        ("", "unknown multiplier ''"),
        ("ax-fpm:", "cannot read ''"),
        ("ax-fpm:block", "cannot read 'block'"),
        ("ax-fpm:block=2,block=4", "each key once"),
        ("ax-fpm:blocks=2", "unknown dial key 'blocks'"),
        ("ax-fpm:block=5", "block=5 does not divide the 24-bit significand; choose one of 1, 2, 3, 4, 6, 8, 12, 24"),
        ("ax-fpm:block=0", "block=0 does not divide"),
        ("ax-fpm:block=two", "block='two' is not a whole number"),
        ("ax-fpm:cell=AMA9", "unknown cell 'AMA9'; did you mean AMA"),
        ("ax-fpm:carry=drop", "unknown carry 'drop'"),
        ("ax-fpm:carry=none", "unknown carry 'none'"),
        ("ax-fpm:format=fp8", "unknown format 'fp8'"),
        ("ax-fpm:product=up", "unknown product 'up'"),
        ("ax-fpm:product=exact", "product=exact needs 49 significand bits and a fp32 word holds 24"),
        ("mitchell:block=4", "has no cells"),
    ],
)
def test_wrong_names(name, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        multiplier(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"block": 2.0}, "block is a whole number, not float"),
        ({"block": True}, "block is a whole number, not bool"),
        ({"format": 3}, "a format is a name or a Format, not int"),
        ({"cell": None}, "a cell is a name or a Cell, not NoneType"),
    ],
)
def test_wrong_types_of_dialled_values(change, message):
    with pytest.raises(InvalidType, match=f"^{message}$"):
        multiplier("ax-fpm").dial(**change)


def test_dialled_values_may_be_the_things_themselves():
    own = Cell("own", "00111100", "00000000")  # nothing has to be registered
    m = multiplier("ax-fpm").dial(cell=own, block=2, format=FORMATS["bfloat16"])
    assert (m.cell, m.block, m.format) == (own, 2, FORMATS["bfloat16"])
    assert multiplier("ax-fpm").dial(cell="AMA3") == multiplier("ax-fpm").dial(cell=CELLS["AMA3"])


def test_wrong_type():
    with pytest.raises(InvalidType, match="a name or a Multiplier, not int"):
        multiplier(3)  # pyright: ignore[reportArgumentType] - wrong on purpose


@pytest.mark.usefixtures("scratch_catalogue")
def test_outside_entries():
    cell = register_cell(Cell("carry-free", "00111100", "00000000"))
    m = register("mine", Multiplier(FP32, CellBlocks(cell, 4)))
    assert multiplier("mine") == m
    assert str(multiplier("ax-fpm:cell=carry-free")) == "mine"
    assert str(m.dial(block=2)) == "mine:block=2"
    register("mine", m)
    with pytest.raises(InvalidInput, match="another multiplier is already named"):
        register("mine", MULTIPLIERS["exact"])
    with pytest.raises(InvalidInput, match="cannot name"):
        register("a:b", m)
    with pytest.raises(InvalidInput, match="already named"):
        register_cell(Cell("AMA1", "00000000", "00000000"))


def test_unregistered_designs_have_a_name():
    table = TableBlocks("or-block", 2, tuple(a | b for a in range(4) for b in range(4)))
    masks = Masks("top-row", 0x800000, 0x7FFFFF, 0x800000)
    function = Function("product", lambda a, b, precision: a * b)
    for design in (table, masks, function):
        assert design.name in str(Multiplier(FP32, design))


def test_init_wrong_design():
    with pytest.raises(InvalidInput, match="needs 16 entries"):
        TableBlocks("short", 2, (0,) * 15)
    with pytest.raises(InvalidInput, match="from 0 to 15"):
        TableBlocks("large", 2, (16,) * 16)
    with pytest.raises(InvalidInput, match="block table 'wide': block=9 is too large; give at most 8"):
        TableBlocks("wide", 9, ())
    with pytest.raises(InvalidType, match="block table 'half': block is a whole number, not float"):
        TableBlocks("half", 0.5, ())  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="must not overlap"):
        Masks("both", 3, 1, 1)
    with pytest.raises(InvalidInput, match="masks 'minus': top=-1 is too small; give at least 0"):
        Masks("minus", 3, 4, -1)
    with pytest.raises(InvalidType, match="block is a whole number, not float"):
        Multiplier(FP32, CellBlocks(CELLS["AMA5"], 4.0))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="wider than 8 bits"):
        Multiplier(FORMATS["bfloat16"], Masks("wide", 0x100, 0, 0))
