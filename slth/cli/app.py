"""The tree of commands. Each is named by a string and imported when it runs, so that help stays instant."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from cyclopts import App
from cyclopts.config import Env

from slth import __version__
from slth.cli.configuration import (
    PREFIX,
    file_named_on_the_command_line,
    read_file,
    read_project,
    refuse_fractions,
    warn_of_unknown_variables,
)
from slth.cli.places import user_folder
from slth.cli.search_names import METHODS, OTHERS

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("slth.cli.demo:demo", "Train, prune a random network to match, save, reload, certify: the whole story."),
    "solve": ("slth.cli.solve:solve", "Solve one subset-sum instance from a file or a law."),
    "run": ("slth.cli.run:run", "Compute a grid of experiments, resumable, on this machine or a cluster."),
    "figure": ("slth.cli.figure:figure", "Draw the paper figures from their tables, or compute them again."),
    "bench": ("slth.cli.bench:bench", "Run the benchmark grids against named peers in the same run."),
    "verify": ("slth.cli.verify:verify", "Hunt for counter-examples to bounds and certificates; measure constants."),
    "completion": ("slth.cli.completion:completion", "What lets bash, zsh or fish complete verbs and options."),
    "env": ("slth.cli.env:env", "Versions, processors, threads and devices, to paste into a question."),
}
"""Verbs without sub-commands: where the function is, and its line in the help."""

GROUPS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "bound": (
        "The literature's bounds: list, explain, evaluate, compare.",
        {
            "ls": ("slth.cli.bound:ls", "All bounds: what each is about and how well it is known."),
            "show": ("slth.cli.bound:show", "What one bound says, assumes and takes."),
            "cite": ("slth.cli.bound:cite", "One bound for a paper: BibTeX and LaTeX."),
            "compare": ("slth.cli.compare:compare", "What every theorem demands for your own network."),
            "eval": ("slth.cli.bound:evaluate", "The value of one bound, as `slth bound eval KEY --eps 0.01`."),
        },
    ),
    "construct": (
        "Execute a proof: a ticket for a trained network.",
        {
            "per-weight": ("slth.cli.construct:per_weight", "Every weight a subset sum, on any network."),
            "structured": ("slth.cli.construct:structured", "Whole channels of a random network removed."),
            "shallow": ("slth.cli.construct:shallow", "Chains of linear layers, one layer more."),
        },
    ),
    "search": (
        "Search a strong ticket by scores: a mask over random weights that are never trained.",
        {
            "ls": ("slth.cli.search:ls", "All methods and published recipes; --list says the same."),
            **{name: (f"slth.cli.search:{name.replace('-', '_')}", line) for name, line in METHODS.items()},
            **OTHERS,
        },
    ),
    "train": (
        "Find trainable tickets: masks whose survivors are trained.",
        {
            "imp": ("slth.cli.train:imp", "Iterative magnitude pruning: train, remove the smallest, go back, again."),
            "colt": (
                "slth.cli.train:colt",
                "Overlapping tickets: what trainings on two halves of the classes agree on.",
            ),
            "iht": ("slth.cli.train:iht", "Iterative hard thresholding: the largest weights alone, then all, again."),
            "dsd": (
                "slth.cli.train:dsd",
                "Dense-sparse-dense training: removed connections return, and it ends dense.",
            ),
            "dro": ("slth.cli.robust:dro", "Calibrated ensembles: masks of one random network, for harder examples."),
            "data-diet": (
                "slth.cli.robust:data_diet",
                "Tickets of networks that began on easy, hard or random examples.",
            ),
            "connectivity": ("slth.cli.robust:connectivity", "The error on straight paths between two children."),
        },
    ),
    "ticket": (
        "Look into, check and evaluate a ticket file.",
        {
            "info": ("slth.cli.ticket:info", "What a ticket file says about itself."),
            "verify": ("slth.cli.ticket:verify", "Regenerate the kept weights and compare their hash."),
            "eval": ("slth.cli.ticket:evaluate", "Accuracy of a ticket on a data set."),
            "certify": ("slth.cli.certify:certify", "Where target and ticket provably give one class, input by input."),
            "shrink": ("slth.cli.ticket:shrink", "Write what a ticket keeps as a small network, and time it."),
            "export": ("slth.cli.ticket:export", "Write a searched ticket's weights: dense, csr, n:m or ONNX."),
        },
    ),
    "results": (
        "Tables of runs: look at them, plot them, export them.",
        {
            "ls": ("slth.cli.results:ls", "Runs and how far each is."),
            "show": ("slth.cli.results:show", "A run by cell: rates with intervals, medians and quantiles."),
            "plot": ("slth.cli.plot:plot", "A column of a run against another, with its spread."),
            "export": ("slth.cli.results:export", "A run as csv, md, latex, json or parquet."),
        },
    ),
    "data": (
        "Data sets: list, check, download.",
        {
            "ls": ("slth.cli.data:ls", "Known data sets and whether they are here."),
            "verify": ("slth.cli.data:verify", "Compare files with the official checksums and structure."),
            "fetch": ("slth.cli.data:fetch", "Download a data set from its public mirror."),
        },
    ),
}
"""Verbs with sub-commands."""

ALIASES = {"search ls": "--list"}
"""Verbs that have another name too."""


def prepare_help(app: App, tokens: Iterable[str]) -> None:
    """Let the help of a verb be its whole docstring, and let its usage name the arguments that may be many.

    The one line by which lists show a verb would else be all of its help: it is said without importing the verb.
    """
    verbs, apps, _ = app.parse_commands([token for token in tokens if token not in app.help_flags])
    asked = apps[-1]
    if not verbs or asked.default_command is None:
        return
    asked.help = None
    parameters = inspect.signature(asked.default_command).parameters.values()
    many = next((parameter.name for parameter in parameters if parameter.kind is parameter.VAR_POSITIONAL), None)
    if many is not None:
        asked.usage = f"Usage: {' '.join((*app.name, *verbs))} [OPTIONS] [{many.upper()}...]"


def build_app() -> App:
    """Build the command tree with its layers of configuration.

    Command line over environment (``SLTH_SOLVE_TOLERANCE``) over ``--config FILE`` over ``slth.toml`` in this folder
    over ``slth/config.toml`` in the user's configuration folder.
    """
    verbs = [(name,) for name in COMMANDS] + [(group, name) for group, (_, names) in GROUPS.items() for name in names]
    app = App(
        name="slth",
        help="Strong lottery tickets by random subset sum: solvers, constructions, certificates, portable tickets.",
        help_epilogue="Any option can be set by SLTH_VERB_OPTION or in slth.toml; `slth VERB --help` lists them.",
        version=__version__,
        config=[
            Env(PREFIX, command=True, show=False),
            partial(warn_of_unknown_variables, verbs),
            partial(file_named_on_the_command_line, verbs),
            partial(read_file, verbs, Path("slth.toml")),
            partial(read_project, verbs, Path("pyproject.toml")),
            partial(read_file, verbs, user_folder("XDG_CONFIG_HOME", ".config") / "config.toml"),
            refuse_fractions,
        ],
        suppress_keyboard_interrupt=False,
        default_parameter=None,
    )
    for name, (target, summary) in COMMANDS.items():
        app.command(target, name=name, help=summary)
    for group, (summary, commands) in GROUPS.items():
        branch = App(name=group, help=summary)
        for name, (target, line) in commands.items():
            branch.command(target, name=name, help=line, alias=ALIASES.get(f"{group} {name}"))
        app.command(branch)
    return app
