"""The data sets that are known by name: where their files lie and which bytes are the official ones.

The folder layout is the one that torchvision writes, so a folder filled by either serves both. Names, sizes, checksums
and addresses are in ``catalogue.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class FileEntry:
    """One file of a data set."""

    name: str
    checksums: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """One way in which a data set may lie below a folder, and who reads it; of ``idx`` images come before labels."""

    kind: str
    folder: str
    train: tuple[FileEntry, ...]
    test: tuple[FileEntry, ...]


@dataclass(frozen=True)
class Download:
    """One file to download: the addresses to try in order, the bytes to expect, the folder to fill.

    ``members`` names what to take out of a tar archive; empty means that the file itself is wanted.
    """

    urls: tuple[str, ...]
    name: str
    sha256: str
    size: int
    folder: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class CatalogueEntry:
    """A data set: its shape (channels, height, width), classes, layouts in order of preference, and downloads."""

    name: str
    shape: tuple[int, ...]
    classes: int
    scale: float
    layouts: tuple[Layout, ...]
    downloads: tuple[Download, ...]
    citation: str


IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _of_idx_files(name: str, known: Mapping[str, Any]) -> CatalogueEntry:
    """Entry of a data set of four IDX files, of which each may be packed."""
    folder, about = known["folder"], known["files"]
    packed = [FileEntry(f"{file['name']}.gz", (f"sha256:{file['packed']}",)) for file in about]
    plain = [FileEntry(file["name"], (f"sha256:{file['sha256']}",)) for file in about]
    layouts = tuple(Layout("idx", folder, tuple(part[:2]), tuple(part[2:])) for part in (packed, plain))
    downloads = tuple(
        Download(tuple(mirror + gz.name for mirror in known["mirrors"]), gz.name, file["packed"], file["size"], folder)
        for gz, file in zip(packed, about, strict=True)
    )
    return CatalogueEntry(name, (1, 28, 28), 10, 255.0, layouts, downloads, known["citation"])


def _of_batches(name: str, known: Mapping[str, Any]) -> CatalogueEntry:
    """Entry of CIFAR-10: five batches to train on and one to test, in two versions, of which one is downloaded."""
    layouts = []
    for kind in ("cifar-binary", "cifar-pickled"):
        batches = tuple(FileEntry(file, (checksum,)) for file, checksum in known[kind]["files"])
        layouts.append(Layout(kind, known[kind]["folder"], batches[:5], batches[5:]))
    url, wanted = known["download"]["url"], tuple(file.name for file in (*layouts[0].train, *layouts[0].test))
    about = (url.rpartition("/")[2], known["download"]["sha256"], known["download"]["size"], layouts[0].folder, wanted)
    downloads = (Download((url,), *about),)
    return CatalogueEntry(name, (3, 32, 32), 10, 255.0, tuple(layouts), downloads, known["citation"])


CATALOGUE: dict[str, CatalogueEntry] = {
    name: (_of_idx_files if "mirrors" in known else _of_batches)(name, known)
    for name, known in tomllib.loads(files("slth.data").joinpath("catalogue.toml").read_text("utf-8")).items()
}
"""Data sets that lie in files; ``digits`` and ``synthetic`` need none."""

BUNDLED: tuple[str, ...] = ("digits", "synthetic")
"""Data sets that are there as soon as the package is installed."""

NAMES: tuple[str, ...] = (*BUNDLED, *CATALOGUE)
"""Every name that :func:`slth.data.datasets.load` knows."""
