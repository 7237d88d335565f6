"""The emulated machine: a ROM of our own, one disk for the image and the results, no BIOS, no screen."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

__all__ = ["BASE", "PATTERN", "SECTOR", "header", "link", "missing", "run"]

BASE = 0x100000
"""Where the image begins in memory."""
SECTOR = 512
PATTERN = 0xFFA5A5A5
"""What unused memory holds: a NaN that no kernel stores."""

TOOLS = {"bochs": "bochs bochs-term", "as": "binutils", "ld": "binutils", "objcopy": "binutils"}
CYLINDER = 16 * 63 * SECTOR  # a disk is whole cylinders

MODELS = {"skylake-avx512": "corei7_skylake_x"}  # LLVM's names of CPUs, Bochs's names
NEWEST = "tigerlake"  # for any other

CONFIGURATION = """\
cpu: model={model}, ips=4000000, reset_on_triple_fault=0
memory: guest={megabytes}, host={megabytes}
romimage: file=rom.bin
pci: enabled=0
ata0-master: type=disk, path=disk.img, mode=flat
display_library: term
log: log
panic: action=fatal
error: action=report
"""

SCRIPT = """\
SECTIONS
{{
  . = {address};
  .text : {{ *(.text .text.* .ltext .ltext.*) *(.rodata .rodata.* .lrodata .lrodata.* .data .data.*) }}
  /DISCARD/ : {{ *(.note*) *(.comment*) *(.eh_frame*) }}
}}
"""


def missing() -> str | None:
    """Why kernels cannot run here, or None."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return "the emulated kernels are also run in part on this CPU, which is not x86-64"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        packages = " ".join(dict.fromkeys(TOOLS[tool] for tool in absent))
        return f"{', '.join(absent)} not found; apt-get install {packages}"
    return None


def _tool(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, timeout=60)


@cache
def _rom() -> tuple[bytes, bytes]:
    """The ROM as the CPU sees it, and as the linker does: with its symbols."""
    source = Path(__file__).with_name("rom.s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _tool("as", source, "-o", folder / "rom.o")
        _tool("ld", "-Ttext=0xf0000", "-e", "0", folder / "rom.o", "-o", folder / "rom.elf")
        _tool("objcopy", "-O", "binary", "-j", ".text", folder / "rom.elf", folder / "rom.bin")
        return (folder / "rom.bin").read_bytes(), (folder / "rom.elf").read_bytes()


def link(code: bytes, address: int) -> bytes:
    """An object file as it lies in memory at ``address``: its only function first, then its constants."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "code.o").write_bytes(code)
        (folder / "rom.elf").write_bytes(_rom()[1])
        (folder / "script").write_text(SCRIPT.format(address=address))
        flat = ("--oformat", "binary", "--orphan-handling=error", "-e", "0")
        _tool("ld", *flat, "-T", folder / "script", "-R", folder / "rom.elf", folder / "code.o", "-o", folder / "out")
        return (folder / "out").read_bytes()


def header(size: int, calls: tuple[int, int], regions: tuple[int, int], fill: tuple[int, int]) -> bytes:
    """The first sector of an image of ``size`` bytes: number and address of the calls and of the regions to write back.

    ``fill`` is the address and the size of memory to fill with ``PATTERN`` before the calls.
    """
    words = (size // SECTOR - 1, *calls, *regions, fill[0], fill[1] // 4, PATTERN)
    return b"".join(word.to_bytes(8, "little") for word in words).ljust(SECTOR, b"\0")


def run(image: bytes | bytearray, regions: Sequence[int], end: int, cpu: str, timeout: float) -> list[bytes]:
    """Run an image until it shuts the machine down.

    Parameters
    ----------
    image : bytes
        What lies at ``BASE``, a header first, whole sectors.
    regions : sequence of int
        Bytes, whole sectors, of each region that the header asks for.
    end : int
        The first address beyond those in use.
    cpu : str
        LLVM's name of the processor; the emulated one offers what it offers.
    timeout : float
        Seconds after which the machine counts as hung.

    Returns
    -------
    list of bytes
        The content of each region after the last call.

    Raises
    ------
    RuntimeError
        If the machine stopped before it had written everything.
    subprocess.TimeoutExpired
        If it did not stop.
    """
    size = len(image) + sum(regions)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rom.bin").write_bytes(_rom()[0])
        with (folder / "disk.img").open("wb") as disk:
            disk.write(image)
            disk.truncate(-(-size // CYLINDER) * CYLINDER)
        settings = {"model": MODELS.get(cpu, NEWEST), "megabytes": max(32, (end >> 20) + 2)}
        (folder / "bochsrc").write_text(CONFIGURATION.format(**settings))
        # Debian's Bochs starts in its debugger: "c" lets it go, "q" leaves it should it come back.
        outcome = subprocess.run(
            ["bochs", "-q", "-f", "bochsrc"],
            cwd=folder,
            input=b"c\nq\n",
            capture_output=True,
            env={**os.environ, "TERM": "vt100"},
            timeout=timeout,
            check=False,
        )
        log = (folder / "log").read_text(errors="replace") if (folder / "log").exists() else ""
        if "Shutdown port" not in log:
            reason = log[log.find(">>PANIC<<") :][:3000] if ">>PANIC<<" in log else outcome.stderr.decode()[-3000:]
            raise RuntimeError(f"the emulated machine stopped before its end:\n{reason}")
        with (folder / "disk.img").open("rb") as disk:
            disk.seek(len(image))
            return [disk.read(length) for length in regions]
