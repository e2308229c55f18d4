"""``slth env``."""

from __future__ import annotations

from rich.console import RenderableType

from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, key_value_table


def env(*, common: Common = COMMON) -> Outcome:
    """Versions, processors, threads and devices, to paste into a question."""
    from slth.grids.environment import describe_environment

    data = describe_environment()

    def show() -> list[RenderableType]:
        flat = {
            key: ", ".join(f"{name} {item}" for name, item in value.items()) if isinstance(value, dict) else value
            for key, value in data.items()
        }
        return [key_value_table(flat)]

    return Outcome("env", common, data, show)
