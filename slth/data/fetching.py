"""Downloading a data set, only when somebody asks for it: checked, written beside its place and renamed into it."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from slth.data.catalogue import BUNDLED, CATALOGUE, CatalogueEntry, Download
from slth.data.official import Verdict, verify
from slth.errors import ArgumentError, DataError

Progress = Callable[[str, int, int], None]

CHUNK = 1 << 16
TIMEOUT_SECONDS = 30.0
SCHEMES = ("https://", "http://")


def fetch(
    name: str,
    *,
    data_dir: Path,
    offline: bool = False,
    entry: CatalogueEntry | None = None,
    progress: Progress | None = None,
) -> Path:
    """Download a data set from its public mirrors into a folder, in the layout that torchvision writes.

    Every file is compared with its sha256 before it takes its name; files that are there already are left alone.
    """
    if name in BUNDLED:
        raise ArgumentError("name", name, "needs no download", "it is there as soon as the package is installed")
    if entry is None:
        if name not in CATALOGUE:
            raise ArgumentError("name", name, "is not a known data set", f"choose one of {', '.join(CATALOGUE)}")
        entry = CATALOGUE[name]
    target = data_dir / entry.layouts[0].folder
    present = verify(entry, [data_dir])
    if present.verdict is Verdict.OFFICIAL:
        return target
    if offline:
        raise DataError(f"data set {name} is not downloaded: SLTH_OFFLINE forbids it; copy its files to {target}")
    if present.verdict is Verdict.OTHER_BYTES:
        raise DataError(f"{present.advice()}; move the folder {target} away before fetching")
    for download in entry.downloads:
        _fetch_one(download, data_dir / download.folder, progress)
    return target


def _fetch_one(download: Download, folder: Path, progress: Progress | None) -> None:
    wanted = download.members or (download.name,)
    if not download.members and _has_sha256(folder / download.name, download.sha256):
        return
    in_the_way = [name for name in wanted if (folder / name).exists()]
    if in_the_way:
        raise DataError(f"{folder} holds {', '.join(in_the_way)} with other bytes: move it away before fetching")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
            arrived = _download(download, Path(scratch), progress)
            if not download.members:
                arrived.replace(folder / download.name)
                return
            for name, path in _extract(arrived, download.members, Path(scratch)).items():
                path.replace(folder / name)
    except OSError as problem:
        raise DataError(f"{folder} cannot be filled: {problem}") from problem


def _download(download: Download, scratch: Path, progress: Progress | None) -> Path:
    """Try the mirrors in order; the first that delivers the right bytes wins."""
    failures = []
    for url in download.urls:
        path = scratch / "arriving"
        try:
            digest = _stream(url, path, download, progress)
        except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError) as problem:
            failures.append(f"{url}: {getattr(problem, 'reason', problem)}")
            continue
        if digest == download.sha256:
            return path
        failures.append(
            f"{url}: the bytes that arrived have sha256 {digest[:16]}... instead of {download.sha256[:16]}..."
        )
    raise DataError("no mirror delivered " + download.name + " (" + "; ".join(failures) + ")")


def _stream(url: str, path: Path, download: Download, progress: Progress | None) -> str:
    """Write what the address delivers to the path and return its sha256; never more than the expected size."""
    if not url.startswith(SCHEMES):
        raise ValueError("only http and https addresses are opened")
    digest, done = hashlib.sha256(), 0
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response, path.open("wb") as file:
        while chunk := response.read(CHUNK):
            done += len(chunk)
            if done > download.size:
                raise ValueError(f"more than the expected {download.size} bytes arrive")
            digest.update(chunk)
            file.write(chunk)
            if progress is not None:
                progress(download.name, done, download.size)
    return digest.hexdigest()


def _extract(archive: Path, members: tuple[str, ...], scratch: Path) -> dict[str, Path]:
    """Copy the wanted plain files out of a tar archive whose bytes were checked; nothing else is unpacked."""
    found: dict[str, Path] = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = Path(member.name).name
            source = tar.extractfile(member) if name in members and member.isfile() and name not in found else None
            if source is not None:
                found[name] = scratch / f"member-{name}"
                with source, found[name].open("wb") as file:
                    shutil.copyfileobj(source, file)
    if missing := [name for name in members if name not in found]:
        raise DataError(f"the archive lacks {', '.join(missing)}")
    return found


def _has_sha256(path: Path, expected: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == expected
