"""Hypothesis profiles (`dev` for a quick look, `ci` repeatable and thorough, `deep` for an evening) and real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]  # kernels compile inside the first example
settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=QUIET)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, suppress_health_check=QUIET)
settings.register_profile("deep", max_examples=5000, deadline=None, suppress_health_check=QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with real data sets; tests that need it are skipped without it."""
    folder = os.environ.get("SLTH_DATA_DIR")
    if not folder:
        pytest.skip("SLTH_DATA_DIR names no folder with data sets")
    return Path(folder).resolve()
