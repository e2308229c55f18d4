import csv
import json
import math

import pytest

from slth.errors import ArgumentError, ResultsError
from slth.grids import export
from slth.grids.export import export_rows, latex_text, markdown_text
from slth.grids.intervals import clopper_pearson
from slth.grids.results import result_table
from slth.grids.spec import Experiment, canonical
from slth.grids.summary import summarize
from slth.grids.work import Finished

ROWS = [
    {"law": "a_b|c", "n": 5, "error": 1.25e-7, "size": 3, "mixed": 1},
    {"law": "50 %", "n": 6, "error": float("nan"), "size": None, "mixed": "x"},
    {"law": "é", "n": 7, "error": -0.5, "size": 4, "mixed": 0.5},
]
COLUMNS = ["law", "n", "error", "size", "mixed"]


def table(study_rows, cells=({"n": 1}, {"n": 2})):
    """A table with one item for each list of rows, replicates of the cells in turn."""
    replicates = len(study_rows) // len(cells)
    experiment = Experiment(name="a", task="t", replicates=replicates, grids=({"n": [cell["n"] for cell in cells]},))
    items = [
        Finished((canonical(cell), replicate), tuple(study_rows[place * replicates + replicate]))
        for place, cell in enumerate(cells)
        for replicate in range(replicates)
    ]
    return result_table(experiment, items)


def test_counts_are_summed_and_get_their_interval():
    found = summarize(table([[{"successes": s, "trials": 10}] for s in (1, 2, 10, 10)]))
    assert [(row["n"], row["replicates"], row["successes"], row["trials"]) for row in found] == [
        (1, 2, 3, 20),
        (2, 2, 20, 20),
    ]
    assert found[0]["rate"] == 0.15
    assert (found[0]["low"], found[0]["high"]) == (clopper_pearson(3, 20).low, clopper_pearson(3, 20).high)
    assert found[1]["high"] == 1.0
    narrow = summarize(table([[{"successes": 1, "trials": 10}]] * 2), confidence=0.5)
    assert narrow[0]["low"] == clopper_pearson(1, 10, confidence=0.5).low


def test_medians_and_quantiles_by_hand():
    found = summarize(
        table([[{"error": e, "seconds": 9.0}] for e in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)] * 2)
    )
    row = found[0]
    assert (row["error"], row["error_q10"]) == (4.5, pytest.approx(0.9))
    assert row["error_q90"] == pytest.approx(8.2)
    assert "seconds" not in row


INFINITE = math.inf


@pytest.mark.parametrize(
    ("values", "median", "low", "high"),
    [
        ([INFINITE] * 5, INFINITE, INFINITE, INFINITE),
        ([1.0, 2.0, INFINITE, INFINITE, INFINITE], INFINITE, 1.4, INFINITE),
        ([-INFINITE, -INFINITE, -INFINITE, 3.0, 3.0], -INFINITE, -INFINITE, 3.0),
    ],
)
def test_infinite_values_have_infinite_quantiles(values, median, low, high):
    (row,) = summarize(table([[{"error": value, "other": n}] for n, value in enumerate(values)], cells=({"n": 1},)))
    assert row["error"] == median
    assert row.get("error_q10", median) == pytest.approx(low)
    assert row.get("error_q90", median) == pytest.approx(high)


def test_rows_of_one_item_are_kept_apart():
    terms = [
        [{"term": term, "solver": "x", "error": replicate + term / 10} for term in (0, 1)] for replicate in range(3)
    ]
    found = summarize(table(terms, cells=({"n": 1},)))
    assert [(row["term"], row["replicates"], row["error"]) for row in found] == [(0, 3, 1.0), (1, 3, 1.1)]
    assert "term_q10" not in found[0]  # the same in all replicates
    assert "error_q10" in found[0]


def test_nothing_and_texts():
    rows = [[{"error": None, "status": "declined"}], [{"error": 0.5, "status": "ok"}]]
    found = summarize(table(rows, cells=({"n": 1},)))
    assert [(row["status"], row["error"]) for row in found] == [("declined", None), ("ok", 0.5)]


def test_csv_and_json_hold_every_digit(tmp_path):
    export_rows(tmp_path / "t.csv", ROWS, COLUMNS, to="csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [row["law"] for row in read] == ["a_b|c", "50 %", "é"]
    assert float(read[0]["error"]) == 1.25e-7
    assert read[1]["size"] == ""
    export_rows(tmp_path / "t.json", ROWS, COLUMNS, to="json")
    document = json.loads((tmp_path / "t.json").read_text(), parse_constant=lambda text: pytest.fail(text))
    assert document["rows"][0] == ROWS[0]
    assert document["rows"][1] == {"law": "50 %", "n": 6, "error": "nan", "size": None, "mixed": "x"}


def test_markdown():
    lines = markdown_text(ROWS, COLUMNS).splitlines()
    assert lines[1] == "| --- | ---: | ---: | ---: | --- |"
    assert lines[2] == r"| a_b\|c | 5 | 1.25e-07 | 3 | 1 |"


def test_latex():
    text = latex_text(ROWS, COLUMNS, title="errors & 50 %")
    lines = text.splitlines()
    assert r"\caption{errors \& 50 \%}" in lines
    assert r"\begin{tabular}{lrrrl}" in lines
    assert r"a\_b|c & 5 & $1.25 \cdot 10^{-7}$ & 3 & 1 \\" in lines
    assert r"50 \% & 6 & -- &  & x \\" in lines
    assert r"é & 7 & $-0.5$ & 4 & 0.5 \\" in lines
    assert (
        latex_text([{"a": "x^2~\\"}], ["a"]).splitlines()[5]
        == r"x\textasciicircum{}2\textasciitilde{}\textbackslash{} \\"
    )


def test_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export_rows(tmp_path / "t.parquet", ROWS, COLUMNS, to="parquet")
    read = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert [row["law"] for row in read] == ["a_b|c", "50 %", "é"]
    assert read[0]["error"] == 1.25e-7
    assert read[1]["size"] is None
    assert [row["mixed"] for row in read] == ["1", "x", "0.5"]


def test_parquet_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ResultsError, match=r"slth\[analysis\]"):
        export_rows(tmp_path / "t.parquet", ROWS, COLUMNS, to="parquet")
    assert not list(tmp_path.iterdir())


def test_unknown_formats(tmp_path):
    with pytest.raises(ArgumentError, match="did you mean 'latex'"):
        export_rows(tmp_path / "t", ROWS, COLUMNS, to="latx")
    assert set(export.FORMATS) == {"csv", "md", "latex", "json", "parquet"}


def test_tables_are_whole_or_not_there(tmp_path, monkeypatch):
    export_rows(tmp_path / "t.csv", ROWS, COLUMNS, to="csv")
    before = (tmp_path / "t.csv").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    with pytest.raises(OSError, match="No space left"):
        export_rows(tmp_path / "t.csv", ROWS[:1], COLUMNS, to="csv")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_bytes() == before
