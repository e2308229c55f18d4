"""The end of a vector pursuit: annealing over a window of short candidates."""

from __future__ import annotations

import math

import numpy as np

from slth.arrays import Bools, Floats
from slth.subset_sum.pursuit_steps import Annealed, Norm, Steps, Walks, Window, distance

# Settings measured on candidates u v with normal u and v (D = 10, 72, 144): the error is flat around each of them, and
# falls like (levels * sweeps)^-0.07.
ROUNDS = 4  # of walks; all but the first start from the best so far
REHEAT = 2.0  # what those may climb to, in units of the error that they start from
LEVELS_PER_UNIT = 8.0  # temperatures for each factor e
MOST_LEVELS = 240
COOLING = 50.0  # first temperature over last, at least
PRICE = 1.0  # of one candidate too many or too few, in temperatures, where the number is fixed
NEGLIGIBLE = 1e-36  # |x|^2 of candidates that float32 cannot hold beside 1
LARGEST_WINDOW = 4096  # whose Gram matrix takes 64 MiB


def window_size(dimension: int) -> int:
    """How many of the shortest candidates to anneal.

    Fewer leave too little choice, more cost time: between 8 and 16 for each dimension the error is flat.
    """
    return min(LARGEST_WINDOW, max(64, 8 * dimension))


def anneal_window(
    rows: Floats,
    residual: Floats,
    start: Bools,
    *,
    beam: int,
    fixed: bool = False,
    norm: Norm = "l2",
    tolerance: float = 0.0,
    heat: float | None = None,
) -> Steps[Annealed]:
    """The best of `beam` annealing walks, then of half as many from there and reheated, a few times while that helps.

    Shapes: rows float64[M, D]; residual float64[D]; start bool[M].
    """
    first = Annealed(start.copy(), distance(residual - rows[start].sum(axis=0), norm), 0)
    largest = max(float(np.max(np.abs(rows), initial=0.0)), float(np.max(np.abs(residual), initial=0.0)))
    unit = math.ldexp(1.0, min(math.frexp(largest)[1], 1023))  # a power of two: exact, and no square overflows
    lengths = np.einsum("ij,ij->i", rows / unit, rows / unit)
    useful = np.flatnonzero(lengths > NEGLIGIBLE)
    useful = useful[np.argsort(lengths[useful], kind="stable")]
    if first.error <= tolerance or len(useful) == 0 or beam == 0:
        return first
    offset = residual - rows[start & (lengths <= NEGLIGIBLE)].sum(axis=0)
    window = Window(rows[useful] / unit, offset / unit, PRICE if fixed else 0.0, norm)
    scaled = yield from _rounds(window, start[useful], beam, tolerance / unit, None if heat is None else heat / unit)
    if scaled.error * unit >= first.error:
        return Annealed(first.chosen, first.error, scaled.flips)
    chosen = start.copy()
    chosen[useful] = scaled.chosen
    return Annealed(chosen, scaled.error * unit, scaled.flips)


def _rounds(window: Window, start: Bools, beam: int, tolerance: float, heat: float | None) -> Steps[Annealed]:
    best = Annealed(start, window.error(start, window.norm), 0)
    flips = place = 0
    for done in range(ROUNDS):
        before = best
        climb = window.error(best.chosen, "l2") if heat is None else heat
        places = range(place, place + (beam if done == 0 else max(1, beam // 2)))
        found = yield Walks(window, places, best.chosen, _temperatures(window, climb), tolerance)
        assert isinstance(found, list), "walks are answered by walks"
        for walked in found:
            flips += walked.flips
            if walked.error < best.error:
                best = walked
        if best.error <= tolerance or (done > 0 and best is before):
            break
        place = places.stop
        heat = REHEAT * window.error(best.chosen, "l2")
    return Annealed(best.chosen, best.error, flips)


def _temperatures(window: Window, climb: float) -> Floats:
    """Falling geometrically from where |r|^2 = D T / 2 is climb^2 to where short candidates freeze."""
    # Equipartition: each of the D squares of the residual holds T / 2. With candidates of all scales the D shortest
    # are free to the end, and what they cannot do freezes at a tenth of the |x|^2 of the longest of them.
    dimension = len(window.residual)
    freezing = 0.1 * float(window.squares[min(dimension, len(window.squares) - 1)])
    longest = float(window.squares[-1])
    hot = max(min(2.0 * climb * climb / dimension, longest), 1e-12 * longest)
    cold = max(min(freezing, hot / COOLING), 1e-12 * hot)
    levels = min(MOST_LEVELS, max(8, math.ceil(LEVELS_PER_UNIT * math.log(hot / cold))))
    return np.asarray(np.geomspace(hot, cold, levels))
