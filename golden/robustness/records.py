"""Result files: JSON lines, one row a line, that are checked when read and can be compared.

The first line is the header: ``format``, ``version``, ``settings``; each line after it holds one row under its kind,
``clean``, ``attack``, ``suite``, ``picture`` or ``verdict``. What follows from other entries (rates, intervals) is
stored for readers without this package, and must agree.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from golden.errors import InvalidInput
from golden.registry import did_you_mean
from golden.robustness.results import Results
from golden.robustness.row_types import Clean, Picture, Suite, UnderAttack, plain
from golden.robustness.statistics import Proportion

__all__ = ["FORMAT", "MEASURED", "VERSION", "Difference", "compare", "find", "read", "to_lines"]

FORMAT, VERSION = "axfpm results", 2
GZIP = b"\x1f\x8b"
MEASURED = Path(__file__).with_name("measured")
"""Result files that come with the package, by preset."""
ROWS: dict[str, type[Any]] = {"clean": Clean, "attack": UnderAttack, "suite": Suite, "picture": Picture}


def to_lines(results: Results) -> str:
    """Results as the text of a result file."""
    header = {"format": FORMAT, "version": VERSION, "settings": results.settings}
    groups = {"clean": results.clean, "attack": results.attacks, "suite": results.suites, "picture": results.pictures}
    lines = [header, *({kind: plain(row)} for kind, rows in groups.items() for row in rows)]
    if results.verdict:
        lines.append({"verdict": results.verdict})
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)


def find(name: str | Path) -> Path:
    """The file that a name stands for: that of a preset, which comes with the package, or a file.

    Raises
    ------
    InvalidInput
        If it is neither.
    """
    path, measured = Path(name), {path.name.partition(".")[0]: path for path in MEASURED.glob("*.jsonl.gz")}
    if path.is_file():
        return path
    if str(name) in measured:
        return measured[str(name)]
    raise InvalidInput(f"no result file {str(name)!r}, neither a file nor a preset; {did_you_mean(name, measured)}")


def read(path: str | Path) -> Results:
    """Results from a file, which may be compressed by gzip.

    Raises
    ------
    InvalidInput
        If the file cannot be read, is no result file, is of another version, or a row is not as it should be; with the
        number of the line.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        lines = (gzip.decompress(content) if content.startswith(GZIP) else content).decode().splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise InvalidInput(f"cannot read {path}: {error.strerror}; make it readable") from None
        why = "it is no text" if isinstance(error, ValueError) else "it is damaged"
        raise InvalidInput(f"cannot read {path}: {why}; evaluate again") from None
    header = _object(path, 1, lines[0] if lines else "")
    if header.get("format") != FORMAT:
        raise InvalidInput(f"{path} is no result file of axfpm; `axfpm evaluate -o FOLDER` writes one")
    if header.get("version") != VERSION:
        raise InvalidInput(
            f"{path} is of version {header.get('version')!r} and this axfpm reads version {VERSION}; evaluate again, "
            "or use the axfpm that wrote it"
        )
    if not isinstance(header.get("settings"), dict):
        raise InvalidInput(f"line 1 of {path} has no settings; the file is damaged, evaluate again")
    found: dict[str, list[Any]] = {kind: [] for kind in (*ROWS, "verdict")}
    for number, line in enumerate(lines[1:], 2):
        entry = _object(path, number, line)
        kind = next(iter(entry), None)
        if len(entry) != 1 or kind not in found:
            raise InvalidInput(f"line {number} of {path} is no row of results; the file is damaged, evaluate again")
        found[kind].append(entry[kind] if kind == "verdict" else _row(path, number, ROWS[kind], entry[kind]))
    verdict = found["verdict"][-1] if found["verdict"] else {}
    clean, attacks, suites, pictures = (tuple(found[kind]) for kind in ROWS)
    return Results(header["settings"], clean, attacks, suites, verdict, pictures)


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        if number == 1:
            raise InvalidInput(f"{path} is no result file of axfpm; `axfpm evaluate -o FOLDER` writes one")
        raise InvalidInput(f"line {number} of {path} is no JSON object; the file is damaged, evaluate again")
    return value


def _row(path: Path, number: int, kind: type[Any], values: Any) -> Any:
    def refused(why: str) -> InvalidInput:
        return InvalidInput(f"line {number} of {path}: {why}; the file is damaged, evaluate again")

    fields = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    if not isinstance(values, dict) or values.keys() != fields.keys():
        odd = sorted({*fields} ^ {*(values if isinstance(values, dict) else ())})
        raise refused(f"entries {', '.join(odd)} are missing or unknown")
    row = {}
    for name, value in values.items():
        row[name] = _proportion(value) if "Proportion" in fields[name] and value is not None else value
        if not _suits(row[name], fields[name]):
            raise refused(f"{name} is not as it should be")
    return kind(**row)


_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "None": (type(None),),
    "Proportion": (Proportion,),
}


def _suits(value: Any, annotation: str) -> bool:
    if annotation.startswith("Mapping"):
        return isinstance(value, Mapping)
    kinds = [kind for part in annotation.split(" | ") for kind in _KINDS[part]]
    return isinstance(value, tuple(kinds)) and (not isinstance(value, bool) or bool in kinds)


def _proportion(value: Any) -> Proportion | None:
    """A proportion whose rate and interval follow from its counts, else None."""
    try:
        proportion = Proportion(value["k"], value["n"])
        same = proportion.to_dict()
        close = all(abs(a - b) < 1e-9 for a, b in zip(same["interval"], value["interval"], strict=True))
        rates = (same["rate"], value["rate"])
        return proportion if close and (rates == (None, None) or abs(rates[0] - rates[1]) < 1e-12) else None
    except (KeyError, TypeError, ValueError):
        return None


@dataclasses.dataclass(frozen=True)
class Difference:
    """One rate in two result files.

    Parameters
    ----------
    row : tuple of str
        Threat model, attack with its view, target, network, what is compared.
    first, second : Proportion or None
        The rates; None where a file has no such row.
    """

    row: tuple[str, ...]
    first: Proportion | None
    second: Proportion | None

    @property
    def apart(self) -> bool:
        """Whether the 95% intervals have nothing in common."""
        if self.first is None or self.second is None:
            return False
        (low, high), (other_low, other_high) = self.first.interval, self.second.interval
        return low > other_high or other_low > high

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: row, first, second, apart."""
        first, second = (None if p is None else p.to_dict() for p in (self.first, self.second))
        return {"row": list(self.row), "first": first, "second": second, "apart": self.apart}


def compare(first: Results, second: Results) -> tuple[Difference, ...]:
    """Rates that differ between two results, or stand in one of them only, in the order of the rows."""
    rates, others = dict(_rates(first)), dict(_rates(second))
    rows = dict.fromkeys((*rates, *others))
    return tuple(Difference(row, rates.get(row), others.get(row)) for row in rows if rates.get(row) != others.get(row))


def _rates(results: Results) -> Iterator[tuple[tuple[str, ...], Proportion | None]]:
    for row in results.clean:
        yield ("clean", "", row.target, _network(row), "accuracy"), row.accuracy
    for row in results.attacks:
        attack = f"{row.attack}, {row.view}, {row.gradient}"
        for what in ("source_success", "transfer", "robust_accuracy"):
            yield (row.threat_model, attack, row.target, _network(row), what), getattr(row, what)
    for row in results.suites:
        case = f"best within {row.norm} {row.budget:g}"
        yield (row.threat_model, case, row.target, _network(row), "robust_accuracy"), row.robust_accuracy


def _network(row: Clean | UnderAttack | Suite) -> str:
    return row.model if row.seed is None else f"{row.model}, seed {row.seed}"
