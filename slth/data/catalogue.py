"""The data sets that are known by name: where their files lie and which bytes are the official ones.

The folder layout is the one that torchvision writes, so a folder filled by either serves both. Checksums of the IDX
files are those of the original archives (their MD5 sums are the published ones); those of CIFAR-10 are the published
MD5 sums of the Python version and the SHA-256 sums that downloaders of the binary version carry.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FileEntry:
    """One file of a data set."""

    name: str
    checksums: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """One way in which a data set may lie in a folder.

    Parameters
    ----------
    kind : {"idx", "cifar-binary", "cifar-pickled"}
        Which reader understands the files.
    folder : str
        Path below the data folder.
    train, test : tuple of FileEntry
        For ``idx`` the images and the labels, in this order; else the batches.
    """

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


def _idx_entry(
    name: str, folder: str, mirrors: tuple[str, ...], files: tuple[tuple[int, str, str], ...], citation: str
) -> CatalogueEntry:
    """Entry of a data set of four IDX files; ``files`` holds (compressed size, its sha256, sha256 when unpacked)."""
    packed = [FileEntry(f"{stem}.gz", (f"sha256:{gz}",)) for stem, (_, gz, _) in zip(IDX_NAMES, files, strict=True)]
    plain = [FileEntry(stem, (f"sha256:{raw}",)) for stem, (_, _, raw) in zip(IDX_NAMES, files, strict=True)]
    layouts = tuple(
        Layout("idx", folder, (entries[0], entries[1]), (entries[2], entries[3])) for entries in (packed, plain)
    )
    downloads = tuple(
        Download(tuple(f"{mirror}{stem}.gz" for mirror in mirrors), f"{stem}.gz", gz, size, folder)
        for stem, (size, gz, _) in zip(IDX_NAMES, files, strict=True)
    )
    return CatalogueEntry(name, (1, 28, 28), 10, 255.0, layouts, downloads, citation)


_MNIST = _idx_entry(
    "mnist",
    "MNIST/raw",
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    (
        (
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        (
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        (
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        (
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. Gradient-based learning applied to document recognition. 1998",
)

_FASHION = _idx_entry(
    "fashion-mnist",
    "FashionMNIST/raw",
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    (
        (
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        (
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        (
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        (
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    "H. Xiao, K. Rasul, R. Vollgraf. Fashion-MNIST. arXiv:1708.07747, 2017",
)

_CIFAR_BINARY = (
    ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
    ("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
    ("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
    ("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
    ("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
    ("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
)
_CIFAR_PICKLED = (
    ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
    ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
    ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
    ("data_batch_4", "634d18415352ddfa80567beed471001a"),
    ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    ("test_batch", "40351d587109b95175f43aff81a1287e"),
)


def _cifar_layout(kind: str, folder: str, algorithm: str, files: tuple[tuple[str, str], ...]) -> Layout:
    entries = tuple(FileEntry(name, (f"{algorithm}:{checksum}",)) for name, checksum in files)
    return Layout(kind, folder, entries[:5], entries[5:])


_CIFAR10 = CatalogueEntry(
    "cifar10",
    (3, 32, 32),
    10,
    255.0,
    (
        _cifar_layout("cifar-binary", "cifar-10-batches-bin", "sha256", _CIFAR_BINARY),
        _cifar_layout("cifar-pickled", "cifar-10-batches-py", "md5", _CIFAR_PICKLED),
    ),
    (
        Download(
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            "cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
            "cifar-10-batches-bin",
            tuple(name for name, _ in _CIFAR_BINARY),
        ),
    ),
    "A. Krizhevsky. Learning multiple layers of features from tiny images. University of Toronto, 2009",
)

CATALOGUE: dict[str, CatalogueEntry] = {entry.name: entry for entry in (_MNIST, _FASHION, _CIFAR10)}
"""Data sets that lie in files; ``digits`` and ``synthetic`` need none."""

BUNDLED: tuple[str, ...] = ("digits", "synthetic")
"""Data sets that are there as soon as the package is installed."""

NAMES: tuple[str, ...] = (*BUNDLED, *CATALOGUE)
"""Every name that :func:`slth.data.datasets.load` knows."""
