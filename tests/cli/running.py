"""Running the command line inside this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from slth.cli import main
from tests.json_keys import faults


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one object on stdout, whatever it holds; fails where there is more or less."""
        document: dict[str, Any] = json.loads(self.out, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
        return document

    @property
    def json(self) -> dict[str, Any]:
        """The same; fails where it is not what ``docs/verbs.toml`` says of the verb, too."""
        document = self.document
        found = faults(document)
        assert not found, found
        return document


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    # Whether kernels have to be compiled depends on who ran before.
    said = [line for line in captured.err.splitlines(keepends=True) if not line.startswith("slth: compiling kernels")]
    return Ran(code, captured.out, "".join(said))
