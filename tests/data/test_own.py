import io
import pickle
import zipfile

import numpy as np
import pytest

from slth.data.datasets import load
from slth.data.own import read_own
from slth.errors import ArgumentError


def arrays(**changes):
    generator = np.random.default_rng(1)
    labels = np.array([0, 1, 2, 0, 1])
    given = {
        "x_train": generator.integers(0, 256, (5, 3, 4, 6), dtype=np.uint8),
        "y_train": labels,
        "x_test": generator.integers(0, 256, (2, 3, 4, 6), dtype=np.uint8),
        "y_test": labels[:2],
    }
    return {name: array for name, array in {**given, **changes}.items() if array is not None}


def saved(folder, **changes):
    path = folder / "mine.npz"
    np.savez(path, **arrays(**changes))
    return path


def refusal(path):
    with pytest.raises(ArgumentError) as caught:
        read_own(path)
    assert str(path) in caught.value.value
    assert caught.value.argument == "data"
    return f"{caught.value.rule}: {caught.value.remedy}"


def test_images_of_bytes(tmp_path):
    path, given = saved(tmp_path), arrays()
    data = load(str(path))
    assert (data.name, data.shape, data.classes, data.features) == ("mine", (3, 4, 6), 3, 72)
    assert np.array_equal(data.train_inputs, given["x_train"].reshape(5, 72))
    assert np.array_equal(data.inputs("test"), (given["x_test"].reshape(2, 72) / np.float32(255)).astype(np.float32))
    assert data.labels("train").dtype == np.int64
    assert np.array_equal(data.labels("train"), given["y_train"])
    assert data.provenance["source"] == "mine.npz"
    assert not data.test_inputs.flags.writeable
    np.savez_compressed(path, **given)
    again = load(str(path))
    assert again.provenance["arrays_sha256"] == data.provenance["arrays_sha256"]
    assert again.provenance["file_sha256"] != data.provenance["file_sha256"]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f8", np.longdouble])
def test_vectors_of_floats(tmp_path, kind):
    inputs = np.linspace(0.0, 1.0, 35).reshape(5, 7).astype(kind)
    data = read_own(saved(tmp_path, x_train=inputs, x_test=inputs[:2], y_train=np.array([0, 1, 1, 0, 2], np.uint8)))
    assert (data.shape, data.scale) == ((7,), 1.0)
    assert data.inputs("train").dtype == np.float32
    assert np.array_equal(data.inputs("train"), inputs.astype(np.float32))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint16, ">i4"])
def test_integers_in_rows_are_tokens(tmp_path, kind):
    tokens = np.arange(35).reshape(5, 7).astype(kind)
    data = read_own(saved(tmp_path, x_train=tokens, x_test=tokens[:2] + 3))
    assert (data.shape, data.features, data.are_tokens, data.vocabulary) == ((7,), 7, True, 35)
    assert data.inputs("train", limit=2).dtype == np.int64
    assert np.array_equal(data.inputs("test"), tokens[:2].astype(int) + 3)
    images = load(str(saved(tmp_path)))
    assert (images.are_tokens, images.vocabulary) == (False, None)


def test_images_without_an_axis_of_channels_have_one(tmp_path):
    images = np.zeros((5, 4, 6), np.uint8)
    assert read_own(saved(tmp_path, x_train=images, x_test=images[:2])).shape == (1, 4, 6)


X, Y = np.zeros((5, 7)), np.array([0, 1, 2, 0, 1])
ODD = X.copy()
ODD[3, 2] = np.nan
LARGE = X.copy()
LARGE[4, 6] = 1.0 + 1e-12


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_test": None}, "holds no x_test: numpy.savez"),
        ({"x_train": None, "y_test": None}, "holds no x_train and no y_test"),
        ({"x_train": ODD, "x_test": X[:2]}, "holds nan in x_train, at [3, 2]: scale"),
        ({"x_train": X, "x_test": -X[:2] - 0.5}, "holds -0.5 in x_test, at [0, 0]"),
        ({"x_train": LARGE, "x_test": X[:2]}, "in x_train, at [4, 6]"),
        ({"x_train": X + np.inf, "x_test": X[:2]}, "holds inf in x_train"),
        ({"x_train": X[0], "x_test": X[:2]}, "holds x_train of shape [7]: give [N, features]"),
        ({"x_train": X, "x_test": X[:0]}, "holds x_test of shape [0, 7]"),
        ({"x_train": X, "x_test": X[:2, :6]}, "shape [7] in x_train and [6] in x_test: give both the same"),
        ({"x_train": X, "x_test": np.zeros((2, 7), np.uint8)}, "holds float64 in x_train and uint8 in x_test"),
        ({"x_train": X.astype(int), "x_test": X[:2]}, "holds int64 in x_train and float64 in x_test: give both"),
        ({"x_train": X.astype(int) - 3, "x_test": X[:2].astype(int)}, "holds -3 in x_train, which is no token index"),
        ({"x_train": np.full((5, 7), 2**40), "x_test": X[:2].astype(int)}, "holds 1099511627776 in x_train, which is"),
        ({"x_train": np.zeros((5, 7, 7), int)}, "holds int64 in x_train: save x_train.astype(numpy.uint8)"),
        ({"x_train": X.astype(bool)}, "holds bool in x_train"),
        ({"x_train": X.astype(complex)}, "holds complex128 in x_train"),
        ({"x_train": X.astype(str)}, "in x_train"),
        ({"x_train": np.zeros((5, 32, 32, 3), np.uint8)}, "channels last: save numpy.moveaxis(x_train, 3, 1)"),
        ({"y_train": Y.astype(float)}, "holds float64 in y_train: save y_train.astype(int)"),
        ({"y_train": Y.astype(bool)}, "holds bool in y_train"),
        ({"y_train": Y[:4]}, "holds y_train of shape [4] for 5 inputs of x_train"),
        ({"y_test": np.eye(2, dtype=int)}, "holds y_test of shape [2, 2] for 2 inputs of x_test: save y_test.argmax"),
        ({"y_train": Y - 1}, "holds the label -1 in y_train"),
        ({"y_train": Y + 1}, "holds no label 0 in y_train"),
        ({"y_train": np.where(Y == 1, 7, Y)}, "holds no label 1 in y_train"),
        ({"y_train": np.full(5, 2**64 - 1, np.uint64)}, "holds the label 18446744073709551615 in y_train"),
        ({"y_train": 0 * Y}, "holds one class in y_train"),
        ({"y_test": np.array([0, 3])}, "holds the label 3 in y_test, which y_train has not"),
    ],
)
def test_what_breaks_a_rule_is_named(tmp_path, changes, words):
    assert words in refusal(saved(tmp_path, **changes))


class Trap:
    def __reduce__(self):
        return pytest.fail, ("it was executed",)


def test_objects_are_never_opened(tmp_path):
    path = saved(tmp_path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["y_test.npy"] = header.getvalue() + pickle.dumps(Trap())
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert "holds Python objects in y_test: save numbers" in refusal(path)
    path.write_bytes(pickle.dumps(Trap()))
    assert "is no .npz file" in refusal(path)


def test_files_that_are_none(tmp_path):
    assert "is not a file" in refusal(tmp_path / "nowhere.npz")
    assert "is not a file" in refusal(tmp_path)
    path = saved(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "is no .npz file" in refusal(path)
    at = content.index(arrays()["x_train"].tobytes()[:50])
    path.write_bytes(content[:at] + bytes(50) + content[at + 50 :])
    assert "holds something damaged in" not in refusal(path) or "x_train" in refusal(path)
    path.write_bytes(b"")
    assert "is no .npz file" in refusal(path)
    with pytest.raises(ArgumentError, match=r"name a file of your own, \*\.npz"):
        load("mine")


@pytest.mark.parametrize("cut", range(0, 4000, 97))
def test_a_damaged_file_is_refused_or_means_the_same(tmp_path, cut):
    """Whatever single byte is changed."""
    path = saved(tmp_path)
    wanted = read_own(path).provenance["arrays_sha256"]
    content = bytearray(path.read_bytes())
    content[cut % len(content)] ^= 0x41
    path.write_bytes(content)
    try:
        found = read_own(path).provenance["arrays_sha256"]
    except ArgumentError:
        assert refusal(path)
    else:
        assert found == wanted
