"""Cell libraries by name: where their files come from, and which of their cells are not for logic.

OSU018 is a Debian package and the default. The others are published by their foundries, and lie under
``$AXFPM_DATA/liberty``, or are downloaded once. All are typical corners at 25 degrees Celsius. Which cells are not for
logic follows the habits of published flows: those of OpenROAD, and for SkyWater's clock and delay cells, which a mapper
would take for buffers, what their names say.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from golden.downloads import Download, fetch_path, is_at_hand
from golden.errors import MissingTool
from golden.registry import Registry
from synth.tools import LIBERTY_CANDIDATES

__all__ = ["DEFAULT_PERIOD_NS", "LIBRARIES", "NamedLibrary", "recognise"]

FOLDER = "liberty"
DEFAULT_PERIOD_NS = 12.0
"""Clock period where the library is none of these."""


@dataclass(frozen=True)
class NamedLibrary:
    """A cell library that is known by name.

    Parameters
    ----------
    name : str
        The name on the command line.
    title, node, licence : str
        What it is called, its technology, and the terms it is published under.
    own_name : str
        A pattern that the name in its Liberty files matches, by which a user's copy is recognised.
    dont_use : tuple of str
        Patterns of cells that are not for logic, beside those that their own description excludes.
    period_ns : float
        The clock period, in ns, where none is asked: ``exact-trunc`` meets it, and whatever is faster.
    files : tuple of Download
        Its files, one library in parts; empty where it is found on the system.
    """

    name: str
    title: str
    node: str
    licence: str
    own_name: str
    dont_use: tuple[str, ...]
    period_ns: float
    files: tuple[Download, ...] = ()

    @property
    def is_at_hand(self) -> bool:
        """Whether it can be used without a download."""
        if self.files:
            return all(is_at_hand(FOLDER, file) for file in self.files)
        return any(path.is_file() for path in LIBERTY_CANDIDATES)

    def paths(self) -> tuple[Path, ...]:
        """Return where its files lie, downloaded if they are not there.

        Raises
        ------
        InvalidInput
            If a file is damaged, or cannot be downloaded.
        MissingTool
            If the library is found on the system only, and is not there; or pooch is missing for a download.
        """
        if self.files:
            return tuple(fetch_path(FOLDER, file) for file in self.files)
        for path in LIBERTY_CANDIDATES:
            if path.is_file():
                return (path,)
        raise MissingTool(f"the library {self.name} is not installed; install the Debian package qflow-tech-osu018")


def _opensta(path: str, sha256: str) -> Download:
    commit = "d1b2b3962cd47539c748bb163da5de2bd5d2f85f"
    address = f"https://raw.githubusercontent.com/The-OpenROAD-Project/OpenSTA/{commit}/{path}"
    return Download(path.rsplit("/", 1)[-1], address, f"sha256:{sha256}")


def _asap7(part: str, sha256: str) -> Download:
    commit = "8c009b0b663703fc3fe2f474eab918b12fffbaf6"
    place = f"The-OpenROAD-Project/OpenROAD-flow-scripts/{commit}/flow/platforms/asap7/lib/NLDM"
    name = f"asap7sc7p5t_{part}"
    return Download(name, f"https://raw.githubusercontent.com/{place}/{name}", f"sha256:{sha256}")


_OWN = (
    NamedLibrary(
        "osu018",
        "OSU standard cells",
        "180 nm (TSMC, scalable rules)",
        "free, Oklahoma State University",
        "osu018*",
        (),
        12.0,
    ),
    NamedLibrary(
        "nangate45",
        "Nangate Open Cell Library",
        "45 nm (FreePDK45)",
        "Nangate Open Cell Library licence",
        "NangateOpenCellLibrary*",
        ("TAPCELL*", "FILLCELL*", "ANTENNA*", "CLKGATE*", "SDFF*"),
        4.0,
        (
            _opensta(
                "examples/nangate45_typ.lib.gz", "7ee6c11d0c8964f9971ba28b879a6cad28e178f86911adda71ac0672ce00f7ef"
            ),
        ),
    ),
    NamedLibrary(
        "sky130hd",
        "SkyWater sky130_fd_sc_hd",
        "130 nm (SKY130)",
        "Apache-2.0",
        "sky130_fd_sc_hd*",
        (
            *("*__lpflow_*", "*__probe*", "*__macro_*", "*__fill*", "*__tap*", "*__decap*", "*__diode*"),
            *("*__clk*", "*__dly*", "*__dlclk*", "*__sdlclk*", "*__sdf*", "*__sedf*"),
        ),
        10.0,
        (_opensta("examples/sky130hd_tt.lib.gz", "210e56be3a3a0907b5241a34d277f664cf4b4d91dcb49a27ff813df4406a5889"),),
    ),
    NamedLibrary(
        "sg13g2",
        "IHP SG13G2",
        "130 nm (SG13G2)",
        "Apache-2.0",
        "sg13g2_stdcell*",
        (
            *("sg13g2_fill_*", "sg13g2_decap_*", "sg13g2_antennanp", "sg13g2_sighold", "sg13g2_dlygate*"),
            *("sg13g2_lgcp_*", "sg13g2_slgcp_*", "sg13g2_sdf*"),
        ),
        10.0,
        (
            _opensta(
                "test/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib",
                "6f50333c719d8f324c9f8a18197e034ae531de3655002eb9d10c04f281ee0660",
            ),
        ),
    ),
    NamedLibrary(
        "asap7",
        "ASAP7 7.5-track RVT",
        "7 nm (predictive)",
        "BSD-3-Clause",
        "asap7sc7p5t*",
        ("*x1p*", "*xp*", "SDF*", "ICG*", "HB*"),
        2.0,
        (
            _asap7(
                "SIMPLE_RVT_TT_nldm_211120.lib.gz", "073ac4b6b08f272b6953b0ad54d1d9743767a7d15a0e2964ed86cf44c3dbe00e"
            ),
            _asap7(
                "INVBUF_RVT_TT_nldm_220122.lib.gz", "8d6db2c2f83c3c162be54a5e102b2d379fcaaaef2db5f0b1d4152c395d01fea1"
            ),
            _asap7("AO_RVT_TT_nldm_211120.lib.gz", "fe9f1c18e88ab129d63ad82adc256f3a85c7e38e47dabbe0a96749b41087dea1"),
            _asap7("OA_RVT_TT_nldm_211120.lib.gz", "bbe6d904d58c7367de1ed7639e4eae386c65fa0a5af26ae62dc5e4e2ec52b08b"),
            _asap7("SEQ_RVT_TT_nldm_220123.lib", "57a0b403485b99ebd676942af4673ac086b86c7c75fbdc3e5c0038501dd22ba3"),
        ),
    ),
)
LIBRARIES = Registry("library", {library.name: library for library in _OWN}, more="or give a file with --liberty")
"""Libraries by name, from the oldest technology to the newest."""


def recognise(own_name: str) -> NamedLibrary | None:
    """The known library whose Liberty files carry a name; None where there is none."""
    return next((library for library in LIBRARIES.values() if fnmatchcase(own_name, library.own_name)), None)
