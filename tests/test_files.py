import enum
import errno
import io
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.files import dumps, plain, write_bytes, write_json, write_text


class Colour(enum.IntEnum):
    RED = 1

    @property
    def label(self):
        return "red"


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_like))
def test_every_document_is_strict_json_and_reads_back(document):
    read = json.loads(dumps(document), parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))

    def same(ours, theirs):
        if isinstance(ours, float) and not math.isfinite(ours):
            return isinstance(theirs, str) and str(float(theirs)) == str(ours)
        if isinstance(ours, dict):
            return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
        if isinstance(ours, list):
            return len(ours) == len(theirs) and all(map(same, ours, theirs))
        return type(ours) is type(theirs) and ours == theirs

    assert same(document, read)


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("slth.files.os.fdopen", lambda descriptor, _: os.close(descriptor) or Full())
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_text(tmp_path / "a.csv", "1")
    assert caught.value.filename == str(tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_our_own_types():
    document = {
        "array": np.array([[1.5, np.nan]]), "scalar": np.int64(3), "flag": np.True_,
        "path": Path("a"), "enum": Colour.RED, 1: (1, 2),
    }  # fmt: skip
    assert plain(document) == {
        "array": [[1.5, "nan"]], "scalar": 3, "flag": True, "path": "a", "enum": "red", "1": [1, 2]
    }  # fmt: skip
    with pytest.raises(TypeError, match="object has no JSON form"):
        plain({"x": object()})


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.json"
    write_text(path, "äöü\n")
    assert path.read_bytes() == "äöü\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(TypeError):
        write_json(path, {"x": object()})
    with pytest.raises(TypeError):
        write_bytes(path, "text")  # type: ignore[arg-type]
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]
    assert path.read_text(encoding="utf-8") == "äöü\n"
