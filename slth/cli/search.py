"""``slth search``: strong tickets by score, one verb a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, table_of
from slth.cli.search_names import METHODS, OPTIONS, OTHERS
from slth.cli.searching import (
    RANKING,
    TARGET,
    WEIGHTS,
    Anneal,
    Density,
    Options,
    Ranking,
    Rule,
    Structure,
    Weights,
    run_method,
)
from slth.cli.targets import Trained


def ls(*, common: Common = COMMON) -> Outcome:
    """List the methods, and the published recipes that `slth bench NAME` runs with the accuracies expected of them."""
    named = {**METHODS, **{name: line for name, (_, line) in OTHERS.items()}}
    methods = [{"name": name, "about": line} for name, line in named.items()]
    options = [{"name": name, "about": line} for name, line in OPTIONS.items()]
    recipes = _recipes()

    def show() -> list[RenderableType]:
        keys = ("name", "method", "model", "data", "epochs", "expected")
        known = table_of([(one["name"], one["about"]) for one in methods], ("method", "what it does"))
        published = table_of([[one[key] for key in keys] for one in recipes], ("recipe", *keys[1:-1], "accuracy, %"))
        return [
            known,
            "",
            table_of([(one["name"], one["about"]) for one in options], ("option of all methods", "what it does")),
            "",
            "slth search METHOD --help tells its options",
            "",
            published,
            "",
            "slth bench RECIPE runs one",
        ]

    return Outcome("search ls", common, {"methods": methods, "options": options, "recipes": recipes}, show)


def _recipes() -> list[dict[str, Any]]:
    """Return the published recipes that came with this installation, cell by cell."""
    from slth.benchmarks.runner import find_benchmarks
    from slth.cli.places import repository_folder

    folder = repository_folder("benchmarks", "*.toml")
    files = [] if folder is None else sorted(folder.glob("*.toml"))
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    names = [name for name, text in texts.items() if '"search-recipe"' in text or '"permuted-tasks"' in text]
    found = [] if folder is None or not names else find_benchmarks(folder, names)
    keys = ("method", "model", "data", "epochs", "expected", "within", "source")
    return [{"name": one.name, **{key: cell.get(key) for key in keys}} for one in found for cell in one.cells()]


def edge_popup(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    signed: Annotated[bool, Parameter(help="A kept weight is multiplied by the sign of its score.")] = False,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search a subnetwork of a random network by scores, never training a weight, and write it as a ticket.

    Density is kept / total, of each layer or of all together. A tenth of the training examples is held out: the ticket
    is that of the epoch which was best on it, and accuracy is measured on the test set. Inputs are standardised by mean
    and deviation of the training examples, channel by channel; the JSON summary names both. Writes net.ticket,
    report.html and the summary; `slth.apply_to(module, slth.load_ticket("net.ticket"))` makes the network from it.
    """
    return run_method("edge-popup", ranking.options(anneal=anneal, signed=signed), weights, target, common)


def iterand(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    rate: Annotated[float, Parameter(help="Share of the removed weights that is drawn again; 0 is edge-popup.")] = 0.1,
    period: Annotated[int, Parameter(help="Steps between two refreshes.")] = 300,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search as edge-popup does, and draw a share of the removed weights again every few steps (IteRand).

    The ticket stores which of its random numbers each kept weight has.
    """
    return run_method("iterand", ranking.options(anneal=anneal, rate=rate, period=period), weights, target, common)


def biprop(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search a network of binary weights: signs times one number for each layer (biprop, multi-prize tickets)."""
    return run_method("biprop", ranking.options(anneal=anneal), weights, target, common)


def partially_frozen(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    locked: Annotated[float, Parameter(help="Share that is always kept, at most the density.")] = 0.25,
    pruned: Annotated[float, Parameter(help="Share that is always removed, at most 1 - density.")] = 0.25,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search as edge-popup does, with shares of the weights kept and removed at random beforehand."""
    options = ranking.options(anneal=anneal, locked=locked, pruned=pruned)
    return run_method("partially-frozen", options, weights, target, common)


def multicoated(
    *,
    ranking: Ranking = RANKING,
    coats: Annotated[int, Parameter(help="Nested masks, of densities that fall along a line.")] = 3,
    signed: Annotated[bool, Parameter(help="A kept weight is multiplied by the sign of its score too.")] = False,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search nested masks: a weight is multiplied by the number of those that keep it (multicoated supermasks)."""
    return run_method("multicoated", ranking.options(coats=coats, signed=signed), weights, target, common)


def signed_supermask(
    *,
    threshold: Annotated[float, Parameter(help="Scores above it are kept, below its negative negated.")] = 0.01,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search which weights to keep, negate or remove, by a threshold on scores; the density is an outcome."""
    return run_method("signed-supermask", {"threshold": threshold}, weights, target, common)


def slots(
    *,
    values: Annotated[int, Parameter(help="Random numbers that each weight chooses among.")] = 8,
    draw: Annotated[
        Literal["greedy", "sampled"], Parameter(help="Steps take the number of largest score, or draw by softmax.")
    ] = "greedy",
    removable: Annotated[bool, Parameter(help="A weight may also be removed.")] = False,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search which of several random numbers each weight is (slot machines)."""
    return run_method("slots", {"values": values, "draw": draw, "removable": removable}, weights, target, common)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Gates(Options):
    """Random gates, and what thins them out."""

    density: Annotated[
        float | None, Parameter(help="kept / total; none: every gate that is likelier open than not is kept.")
    ] = 0.1
    structure: Structure = "weights"
    decay: Annotated[float, Parameter(help="Factor of the expected number of open gates in the loss.")] = 0.0
    balance: Annotated[float, Parameter(help="How strongly the density is held, beside the loss.")] = 0.5


GATES = Gates()


def gem_miner(
    *,
    density: Density = 0.02,
    structure: Structure = "weights",
    period: Annotated[int, Parameter(help="Epochs between two events at which scores are frozen out.")] = 1,
    decay: Annotated[float | None, Parameter(help="Factor of the squared scores; 2e-6 / density by default.")] = None,
    unflag: Annotated[bool, Parameter(help="The ticket also keeps what is not frozen out but rounded to 0.")] = False,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search rounded scores, and freeze a share of them out every few epochs (Gem-Miner): for low densities."""
    options = {"density": density, "structure": structure, "period": period, "decay": decay, "unflag": unflag}
    return run_method("gem-miner", options, weights, target, common)


def concrete(
    *,
    gates: Gates = GATES,
    temperature: Annotated[float, Parameter(help="Of the relaxation: the lower, the harder the gates.")] = 2.0 / 3.0,
    stretch: Annotated[float, Parameter(help="How far gates are stretched beyond 0 and 1, where they are cut.")] = 0.0,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search relaxed random gates by their log-odds (Concrete); --density holds it, or --decay alone thins out."""
    return run_method("concrete", gates.options(temperature=temperature, stretch=stretch), weights, target, common)


def bernoulli(
    *,
    gates: Gates = GATES,
    rescale: Annotated[bool, Parameter(help="Weights times total / kept, layer by layer.")] = False,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search masks that are drawn in each step, by their log-odds (Bernoulli supermasks)."""
    return run_method("bernoulli", gates.options(rescale=rescale), weights, target, common)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Pruning(Options):
    """What a baseline keeps."""

    density: Density = 0.5
    allocation: Annotated[
        Rule | None,
        Parameter(help="How the density is shared among the layers; all weights are ranked together without one."),
    ] = None
    structure: Structure = "weights"


PRUNING = Pruning()


def random(
    *,
    pruning: Pruning = PRUNING,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep weights of a random network at random: what every search is compared with."""
    return run_method("random", pruning.options(), weights, target, common)


def magnitude(
    *,
    pruning: Pruning = PRUNING,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep the largest weights of a random network, whose law is one of weights that differ in size."""
    return run_method("magnitude", pruning.options(), weights, target, common)


Rounds = Annotated[int, Parameter(help="In how many rounds weights are removed and the others scored again.")]


def snip(
    *,
    pruning: Pruning = PRUNING,
    rounds: Rounds = 1,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep the weights whose removal changes the loss most (SNIP); the mask is made to be trained, and near chance."""
    return run_method("snip", pruning.options(rounds=rounds), weights, target, common)


def grasp(
    *,
    pruning: Pruning = PRUNING,
    rounds: Rounds = 1,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep the weights that preserve the flow of gradients (GraSP); the mask is made to be trained, and near chance."""
    return run_method("grasp", pruning.options(rounds=rounds), weights, target, common)


def synflow(
    *,
    pruning: Pruning = PRUNING,
    rounds: Rounds = 100,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep the paths of largest weight without looking at data (SynFlow); the mask is made to be trained."""
    return run_method("synflow", pruning.options(rounds=rounds), weights, target, common)


def evolution(
    *,
    pruning: Pruning = PRUNING,
    generations: Annotated[int, Parameter(help="How often children are made and the best of all kept.")] = 100,
    weights: Weights = WEIGHTS,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search without any gradient: masks are mutated, and those of least loss survive. For small networks."""
    return run_method("evolution", pruning.options(generations=generations), weights, target, common)
