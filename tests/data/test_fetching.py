"""Fetching, against a server on this machine."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slth.data.catalogue import CATALOGUE, CatalogueEntry, Download, FileEntry, Layout
from slth.data.fetching import fetch
from slth.errors import ArgumentError, DataError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "mirror"
    folder.mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/", folder
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry_of(files: dict[str, bytes], urls: dict[str, tuple[str, ...]]) -> CatalogueEntry:
    """A data set of IDX files whose official bytes are the given ones."""
    entries = [FileEntry(name, (f"sha256:{sha256(content)}",)) for name, content in files.items()]
    layout = Layout("idx", "sub/raw", tuple(entries[:2]), tuple(entries[2:]))
    downloads = tuple(
        Download(urls[name], name, sha256(content), len(content), "sub/raw") for name, content in files.items()
    )
    return replace(CATALOGUE["mnist"], shape=(1, 1, 1), layouts=(layout,), downloads=downloads)


FILES = {
    "images": bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5, 6]),
    "labels": bytes([0, 0, 8, 1, 0, 0, 0, 2, 3, 4]),
    "test-images": bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7]),
    "test-labels": bytes([0, 0, 8, 1, 0, 0, 0, 1, 9]),
}


def test_files_are_fetched_once(server, tmp_path):
    address, mirror = server
    for name, content in FILES.items():
        (mirror / name).write_bytes(content)
    entry = entry_of(FILES, {name: (address + name,) for name in FILES})
    seen = []
    folder = fetch("mnist", data_dir=tmp_path / "data", entry=entry, progress=lambda *report: seen.append(report))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES  # and nothing temporary is left
    assert seen[-1] == ("test-labels", len(FILES["test-labels"]), len(FILES["test-labels"]))
    for name in FILES:
        (mirror / name).unlink()
    assert fetch("mnist", data_dir=tmp_path / "data", entry=entry, offline=True) == folder


def test_the_second_mirror_serves_when_the_first_fails(server, tmp_path):
    address, mirror = server
    for name, content in FILES.items():
        (mirror / name).write_bytes(content)
    urls = {name: (address + "nowhere", address + name) for name in FILES}
    folder = fetch("mnist", data_dir=tmp_path / "data", entry=entry_of(FILES, urls))
    assert (folder / "images").read_bytes() == FILES["images"]


@pytest.mark.parametrize(
    ("arriving", "match"),
    [
        (FILES["images"][:-1] + b"\0", "sha256"),
        (FILES["images"][:-1], "sha256"),
        (FILES["images"] + b"\0", "more than"),
    ],
)
def test_other_bytes_are_thrown_away(server, tmp_path, arriving, match):
    address, mirror = server
    (mirror / "images").write_bytes(arriving)
    entry = entry_of(FILES, {name: (address + name,) for name in FILES})
    with pytest.raises(DataError, match=match):
        fetch("mnist", data_dir=tmp_path / "data", entry=entry)
    assert list((tmp_path / "data/sub/raw").iterdir()) == []


def test_an_archive_gives_its_members_and_nothing_else(server, tmp_path):
    address, mirror = server
    buffer = io.BytesIO()
    contents = {"batches/one.bin": b"1", "batches/two.bin": b"2", "../escape": b"x", "batches/readme": b"r"}
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("batches/three.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    archive = buffer.getvalue()
    (mirror / "a.tar.gz").write_bytes(archive)
    layout = Layout("cifar-binary", "batches", (FileEntry("one.bin", ("md5:0",)),), (FileEntry("two.bin", ("md5:0",)),))

    def entry(members: tuple[str, ...]) -> CatalogueEntry:
        download = Download((address + "a.tar.gz",), "a.tar.gz", sha256(archive), len(archive), "batches", members)
        return replace(CATALOGUE["cifar10"], layouts=(layout,), downloads=(download,))

    with pytest.raises(DataError, match="the archive lacks three"):
        fetch("cifar10", data_dir=tmp_path / "data", entry=entry(("one.bin", "three.bin")))
    folder = fetch("cifar10", data_dir=tmp_path / "data", entry=entry(("one.bin", "two.bin")))
    assert sorted(path.name for path in (tmp_path / "data").rglob("*") if path.is_file()) == ["one.bin", "two.bin"]
    assert (folder / "two.bin").read_bytes() == b"2"
    assert not (tmp_path / "escape").exists()


def test_files_of_the_user_are_not_overwritten(server, tmp_path):
    address, _ = server
    own = tmp_path / "data/sub/raw/images"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(DataError, match="move"):
        fetch("mnist", data_dir=tmp_path / "data", entry=entry_of(FILES, {name: (address + name,) for name in FILES}))
    assert own.read_bytes() == b"mine"


def test_refusals(tmp_path):
    with pytest.raises(DataError, match="SLTH_OFFLINE"):
        fetch("mnist", data_dir=tmp_path, offline=True)
    with pytest.raises(ArgumentError, match="needs no download"):
        fetch("digits", data_dir=tmp_path)
    with pytest.raises(ArgumentError, match="not a known"):
        fetch("svhn", data_dir=tmp_path)
    local = entry_of(FILES, dict.fromkeys(FILES, ("file:///etc/passwd",)))
    with pytest.raises(DataError, match="only http"):
        fetch("mnist", data_dir=tmp_path, entry=local)
    nobody = entry_of(FILES, dict.fromkeys(FILES, ("http://127.0.0.1:9/x",)))
    with pytest.raises(DataError, match="no mirror delivered images"):
        fetch("mnist", data_dir=tmp_path, entry=nobody)
