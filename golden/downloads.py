"""Files of others, by checksum: under ``AXFPM_DATA``, else in the cache, else downloaded there.

Checksums are verified whenever a file is read, wherever it came from.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.cache import cache_path, work_folder
from golden.errors import InvalidInput, MissingTool
from golden.files import expand

__all__ = ["Download", "download", "downloads_folder", "fetch", "fetch_path", "find", "is_at_hand"]


@dataclass(frozen=True)
class Download:
    """A file and where it comes from.

    Parameters
    ----------
    name : str
        Its name.
    address : str
        Its public address.
    checksum : str
        ``md5:`` or ``sha256:`` and the digest of its content, in hexadecimal digits.
    """

    name: str
    address: str
    checksum: str


def downloads_folder() -> Path:
    """Where downloads go: the cache, or where it cannot be written a folder that lasts as long as this process."""
    return work_folder("data")


def fetch(folder: str, file: Download) -> bytes:
    """Content of a file, downloaded if it is neither under ``AXFPM_DATA`` nor in the cache.

    Parameters
    ----------
    folder : str
        Its folder under ``AXFPM_DATA`` and in the cache.
    file : Download
        What it is.

    Raises
    ------
    InvalidInput
        If a file under ``AXFPM_DATA`` is damaged, or the file is nowhere and cannot be downloaded.
    MissingTool
        If it has to be downloaded and the package pooch is missing.
    """
    return _fetch(folder, file)[1]


def fetch_path(folder: str, file: Download) -> Path:
    """Where a file lies, as for ``fetch``; it may be compressed, under the name ``NAME.gz``."""
    return _fetch(folder, file)[0]


def find(folder: str, name: str, checksum: str) -> bytes | None:
    """Content of a file under ``AXFPM_DATA`` or in the cache; None where it is in neither, or damaged in the cache.

    A file that has been compressed since, ``NAME.gz``, is taken too: the checksum is that of what is in it.

    Raises
    ------
    InvalidInput
        If the file under ``AXFPM_DATA`` is damaged or cannot be read.
    """
    found = _find(folder, name, checksum)
    return None if found is None else found[1]


def _fetch(folder: str, file: Download) -> tuple[Path, bytes]:
    found = _find(folder, file.name, file.checksum)
    if found is None:
        download(file.address, file.checksum, folder)
        found = _find(folder, file.name, file.checksum)
    if found is None:
        raise InvalidInput(f"{file.name} is damaged even after the download; delete {downloads_folder() / folder}")
    return found


def _find(folder: str, name: str, checksum: str) -> tuple[Path, bytes] | None:
    given = os.environ.get("AXFPM_DATA")
    if given:
        for path in _names(expand(given) / folder, name):
            content = _matching(path, checksum)
            if content is not None:
                return path, content
            if path.exists():
                kind, _, digest = checksum.partition(":")
                raise InvalidInput(
                    f"{path} is corrupt: its {kind} is not {digest}; replace it, or delete it to download it"
                )
    for place in (cache_path("data"), downloads_folder):  # the second is asked for only where the first does not do
        for path in _names((place() if callable(place) else place) / folder, name):
            content = _matching(path, checksum)
            if content is not None:
                return path, content
    return None


def is_at_hand(folder: str, file: Download) -> bool:
    """Whether a file of that name is under ``AXFPM_DATA`` or in the cache, without reading it."""
    given = os.environ.get("AXFPM_DATA")
    places = [cache_path("data", folder), *([expand(given) / folder] if given else [])]
    return any(path.is_file() for place in places for path in _names(place, file.name))


def _names(folder: Path, name: str) -> list[Path]:
    return [folder / name, *([] if name.endswith(".gz") else [folder / f"{name}.gz"])]


def _matching(path: Path, checksum: str) -> bytes | None:
    """Content of a file whose checksum is right; None of any other."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror}); make it readable or delete it") from None
    if _is(content, checksum):
        return content
    try:
        inside = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error):
        return None
    return inside if _is(inside, checksum) else None


def _is(content: bytes, checksum: str) -> bool:
    kind, _, digest = checksum.partition(":")
    return hashlib.new(kind, content, usedforsecurity=False).hexdigest() == digest


def download(address: str, checksum: str, folder: str, processor: Callable[..., Any] | None = None) -> None:
    """Download a file into a folder of ``downloads_folder()``; ``processor`` is pooch's, for archives.

    Raises
    ------
    InvalidInput
        If that fails, or what came has another checksum.
    MissingTool
        If the package pooch is missing.
    """
    try:
        import pooch
    except ImportError:
        raise MissingTool(f"downloading {address} needs `pip install pooch`") from None

    name = address.rsplit("/", 1)[-1]
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        pooch.retrieve(address, checksum, fname=name, path=downloads_folder() / folder, processor=processor)
    except (OSError, ValueError) as error:
        # ValueError: the checksum does not match; the rest are the network's, all of them kinds of OSError.
        reason = str(error).splitlines()[0] if 0 < len(str(error)) < 100 else type(error).__name__
        raise InvalidInput(
            f"{name} is neither under AXFPM_DATA ({os.environ.get('AXFPM_DATA') or 'not set'}) nor in the cache, and "
            f"downloading {address} failed ({reason}); connect to the network, or put the file into "
            f"{downloads_folder() / folder}"
        ) from None
    finally:
        logger.setLevel(level)
