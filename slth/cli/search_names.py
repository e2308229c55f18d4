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
"""Methods on random networks, whose functions stand in ``slth.cli.search``."""

OTHERS: dict[str, tuple[str, str]] = {
    "pretrained": ("slth.cli.search_pretrained:pretrained", "Masks over trained weights: no ticket at all."),
}
"""Further verbs: where the function is, and what it does."""

OPTIONS: dict[str, str] = {
    "--tasks N": "Many tasks on one random network, a mask for each (SupSup); the task is inferred.",
    "--fine-tune EPOCHS": "Kept weights trained behind the search: no longer a strong ticket.",
    "--distil": "Scores learn a dense network's outputs in the place of labels (Concrete Ticket Search); on "
    "digits worse than labels wherever it was tried.",
    "--activations sign": "Binary activations, as biprop's networks of binary weights have them.",
    "--model vit --shared-layers weights": "Blocks of a transformer that are one random layer, with a mask for "
    "each (Shen et al. 2021).",
    "--block N": "The block mask of the structured theorem: pairs of layers in the place of each.",
}
"""Options of all methods, which are methods of their own in the literature."""
