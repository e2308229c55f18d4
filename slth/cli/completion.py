"""``slth completion``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import RenderableType
from rich.text import Text

from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="For which shell.")],
    /,
    *,
    app: Annotated[App, Parameter(parse=False)],
    common: Common = COMMON,
) -> Outcome:
    """A script by which a shell completes verbs, options and choices: `source <(slth completion bash)`."""
    script = app.generate_completion(shell=shell)

    def show() -> list[RenderableType]:
        return [Text(script, no_wrap=True, end="")]

    return Outcome("completion", common, {"shell": shell, "script": script}, show)
