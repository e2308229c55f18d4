"""Running the command line inside this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from slth.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; fails where there is more or less."""
        document: dict[str, Any] = json.loads(self.out, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
        return document


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    # Whether kernels have to be compiled depends on who ran before.
    said = [line for line in captured.err.splitlines(keepends=True) if not line.startswith("slth: compiling kernels")]
    return Ran(code, captured.out, "".join(said))
