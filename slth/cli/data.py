"""``slth data ls``, ``slth data verify``, ``slth data fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.options import COMMON, Common, DataDir
from slth.cli.outcome import Outcome, table_of
from slth.cli.places import data_folders, is_offline
from slth.cli.progress import note, progress
from slth.errors import ArgumentError

Names = Annotated[str, Parameter(help="Data sets, as `slth data ls` names them.")]


def ls(*, data_dir: DataDir = None, common: Common = COMMON) -> Outcome:
    """Known data sets and whether they are here."""
    from slth.data.catalogue import BUNDLED, CATALOGUE
    from slth.data.official import locate
    from slth.data.own import GROUP
    from slth.extensions import installed

    folders = data_folders(data_dir)
    rows: list[dict[str, Any]] = [{"name": name, "state": "bundled", "folder": None} for name in BUNDLED]
    for entry in CATALOGUE.values():
        folder = locate(entry, folders)
        rows.append({"name": entry.name, "state": "here" if folder else "absent", "folder": folder})
    rows += [{"name": name, "state": "another package's", "folder": None} for name in installed(GROUP)]

    def show() -> list[RenderableType]:
        return [table_of((row.values() for row in rows), ("data set", "state", "folder"))]

    return Outcome("data ls", common, {"data": rows, "searched": folders}, show)


def verify(*names: Names, data_dir: DataDir = None, common: Common = COMMON) -> Outcome:
    """Tell apart official bytes, right structure with other bytes, and wrong structure.

    Exit code 1 where a data set has the wrong structure, or was asked for by name and is missing.
    """
    from slth.data.catalogue import BUNDLED, CATALOGUE, NAMES
    from slth.data.official import Verdict
    from slth.data.official import verify as check

    for name in names:
        if name not in NAMES:
            raise ArgumentError("name", name, "is not a known data set", f"choose from {', '.join(NAMES)}")
    rows: list[dict[str, Any]] = []
    failed = False
    for name in names or NAMES:
        if name in BUNDLED:
            rows.append({"name": name, "verdict": "bundled", "files": {}, "message": f"data set {name} needs no file"})
            continue
        report = check(CATALOGUE[name], data_folders(data_dir))
        if report.verdict is Verdict.OTHER_BYTES:
            note(common, f"warning: {report.advice()}")
        failed |= report.verdict is Verdict.WRONG_STRUCTURE or (report.verdict is Verdict.MISSING and name in names)
        files = {str(file.path): {"sha256": file.sha256, "official": file.official} for file in report.files}
        rows.append({"name": name, "verdict": report.verdict.value, "files": files, "message": report.advice()})

    def show() -> list[RenderableType]:
        lines = ((row["name"], row["verdict"], row["message"]) for row in rows)
        return [table_of(lines, ("data set", "verdict", "what to know"))]

    return Outcome("data verify", common, {"data": rows, "passed": not failed}, show, exit_code=int(failed))


def fetch(*names: Names, data_dir: DataDir = None, common: Common = COMMON) -> Outcome:
    """Download data sets from their public mirrors; every file is compared with its sha256."""
    from slth.data.fetching import fetch as download

    if not names:
        raise ArgumentError("name", "", "is missing", "say which data set: mnist, fashion-mnist or cifar10")
    folder = data_folders(data_dir)[0]
    places: dict[str, Path] = {}
    with progress(common) as report:
        for name in names:
            places[name] = download(name, data_dir=folder, offline=is_offline(), progress=report)

    def show() -> list[RenderableType]:
        return [f"{name}: {place}" for name, place in places.items()]

    return Outcome("data fetch", common, {"fetched": places}, show)
