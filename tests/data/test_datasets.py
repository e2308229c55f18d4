import gzip
import pickle
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from slth.data.catalogue import CATALOGUE, IDX_NAMES, NAMES
from slth.data.datasets import DataWarning, load
from slth.data.official import Verdict, locate, matches, verify
from slth.errors import ArgumentError, DataError
from tests.data.samples import idx_bytes, small_mnist


def small_cifar(folder: Path, *, pickled: bool) -> list[np.ndarray]:
    generator = np.random.default_rng(6)
    layout = CATALOGUE["cifar10"].layouts[1 if pickled else 0]
    (folder / layout.folder).mkdir(parents=True)
    batches = []
    for file in (*layout.train, *layout.test):
        images, labels = generator.integers(0, 256, (3, 3072), dtype=np.uint8), generator.integers(0, 10, 3)
        if pickled:
            content = pickle.dumps({b"data": images, b"labels": labels.tolist()})
        else:
            content = np.concatenate([labels[:, None].astype(np.uint8), images], axis=1).tobytes()
        (folder / layout.folder / file.name).write_bytes(content)
        batches.append(images)
    return batches


def test_digits_are_all_there_and_split_once():
    from sklearn.datasets import load_digits

    digits, again = load("digits"), load("digits", seed=7)
    assert np.array_equal(digits.train_inputs, again.train_inputs)
    everything = np.concatenate([digits.train_inputs, digits.test_inputs])
    assert sorted(map(bytes, everything)) == sorted(map(bytes, load_digits().data.astype(np.uint8)))
    assert (digits.train_inputs.shape, digits.test_inputs.shape) == ((1437, 64), (360, 64))
    assert np.bincount(digits.test_labels).min() >= 20
    scaled = digits.inputs("train")
    assert scaled.dtype == np.float32
    assert scaled.min() == 0.0
    assert scaled.max() == 1.0
    with pytest.raises(ValueError, match="read-only"):
        digits.train_inputs[0, 0] = 1


def test_synthetic_depends_on_its_seed_alone():
    first, second, other = load("synthetic"), load("synthetic"), load("synthetic", seed=1)
    assert first.provenance["arrays_sha256"] == second.provenance["arrays_sha256"] != other.provenance["arrays_sha256"]
    for data in (first, other):
        assert np.bincount(data.train_labels, minlength=4).min() > 50
        assert 0.0 < data.train_inputs.min() < data.train_inputs.max() < 1.0


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_other_bytes_are_accepted_with_a_warning(tmp_path, packed, name):
    arrays = small_mnist(tmp_path, packed=packed, name=name)
    with pytest.warns(DataWarning, match="other bytes than the official ones"):
        data = load(name, data_dir=tmp_path)
    assert np.array_equal(data.train_inputs.reshape(-1, 28, 28), arrays["train"])
    assert np.array_equal(data.test_labels, arrays["test_labels"])
    assert data.inputs("train", limit=3).shape == (3, 784)
    assert data.provenance["verdict"] == Verdict.OTHER_BYTES.value
    assert all(value.startswith("sha256:") for value in data.provenance["files"].values())


@pytest.mark.parametrize("pickled", [True, False])
def test_both_versions_of_cifar10(tmp_path, pickled):
    batches = small_cifar(tmp_path, pickled=pickled)
    with pytest.warns(DataWarning):
        data = load("cifar10", data_dir=[tmp_path / "nothing", tmp_path])
    assert data.shape == (3, 32, 32)
    assert np.array_equal(data.train_inputs, np.concatenate(batches[:5]))
    assert np.array_equal(data.test_inputs, batches[5])


def test_wrong_structure_is_refused(tmp_path):
    small_mnist(tmp_path)
    labels = tmp_path / "MNIST/raw/t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx_bytes(np.zeros(7, np.uint8))))
    report = verify(CATALOGUE["mnist"], [tmp_path])
    assert report.verdict is Verdict.WRONG_STRUCTURE
    with pytest.raises(DataError, match="5 images and 7 labels"):
        load("mnist", data_dir=tmp_path)
    labels.unlink()
    assert "lacks t10k-labels-idx1-ubyte.gz" in verify(CATALOGUE["mnist"], [tmp_path]).advice()
    assert locate(CATALOGUE["mnist"], [tmp_path]) is None


def test_missing_data_say_where_they_were_sought(tmp_path):
    with pytest.raises(DataError, match=r"slth data fetch mnist") as caught:
        load("mnist", data_dir=[tmp_path / "a", tmp_path / "b"])
    assert str(tmp_path / "a") in str(caught.value)
    assert caught.value.exit_code == 1


def test_unknown_names_and_splits():
    with pytest.raises(ArgumentError, match="choose one of digits, synthetic, mnist"):
        load("nmist")
    with pytest.raises(ArgumentError, match="train or test"):
        load("synthetic").inputs("validation")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="at least 1"):
        load("synthetic").labels("test", limit=0)


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_checksums_are_the_standard_ones(algorithm, digest):
    """The digests of "abc" in RFC 1321 and FIPS 180-4."""
    assert matches(b"abc", [f"{algorithm}:{digest}"])
    assert not matches(b"abd", [f"{algorithm}:{digest}"])


def test_the_catalogue_is_complete():
    for entry in CATALOGUE.values():
        assert entry.name in NAMES
        for layout in entry.layouts:
            assert all(file.checksums for file in (*layout.train, *layout.test))
        assert {file for download in entry.downloads for file in (download.members or (download.name,))} == {
            file.name for file in (*entry.layouts[0].train, *entry.layouts[0].test)
        }


@pytest.mark.data
@pytest.mark.parametrize(("name", "mean"), [("mnist", 0.1307), ("fashion-mnist", 0.2860)])
def test_the_real_files_are_official(data_dir, name, mean):
    if locate(CATALOGUE[name], [data_dir]) is None:
        pytest.skip(f"{name} is not in {data_dir}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load(name, data_dir=data_dir)
    assert data.provenance["verdict"] == Verdict.OFFICIAL.value
    assert len(data.train_labels) == 60_000
    assert len(data.test_labels) == 10_000
    assert abs(data.train_inputs.mean() / 255.0 - mean) < 5e-5  # the published mean, to four digits


@pytest.mark.data
def test_an_unpacked_official_file_is_official_too(data_dir, tmp_path):
    entry = CATALOGUE["mnist"]
    if locate(entry, [data_dir]) is None:
        pytest.skip(f"mnist is not in {data_dir}")
    target = tmp_path / entry.layouts[1].folder
    target.mkdir(parents=True)
    for file in (*entry.layouts[0].train, *entry.layouts[0].test):
        with (
            gzip.open(data_dir / entry.layouts[0].folder / file.name) as packed,
            (target / file.name[:-3]).open("wb") as plain,
        ):
            shutil.copyfileobj(packed, plain)
    assert verify(entry, [tmp_path]).verdict is Verdict.OFFICIAL


@pytest.mark.data
def test_real_cifar10_has_its_published_statistics(data_dir):
    if locate(CATALOGUE["cifar10"], [data_dir]) is None:
        pytest.skip(f"cifar10 is not in {data_dir}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # it may be a reconstruction
        data = load("cifar10", data_dir=data_dir)
    means = data.train_inputs.reshape(50_000, 3, 1024).mean(axis=(0, 2)) / 255.0
    assert np.allclose(means, [0.4914, 0.4822, 0.4465], atol=2e-4)
    assert np.bincount(data.train_labels).tolist() == [5000] * 10


def test_messages_name_the_file_that_is_looked_for(tmp_path):
    """MNIST's files flat in the folder, half of them packed, and not there at all."""
    with pytest.raises(DataError, match=r"MNIST/raw/train-images-idx3-ubyte\.gz or .* is looked for"):
        load("mnist", data_dir=tmp_path)
    (tmp_path / "train-images-idx3-ubyte").touch()
    with pytest.raises(DataError, match=r"lies flat in .*: move its files into .*MNIST/raw"):
        load("mnist", data_dir=tmp_path)
    folder = tmp_path / "MNIST/raw"
    folder.mkdir(parents=True)
    for name, ending in zip(IDX_NAMES, ("", "", "", ".gz"), strict=True):
        (folder / f"{name}{ending}").touch()
    with pytest.raises(DataError, match=r"raw lacks t10k-labels-idx1-ubyte; pack or unpack t10k-labels-"):
        load("mnist", data_dir=tmp_path)
