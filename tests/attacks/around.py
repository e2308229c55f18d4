"""Certificates around inputs: no input of a ball shows more than was certified there, in float64 and in float32.

``python -m tests.attacks.around TARGET TICKET --data digits`` asks the same of files, and says how near it came.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from slth.api import to_torch
from slth.certificates import certify
from slth.certificates.balls import balls_around
from slth.constructions import PerWeight, Structured
from slth.data.datasets import load
from slth.graphs.file import load_graph
from slth.networks.ascent import climb, functions_of
from slth.tickets import load_ticket
from tests.attacks._hunt import hunt
from tests.certificates.samples import points_of, random_graph, random_ticket

ATTACKED = 0.1  # of all inputs
ENDS = {torch.float64: "float64_allowance", torch.float32: "float32_allowance"}
AT_ONCE = 2000
FORMS = ("folded", "small", "masked")


def case_of(rng):
    """Return a target, a ticket, inputs, a radius and the limits of balls."""
    target = random_graph(rng, blocks=int(rng.integers(1, 4)), loud=bool(rng.random() < 0.2))
    kind = ("random", "per-weight", "structured")[rng.integers(3)]
    if kind == "random":
        ticket = random_ticket(rng, target, units=int(rng.integers(1, 4)))
    else:
        few = PerWeight(candidates=int(rng.integers(1, 12)))
        method = few if kind == "per-weight" else Structured(channels=int(rng.integers(1, 30)), gain="unit")
        ticket, _ = method.ticket(target)
    inputs = rng.uniform(-1.0, 1.0, (2, *target.input_shape)).astype(np.float32).astype(np.float64)
    radius = float(rng.choice([0.0, 1e-3, 0.02, 0.3]))
    return kind, target, ticket, inputs, radius, None if rng.random() < 0.5 else (-1.0, 1.0)


def climbed(rng, functions, ball, many):
    """Inputs of a ball at which gradient ascent ends: on the difference of each output, both ways."""
    one, two = functions
    low, high = (torch.from_numpy(np.array(end))[None] for end in ball)
    begin = torch.from_numpy(points_of(rng, ball, many))
    outputs = one(begin[:1]).shape[1]
    directions = torch.from_numpy(
        rng.choice([-1.0, 1.0], (many, 1)) * np.eye(outputs)[rng.integers(outputs, size=many)]
    )
    found, _ = climb(
        lambda x: two(x) - one(x), begin, directions, (low.expand_as(begin), high.expand_as(begin)), steps=10
    )  # fmt: skip
    return np.clip(found.numpy(), *ball)


def within(points, ball):
    """Points as numbers of float32 that lie in the ball."""
    low, high = ball
    near = points.astype(np.float32)
    near = np.where(near > high, np.nextafter(near, np.float32(-np.inf)), near)
    near = np.where(near < low, np.nextafter(near, np.float32(np.inf)), near)
    inside = ((near >= low) & (near <= high)).reshape(len(near), -1).all(axis=1)
    return near[inside]


def seen(rng, target, ticket, certificate, balls, many):
    """Inputs tried, the largest difference in parts of what may be, by precision, and margins that are too small."""
    functions = {dtype: functions_of(target, ticket, dtype) for dtype in ENDS}
    count, ratios, below = 0, dict.fromkeys(ENDS, 0.0), []
    rows = zip(balls, certificate.errors, certificate.margins, certificate.classes, strict=True)
    for number, (ball, error, margin, own) in enumerate(rows):
        for start in range(0, many, AT_ONCE):
            here = min(AT_ONCE, many - start)
            aimed = climbed(rng, functions[torch.float64], ball, max(1, int(ATTACKED * here)))
            points = np.concatenate([aimed, points_of(rng, ball, here - len(aimed))])
            count += len(points)
            for dtype, name in ENDS.items():
                allowance = getattr(certificate, name)
                x = points if dtype == torch.float64 else within(points, ball)
                if not len(x):
                    continue
                with torch.no_grad():
                    one, two = (each(torch.from_numpy(x)).double().numpy() for each in functions[dtype])
                most = error + allowance
                difference = np.abs(two - one).max()
                ratios[dtype] = max(ratios[dtype], difference / most if difference else 0.0)
                for values in (one, two):
                    others = np.delete(values, own, axis=1).max(axis=1, initial=-np.inf)
                    if not (values[:, own] - others >= margin - 2.0 * allowance).all():
                        below.append(
                            f"input {number}, {dtype}: margin {(values[:, own] - others).min():.3g} < {margin:.3g}"
                        )
    return count, ratios, below


def rounded_off(rng, target, ticket, certificate, balls):
    """By how many allowances float32 moves the difference of both networks, form by form: no certificate hides it."""
    allowance = certificate.float32_allowance + certificate.float64_allowance
    theirs = to_torch(target, dtype=torch.float32)
    for form in FORMS:
        ours = to_torch(ticket, form=form, dtype=torch.float32)
        for ball in balls:
            x = within(points_of(rng, ball, 50), ball)
            wide = x.astype(np.float64)
            with torch.no_grad():
                seen = (ours(torch.from_numpy(x)).double() - theirs(torch.from_numpy(x)).double()).numpy()
            moved = np.abs(seen - (ticket.forward(wide) - target.forward(wide))).max(initial=0.0)
            yield form, moved / allowance if moved else 0.0


def faults_of(rng, target, ticket, inputs, radius, box):
    """What was found beyond the certificate, and rounding beyond its allowance."""
    certificate = certify(target, ticket, inputs=inputs, radius=radius, input_box=box)
    _, balls = balls_around(target.input_shape, inputs, radius, box)
    _, ratios, below = seen(rng, target, ticket, certificate, balls, 200)
    yield from (f"{ratio:.6g} of what may be, {dtype}" for dtype, ratio in ratios.items() if not ratio <= 1.0)
    yield from below
    if np.isfinite(certificate.float32_allowance):  # nothing is said of what may overflow
        moved = rounded_off(rng, target, ticket, certificate, balls)
        yield from (f"{form} in float32: {ratio:.6g} of the allowance" for form, ratio in moved if not ratio <= 1.0)


def run(*, seconds: float, seed: int) -> list[str]:
    """Attack certificates around inputs for so many seconds; return what is beyond them, by the seed of the case."""
    return hunt(case_of, faults_of, seconds=seconds, seed=seed)


def main() -> int:
    """Attack the certificates of files around test inputs, and say how near it came."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.around")
    parser.add_argument("target", type=Path)
    parser.add_argument("ticket", type=Path)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--inputs", type=int, default=12)
    parser.add_argument("--radii", type=int, nargs="*", default=[1, 4], help="in 255ths")
    parser.add_argument("--many", type=int, default=5000, help="inputs of each ball")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    target, ticket = load_graph(options.target), load_ticket(options.ticket)
    inputs = load(options.data).inputs("test")[: options.inputs].reshape(-1, *target.input_shape).astype(np.float64)
    faults = 0
    for radius in options.radii:
        where = {"radius": radius / 255, "input_box": (0.0, 1.0)}
        certificate = certify(target, ticket, inputs=inputs, **where)
        _, balls = balls_around(target.input_shape, inputs, where["radius"], where["input_box"])
        rng = np.random.default_rng([options.seed, radius])
        count, ratios, below = seen(rng, target, ticket, certificate, balls, options.many)
        told = ", ".join(f"{str(dtype)[6:]} {ratio:.4f}" for dtype, ratio in ratios.items())
        sys.stdout.write(
            f"{radius}/255: {count} inputs, largest difference / bound: {told}; {len(below)} margins below\n"
        )
        sys.stdout.flush()
        faults += len(below) + sum(not ratio <= 1.0 for ratio in ratios.values())
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
