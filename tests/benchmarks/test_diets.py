"""The recipe of tickets on a data diet runs, goes on where it was stopped, and says what is expected."""

import json

import numpy as np
import pytest

from slth.benchmarks.contenders import Declined
from slth.benchmarks.diets import data_diet
from slth.benchmarks.runner import find_benchmarks
from slth.cli.places import repository_folder
from slth.errors import ArgumentError, DataError
from slth.networks import prunable_weights, resnet_cifar

CELL = {
    "model": "mlp", "data": "digits", "epochs": 3, "milestones": [2], "rate": 0.05, "way": "easy", "size": 64,
    "steps": 8, "levels": 2, "runs": 2, "score_epochs": 1, "limit": 400, "expected": {"easy": 40.0}, "within": 1.0,
}  # fmt: skip


def test_levels_stand_beside_what_is_expected_and_scores_are_made_once(tmp_path):
    row = data_diet({**CELL, "folder": tmp_path}, 0)[0].run()
    assert {"level_0", "level_1", "level_2"} <= row.keys()
    assert row["density"] == pytest.approx(0.64, abs=0.01)
    assert row["lowest_expected"] == 0.39
    assert row["holds"] == (row["level_2"] >= 0.39)
    files = sorted((tmp_path / "mlp-easy-0" / "scores").iterdir())
    assert [path.name for path in files] == ["0.json", "1.json"]
    before = [path.stat().st_mtime_ns for path in files]
    again = data_diet({**CELL, "folder": tmp_path}, 0)[0].run()
    assert again == row
    assert [path.stat().st_mtime_ns for path in files] == before
    assert data_diet(CELL, 0)[0].run() == row
    kept = json.loads(files[0].read_text())
    assert len(kept["scores"]) == 400


def test_scores_of_another_job_and_damaged_ones_are_refused(tmp_path):
    data_diet({**CELL, "folder": tmp_path, "levels": 1}, 0)[0].run()
    with pytest.raises(ArgumentError, match="holds scores of another"):
        data_diet({**CELL, "folder": tmp_path, "rate": 0.01}, 0)[0].run()
    (tmp_path / "mlp-easy-0" / "scores" / "1.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read as scores"):
        data_diet({**CELL, "folder": tmp_path}, 0)[0].run()


def test_the_published_recipe_runs_on_a_few_images(tmp_path):
    (benchmark,) = find_benchmarks(repository_folder("benchmarks", "*.toml"), ["data_diet_resnet20"])
    cells = benchmark.cells()
    assert [cell["way"] for cell in cells] == ["easy", "random", "hard", "all", "none"]
    assert prunable_weights(resnet_cifar(20, shortcut="projection")) == 270_896
    rng, labels = np.random.default_rng(0), np.arange(30) % 3
    pixels = rng.integers(0, 256, (30, 3, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "few", x_train=pixels, y_train=labels, x_test=pixels[:9], y_test=labels[:9])
    small = {"epochs": 1, "milestones": [1], "batch_size": 10, "size": 10, "steps": 1, "levels": 1, "runs": 1}
    cell = {**cells[0], **small, "score_epochs": 1, "data": str(tmp_path / "few.npz")}
    assert data_diet(cell, 0)[0].run()["density"] == pytest.approx(0.8, abs=0.001)


def test_data_that_are_missing_decline(tmp_path):
    with pytest.raises(Declined, match="cifar10"):
        data_diet({**CELL, "data": "cifar10", "data_dir": [tmp_path]}, 0)
