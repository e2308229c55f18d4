"""Options that verbs share, as frozen dataclasses that cyclopts lays out flat."""

# Annotations are values here, not texts: subclasses of these options stand in modules that lack some of the names.
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, validators

Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    Parameter(help="Where tensors are computed; auto takes an NVIDIA GPU where there is one."),
]

FLAG: dict[str, Any] = {"negative": "", "show_default": False}
"""Of what is off unless it is asked for."""


def _folder(kind: Any, tokens: Any) -> Path:
    """Return a folder that has a name: an empty text would be the one that slth is run in."""
    del kind
    if not tokens[0].value.strip():
        raise ValueError("an empty text names no folder: use . for the one that slth is run in")
    return Path(tokens[0].value)


def place_of(token: Any) -> str:
    """Which file or variable says so; nothing of what was typed."""
    return {"cli": "", "env": f" (in {token.keyword})"}.get(token.source, f" (in {token.source})")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Common:
    """What every verb takes."""

    json: Annotated[bool, Parameter(help="Print exactly one JSON object on stdout.", **FLAG)] = False
    seed: Annotated[
        int,
        Parameter(validator=validators.Number(gte=0, lt=2**64), help="Seed of everything random; always reported."),
    ] = 0
    out: Annotated[Path | None, Parameter(converter=_folder, help="Folder for files; created where missing.")] = None
    config: Annotated[Path | None, Parameter(help="TOML file with a table per verb.")] = None
    verbose: Annotated[bool, Parameter(help="Progress as plain lines where stderr is no terminal.", **FLAG)] = False
    quiet: Annotated[bool, Parameter(help="No progress at all.", **FLAG)] = False
    debug: Annotated[bool, Parameter(help="Show the traceback of an internal error.", **FLAG)] = False


COMMON = Common()

DataDir = Annotated[
    Path | None,
    Parameter(
        name="--data-dir", env_var="SLTH_DATA_DIR", help="Folder with MNIST/raw, cifar-10-batches-bin and so on."
    ),
]
Jobs = Annotated[int | None, Parameter(help="Threads; all cores by default.")]
TensorBoard = Annotated[
    Path | None,
    Parameter(name="--tensorboard", converter=_folder, help="Folder to write the traces to, for TensorBoard to show."),
]
