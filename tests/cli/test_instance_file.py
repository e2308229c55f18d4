import csv
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.arrays import finite_array
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
        ("\ufeff1, 2\n", [1, 2]),
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


UNREAD = {
    "decimal commas in one column": ("12,34\n5,66\n", "one number or several"),
    "decimal commas between semicolons": ("12,34;5,66;9,10\n", "has '12,34' in line 1, cell 1"),
    "decimal commas between tabs": ("12,34\t5,66\n", "in line 1, cell 2, which is no number"),
    "decimal commas in quotes": ('"12,34"\n"5,66"\n', "has '12,34' in line 1, cell 1"),
    "decimal commas under a header": ("amount\n12,34\n5,66\n", "lines of 1 and of 2 cells, its header included"),
    "thousands": ("amount\n1,234.56\n", "lines of 1 and of 2 cells"),
    "thousands without a header": ("1,234.56\n2,345.00\n", "one number or several"),
    "millions": ("1,234,567\n-7,654,321\n", "one number or several"),
    "two integers": ("1,2\n3,4\n", "and ', ' or ';' between numbers"),
    "decimal commas, thousands by points": ("1.234,56\n2,5\n", "one number or several"),
    "nothing": ("\n\n", "holds no number: write one"),
    "a header alone": ("x\n", "holds no number: write one"),
    "thousands by spaces": ("1 234\n5 678\n", "one number or several"),
    "thousands by fixed spaces": ("1\u00a0234\n5\u202f678\n", "in line 1, cell 1, which is no number"),
    "empty cells": ("a,b,c\n1,,3\n4,5,\n", "has nothing in line 2, cell 2, where a number is missing"),
    "a cell that ends a line": ("1;2\n3;\n", "has nothing in line 2, cell 2"),
    "a cell that begins a line": ("1\t2\n\t4\n", "has nothing in line 2, cell 1"),
    "a short header": ("a,b\n1,2,3\n", "lines of 2 and of 3 cells"),
    "two separators": ("1;2\n3,5\n", "'3,5' in line 2, cell 1"),
    "numbers side by side in a cell": ("1;2 3\n", "'2 3' in line 1, cell 2"),
    "an open quote": ('"1;2\n3;4\n', "close every quote"),
    "underlines": ("1_000\n", "'1_000' in line 1"),
    "other digits": ("\u0661\n", "which is no number"),
    "underflow": ("1e-400\n", "too small for float64"),
}


@pytest.mark.parametrize("case", UNREAD)
def test_what_might_be_another_number_is_refused_by_line_and_cell(tmp_path, case):
    text, message = UNREAD[case]
    path = tmp_path / "v.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArgumentError) as refused:
        read_values(path)
    assert message in str(refused.value)


numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.floats(-1e4, 1e4).map(lambda x: round(x, 2)), st.integers(-99, 99)
)


@st.composite
def dialects(draw):
    class Dialect(csv.Dialect):
        delimiter = draw(st.sampled_from(",;\t |:"))
        quotechar = draw(st.sampled_from("\"'"))
        quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
        lineterminator = draw(st.sampled_from(["\n", "\r\n", "\r"]))

    return Dialect


@given(
    table=st.integers(1, 4).flatmap(
        lambda d: st.lists(st.lists(numbers, min_size=d, max_size=d), min_size=1, max_size=5)
    ),
    dialect=dialects(),
    header=st.booleans(),
    mark=st.sampled_from("._\u00a0,"),
    bom=st.booleans(),
)
@settings(max_examples=300)
def test_any_table_in_any_dialect_is_read_as_its_numbers_or_refused(
    tmp_path_factory, table, dialect, header, mark, bom
):
    """The decimal mark is a point, or one that makes other numbers: those are never read."""
    path = tmp_path_factory.mktemp("t") / "v.csv"
    with path.open("w", newline="", encoding="utf-8-sig" if bom else "utf-8") as file:
        writer = csv.writer(file, dialect)
        if header:
            writer.writerow([f"column{k}" for k in range(len(table[0]))])
        writer.writerows([[repr(x).replace(".", mark) for x in row] for row in table])
    try:
        found = finite_array(read_values(path), "values")
    except ArgumentError:
        return
    wanted = [[Fraction(x) for x in row] for row in table]
    flat = [x for row in wanted for x in row]
    shape = (len(flat),) if len(table) == 1 or len(table[0]) == 1 else (len(table), len(table[0]))
    assert found.shape == shape
    assert [Fraction(x) for x in found.ravel().tolist()] == flat


@pytest.mark.parametrize(
    "quoted", ['"12.34"\r\n"5.66"\r\n', '\ufeff"amount"\r\n"12.34"\r\n"5.66"\r\n', "'12.34'\n5.66"]
)
def test_cells_of_spreadsheets(tmp_path, quoted):
    path = tmp_path / "v.csv"
    path.write_text(quoted, encoding="utf-8", newline="")
    assert read_values(path).tolist() == [12.34, 5.66]


def test_numbers_of_more_digits_are_not_rounded_silently(tmp_path):
    wide = np.array([1, 3], np.longdouble)
    np.save(tmp_path / "exact.npy", wide / 4)
    assert read_values(tmp_path / "exact.npy").tolist() == [0.25, 0.75]
    if np.finfo(np.longdouble).nmant == np.finfo(np.float64).nmant:
        pytest.skip("long doubles are doubles here")
    for name, values in [("third", wide / 3)]:
        np.save(tmp_path / f"{name}.npy", values)
        with pytest.raises(ArgumentError, match="more digits than float64"), np.errstate(over="ignore"):
            finite_array(read_values(tmp_path / f"{name}.npy"), "values")


def test_integers_that_float64_cannot_hold_are_refused(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text(f"{2**53}\n{2**53 + 1}\n")
    with pytest.raises(ArgumentError, match=r"'9007199254740993' in line 2, cell 1, an integer"):
        read_values(path)
    path.write_text(f"{2**60}\n1e400\n")
    assert read_values(path).tolist() == [2.0**60, np.inf]
