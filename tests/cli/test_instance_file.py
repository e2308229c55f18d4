import numpy as np
import pytest

from slth.cli.instance_file import read_values
from slth.errors import ArgumentError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x\n1\n2\n", [1, 2]),
        ("x,y_2\n1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("\"a weight\", 'b'\n1,2\n", [1, 2]),
        ("weight (kg); größe [m]\n1;2\n", [1, 2]),
        ("# made today\nvalues\n\n0.5 -1e-3\n", [0.5, -1e-3]),
        ("\ufeff1,2\n", [1, 2]),
        ("\ufeffx\n1\n", [1]),
        ("1\r\n2\r\n", [1, 2]),
    ],
)
def test_text(tmp_path, text, expected):
    path = tmp_path / "v.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_values(path).tolist() == expected


@pytest.mark.parametrize(
    ("text", "word", "line", "cell"),
    [
        ("1.O\n2\n3\n", "1.O", 1, 1),
        ("O.5\n2\n", "O.5", 1, 1),
        ("l.5\n2\n", "l.5", 1, 1),
        ("1e-O5\n2\n", "1e-O5", 1, 1),
        ("-.5x\n2\n", "-.5x", 1, 1),
        ("2x\n2\n", "2x", 1, 1),
        ("x,1.O\n1,2\n", "1.O", 1, 2),
        ("x,1.0\n1,2\n", "x", 1, 1),
        ("0.5,two\n1,2\n", "two", 1, 2),
        ("x\ny\n1\n", "y", 2, 1),
        ("1\n2\nthree\n", "three", 3, 1),
    ],
)
def test_a_mistyped_number_is_no_header(tmp_path, text, word, line, cell):
    path = tmp_path / "v.csv"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=rf"has {word!r} in line {line}, cell {cell},"):
        read_values(path)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("content", [b"", b"not an array at all", bytes(200)])
def test_what_is_no_numpy_file(tmp_path, suffix, content):
    path = tmp_path / f"v{suffix}"
    path.write_bytes(content)
    with pytest.raises(ArgumentError, match="is not a NumPy file: save an array"):
        read_values(path)


def test_archives(tmp_path):
    np.savez(tmp_path / "none.npz")
    with pytest.raises(ArgumentError, match="holds no array"):
        read_values(tmp_path / "none.npz")
    np.savez(tmp_path / "several.npz", a=np.ones(2), b=np.ones(2))
    with pytest.raises(ArgumentError, match=r"holds several arrays \(a, b\)"):
        read_values(tmp_path / "several.npz")
    np.savez(tmp_path / "one.npz", a=np.ones(2))
    assert read_values(tmp_path / "one.npz").tolist() == [1.0, 1.0]


def test_numbers_of_more_digits_are_not_rounded_silently(tmp_path):
    wide = np.array([1, 3], np.longdouble)
    np.save(tmp_path / "exact.npy", wide / 4)
    assert read_values(tmp_path / "exact.npy").tolist() == [0.25, 0.75]
    if np.finfo(np.longdouble).nmant == np.finfo(np.float64).nmant:
        pytest.skip("long doubles are doubles here")
    for name, values in (("third", wide / 3), ("large", wide * np.longdouble(2) ** 2000)):
        np.save(tmp_path / f"{name}.npy", values)
        with pytest.raises(ArgumentError, match="more digits than float64"):
            read_values(tmp_path / f"{name}.npy")


def test_integers_that_float64_cannot_hold_are_refused(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text(f"{2**53}\n{2**53 + 1}\n")
    with pytest.raises(ArgumentError, match=r"9007199254740993 in line 2"):
        read_values(path)
    path.write_text(f"{2**60}\n1e400\n")
    assert read_values(path).tolist() == [2.0**60, np.inf]
