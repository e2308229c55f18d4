import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ResultsError
from slth.grids.tables import csv_text, read_csv, write_csv

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=5)


@given(rows=st.lists(st.fixed_dictionaries({"a": TEXTS, "b,[c]": TEXTS}), max_size=4))
def test_what_is_written_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    write_csv(path, rows, ["a", "b,[c]"])
    assert read_csv(path) == rows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (csv_text([{"a": 1, "b": 2, "c": 3}] * 2, "abc")[:-3], "has 2 cells in line 3 and 3 in its header"),
        ("a,b\n1,2,3\n", "has 3 cells in line 2 and 2 in its header"),
        ("a,b\n\n1,2\n", "has 0 cells in line 2"),
        ("", "has no header"),
        ("\n", "has no header"),
        ('a,b\n1,"2', "is no table"),
        ("a\n" + "1" * 200_000, "is no table"),
    ],
)
def test_ragged_tables_are_refused(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ResultsError, match=words):
        read_csv(tmp_path / "t.csv")


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"a\n\xff\n")
    with pytest.raises(ResultsError, match="is no table"):
        read_csv(tmp_path / "t.csv")
