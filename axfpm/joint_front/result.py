"""What was measured of a front: each network's images, its energy, and how any two differ; and the files of it.

Differences hold together: see ``axfpm.joint_front.differences``. Which images are right is kept as hexadecimal digits,
the first image the highest bit, so that differences can be counted again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from golden.errors import InvalidInput
from golden.files import write

__all__ = ["FORMAT", "MEASURED", "VERSION", "Between", "Energy", "Images", "JointFront", "Network", "read", "save"]

FORMAT, VERSION = "axfpm joint front", 1
MEASURED = Path(__file__).with_name("measured")
"""Files that come with the package, each named after its data set."""
ENDS = ("interval", "ratio_interval", "together")
AGAIN = "measure it again with benchmarks/joint_front.py"


@dataclass(frozen=True)
class Images:
    """Which images of a sample are classified correctly.

    Parameters
    ----------
    k, n : int
        How many, of how many.
    right : str
        Which: hexadecimal digits, the first image is the highest bit, zeros fill the last byte.
    """

    k: int
    n: int
    right: str


@dataclass(frozen=True)
class Energy:
    """The multiply-accumulates of an image, registers included.

    Parameters
    ----------
    image_uj : float
        uJ an image.
    interval : (float, float)
        At 95%, of this figure alone.
    ratio : float
        The energy by that of the exact multiplier on the same network: what energies are compared by.
    ratio_interval : (float, float)
        Of the ratio, at 95%, of this figure alone.
    together : (float, float)
        Of the ratio, so that those of all networks of the front hold together (``differences``).
    units : int
        Netlists that the interval rests on.
    operands : str
        Of which network they were, and whether layer by layer.
    """

    image_uj: float
    interval: tuple[float, float]
    ratio: float
    ratio_interval: tuple[float, float]
    together: tuple[float, float]
    units: int
    operands: str


@dataclass(frozen=True)
class Network:
    """A network on the front.

    Parameters
    ----------
    name, how : str
        Its name, and what was done to it, of ``axfpm.joint_front.entries.HOWS``.
    target : str
        What it runs on, as evaluations name it.
    multiplier : str
        What multiplies; layer by layer where layers differ.
    network : str
        Its parameters, as results name them.
    weights_sha256 : str
        Their digest.
    seed : int
        Of its training.
    training : dict of str to str
        Settings of its last training.
    clean : Images
        All test images.
    robust : dict of str to Images
        By norm: those of the attacked images that are right clean and under the adaptive attack at that norm's budget.
    energy : Energy or None
        None where it is not measured yet.
    """

    name: str
    how: str
    target: str
    multiplier: str
    network: str
    weights_sha256: str
    seed: int
    training: dict[str, str]
    clean: Images
    robust: dict[str, Images]
    energy: Energy | None

    def share(self, what: str) -> Images:
        """Return its images by ``clean`` or by a norm."""
        return self.clean if what == "clean" else self.robust[what]


@dataclass(frozen=True)
class Between:
    """How much more often the first of two networks is right than the second.

    Parameters
    ----------
    first, second : str
        Names.
    intervals : dict of str to (float, float)
        In points, for ``clean`` and each norm; all of a front hold together.
    """

    first: str
    second: str
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class JointFront:
    """A front as it was measured.

    Parameters
    ----------
    settings : dict
        JSON-ready: ``data``, ``model``, ``attacked``, ``test_images``, ``budgets`` by norm, ``attack``, ``seed``,
        ``confidence``, ``library``, ``excluded`` (what is in no energy), ``versions``.
    networks : tuple of Network
        The exact one first.
    differences : tuple of Between
        Every two networks, in the order of the networks.
    """

    settings: dict[str, Any]
    networks: tuple[Network, ...]
    differences: tuple[Between, ...]

    @property
    def data(self) -> str:
        """The data set."""
        return self.settings["data"]

    @property
    def whats(self) -> tuple[str, ...]:
        """What networks are compared in, beside energy: ``clean`` and the norms."""
        return ("clean", *self.settings["budgets"])

    def network(self, name: str) -> Network:
        """Return a network by its name.

        Raises
        ------
        InvalidInput
            If there is none.
        """
        for each in self.networks:
            if each.name == name:
                return each
        raise InvalidInput(f"no {name} on this front; there are {', '.join(each.name for each in self.networks)}")

    def between(self, first: str, second: str, what: str) -> tuple[float, float]:
        """Return the interval, in points, of how much more often the first is right; 0 .. 0 for a network itself."""
        if first == second:
            return 0.0, 0.0
        for each in self.differences:
            if (each.first, each.second) == (first, second):
                return each.intervals[what]
            if (each.first, each.second) == (second, first):
                low, high = each.intervals[what]
                return -high, -low
        raise InvalidInput(f"no difference between {first} and {second} on this front; {AGAIN}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    def to_json(self) -> str:
        """Return it as JSON text, a line for each network and each pair."""
        plain = self.to_dict()
        lines = [f' "settings": {json.dumps(self.settings)}']
        for key in ("networks", "differences"):
            rows = ",\n".join(f"  {json.dumps(row, allow_nan=False)}" for row in plain[key])
            lines.append(f' "{key}": [\n{rows}\n ]')
        return f'{{\n "format": "{FORMAT}",\n "version": {VERSION},\n' + ",\n".join(lines) + "\n}\n"


def save(path: str | Path, found: JointFront) -> Path:
    """Write a front, whole or not at all.

    Raises
    ------
    InvalidInput
        If the file cannot be written.
    """
    return write(path, found.to_json())


def read(path: str | Path) -> JointFront:
    """Read what ``save`` wrote.

    Raises
    ------
    InvalidInput
        If it cannot be read, is no such file, of another version, or damaged.
    """
    try:
        plain = json.loads(Path(path).read_text(encoding="utf-8"))
        if (plain["format"], plain["version"]) != (FORMAT, VERSION):
            raise ValueError("another format or version")
        networks = tuple(_network(row) for row in plain["networks"])
        pairs = tuple(
            Between(row["first"], row["second"], _intervals(row["intervals"])) for row in plain["differences"]
        )
        return JointFront(plain["settings"], networks, pairs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{path} holds no joint front ({error}); {AGAIN}") from None


def _network(row: Mapping[str, Any]) -> Network:
    energy = row["energy"]
    if energy is not None:
        ends = {key: (float(energy[key][0]), float(energy[key][1])) for key in ENDS}
        energy = Energy(**{**energy, **ends})
    robust = {norm: Images(**images) for norm, images in row["robust"].items()}
    return Network(**{**row, "clean": Images(**row["clean"]), "robust": robust, "energy": energy})


def _intervals(plain: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    return {what: (float(low), float(high)) for what, (low, high) in plain.items()}
