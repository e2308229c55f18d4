"""The verbs of ``slth search``: what each method does, in a line."""

from __future__ import annotations

METHODS: dict[str, str] = {
    "edge-popup": "Scores are trained, and the weights of largest score kept.",
    "iterand": "Edge-popup, and what is removed is drawn again.",
    "biprop": "Binary weights: signs times a number for each layer.",
    "partially-frozen": "Edge-popup on a part; the rest is kept or removed at random.",
    "multicoated": "Nested masks, whose sum weights are multiplied by.",
    "signed-supermask": "Kept, negated or removed, by a threshold.",
    "slots": "Each weight one of several random numbers.",
    "gem-miner": "Scores are rounded, and a share of them frozen out every few epochs.",
    "concrete": "Relaxed random gates, trained by their log-odds.",
    "bernoulli": "Masks drawn in each step, trained by their log-odds.",
    "random": "Baseline: weights at random, layer densities by a rule.",
    "magnitude": "Baseline: the largest weights.",
    "snip": "Baseline: what the loss feels most (SNIP), untrained.",
    "grasp": "Baseline: what keeps gradients flowing (GraSP), untrained.",
    "synflow": "Baseline: paths of largest weight (SynFlow), untrained.",
    "evolution": "Masks mutated and selected, without any gradient.",
}
