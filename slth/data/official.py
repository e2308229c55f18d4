"""Is a data set on disk what its name says: official bytes, right structure with other bytes, or neither."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.data.catalogue import CATALOGUE, CatalogueEntry, FileEntry, Layout
from slth.data.cifar import parse_cifar_binary, parse_cifar_pickled
from slth.data.idx import pair_images_and_labels, parse_idx
from slth.errors import DataError

Arrays = tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.int64]]
Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


class Verdict(Enum):
    """What was found under a data set's name."""

    OFFICIAL = "official bytes"
    OTHER_BYTES = "right structure, other bytes"
    WRONG_STRUCTURE = "wrong structure"
    MISSING = "missing"


@dataclass(frozen=True)
class FileReport:
    """One file: where it lies, its size in bytes, its sha256, and whether its bytes are the official ones."""

    path: Path
    size: int
    sha256: str
    official: bool


@dataclass(frozen=True)
class DataReport:
    """What was found for one data set."""

    name: str
    verdict: Verdict
    searched: tuple[Path, ...]
    files: tuple[FileReport, ...] = ()
    problem: str | None = None
    arrays: Arrays | None = None

    def advice(self) -> str:
        """Say in one sentence what was found and what to do."""
        if self.verdict is Verdict.MISSING:
            return "data set {} {}: {}".format(self.name, *_missing(CATALOGUE[self.name], self.searched))
        if self.verdict is Verdict.WRONG_STRUCTURE:
            return f"data set {self.name} has the wrong structure: {self.problem}"
        if self.verdict is Verdict.OTHER_BYTES:
            other = ", ".join(file.path.name for file in self.files if not file.official)
            return f"data set {self.name} has the right structure but other bytes than the official ones in {other}"
        return f"data set {self.name} has the official bytes"

    def provenance(self) -> dict[str, Any]:
        """Describe the source for a result's provenance, JSON-able."""
        return {
            "source": "files",
            "verdict": self.verdict.value,
            "files": {file.path.name: f"sha256:{file.sha256}" for file in self.files},
        }


def read_files(entry: CatalogueEntry, folders: Sequence[Path]) -> DataReport:
    """Find a data set in the first folder that has it, compare its bytes and read it."""
    searched = tuple(folders)
    for folder in searched:
        for layout in entry.layouts:
            if not _absent(folder, layout):
                return _read_layout(entry, layout, folder / layout.folder, searched)
    return _explain_missing(entry, searched)


def verify(entry: CatalogueEntry, folders: Sequence[Path]) -> DataReport:
    """Tell apart official bytes, right structure with other bytes, wrong structure, and missing."""
    found = read_files(entry, folders)
    return DataReport(found.name, found.verdict, found.searched, found.files, found.problem)


def locate(entry: CatalogueEntry, folders: Sequence[Path]) -> Path | None:
    """Find the first folder that holds all files of a data set, without reading them."""
    places = (folder / layout.folder for folder in folders for layout in entry.layouts if not _absent(folder, layout))
    return next(places, None)


def matches(content: bytes, checksums: Sequence[str]) -> bool:
    """Whether some checksum of the form ``algorithm:hexdigest`` is that of the content."""
    for checksum in checksums:
        algorithm, _, expected = checksum.partition(":")
        if hashlib.new(algorithm, content, usedforsecurity=False).hexdigest() == expected:
            return True
    return False


def _read_layout(entry: CatalogueEntry, layout: Layout, base: Path, searched: tuple[Path, ...]) -> DataReport:
    reports: list[FileReport] = []

    def content(file: FileEntry) -> bytes:
        path = base / file.name
        try:
            data = path.read_bytes()
        except OSError as problem:
            raise DataError(f"{path} cannot be read ({problem.strerror})") from problem
        official = matches(data, file.checksums)
        reports.append(FileReport(path, len(data), hashlib.sha256(data).hexdigest(), official))
        return data

    reader = _READERS[layout.kind]
    try:
        train = reader(entry, layout.train, content, base)
        test = reader(entry, layout.test, content, base)
    except DataError as problem:
        problem_and_way = f"{problem}; remove that file and fetch it again"
        return DataReport(entry.name, Verdict.WRONG_STRUCTURE, searched, tuple(reports), problem_and_way)
    verdict = Verdict.OFFICIAL if all(report.official for report in reports) else Verdict.OTHER_BYTES
    return DataReport(entry.name, verdict, searched, tuple(reports), arrays=(*train, *test))


def _read_idx(
    entry: CatalogueEntry, files: Sequence[FileEntry], content: Callable[[FileEntry], bytes], base: Path
) -> Part:
    images_file, labels_file = files
    images = parse_idx(content(images_file), axes=3, source=str(base / images_file.name))
    labels = parse_idx(content(labels_file), axes=1, source=str(base / labels_file.name))
    return pair_images_and_labels(images, labels, shape=entry.shape, classes=entry.classes, source=str(base))


def _read_cifar(parse: Callable[..., Part]) -> Callable[..., Part]:
    def read(
        entry: CatalogueEntry, files: Sequence[FileEntry], content: Callable[[FileEntry], bytes], base: Path
    ) -> Part:
        parts = [parse(content(file), source=str(base / file.name)) for file in files]
        return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])

    return read


_READERS: dict[str, Callable[..., Part]] = {
    "idx": _read_idx,
    "cifar-binary": _read_cifar(parse_cifar_binary),
    "cifar-pickled": _read_cifar(parse_cifar_pickled),
}


def missing(name: str, folders: Sequence[Path]) -> tuple[str, str] | None:
    """Say of a data set that lies in files and has none in any of the folders what is wrong, and what to do."""
    if name not in CATALOGUE or _explain_missing(CATALOGUE[name], tuple(folders)).verdict is not Verdict.MISSING:
        return None
    return _missing(CATALOGUE[name], folders)


def _files(layout: Layout) -> list[str]:
    return [file.name for file in (*layout.train, *layout.test)]


def _absent(folder: Path, layout: Layout) -> list[str]:
    return [name for name in _files(layout) if not (folder / layout.folder / name).is_file()]


def _missing(entry: CatalogueEntry, folders: Sequence[Path]) -> tuple[str, str]:
    """The rule and the way out, with the path that is expected; files that lie flat are to be moved there."""
    expected = " or ".join(str(folders[0] / layout.folder / _files(layout)[0]) for layout in entry.layouts)
    for folder in folders:
        for layout in entry.layouts:
            if (folder / _files(layout)[0]).is_file():
                return f"lies flat in {folder}", f"move its files into {folder / layout.folder}"
    where = ", ".join(map(str, folders))
    given = "give its folder as data_dir= (--data-dir or SLTH_DATA_DIR for commands)"
    remedy = f"{given}, or run `slth data fetch {entry.name}`"
    return f"is not in {where}, where {expected} is looked for", remedy


def _explain_missing(entry: CatalogueEntry, searched: tuple[Path, ...]) -> DataReport:
    """Tell a data set of which a part is there from one that is not there at all."""
    found = [(len(_absent(folder, layout)), folder, layout) for folder in searched for layout in entry.layouts]
    part = [(lacking, folder, layout) for lacking, folder, layout in found if lacking < len(_files(layout))]
    if not part:
        return DataReport(entry.name, Verdict.MISSING, searched)
    _, folder, layout = min(part, key=lambda one: one[0])
    absent, base = _absent(folder, layout), folder / layout.folder
    others = {name for other in entry.layouts for name in _files(other) if (folder / other.folder / name).is_file()}
    packed = [name for name in absent if others & {f"{name}.gz", name.removesuffix(".gz")}]
    way = f"pack or unpack {', '.join(packed)} like the rest" if packed else "add what is lacking"
    problem = f"{base} lacks {', '.join(absent)}; {way}, or move the folder away and run `slth data fetch {entry.name}`"
    return DataReport(entry.name, Verdict.WRONG_STRUCTURE, searched, problem=problem)
