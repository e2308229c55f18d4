"""Run notebooks and store what they show: ``python tests/tools/run_notebooks.py notebooks/*.ipynb``."""

from __future__ import annotations

import sys
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient


def run(path: str) -> None:
    """Run one notebook in an empty folder; when its cells ran is not stored, so that only results make a difference."""
    notebook = nbformat.read(path, as_version=4)
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, record_timing=False, coalesce_streams=True, resources=resources).execute()
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for one in sys.argv[1:]:
        run(one)
