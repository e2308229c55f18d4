"""What is not tried, and why: every bound without a check gets a line, so that nothing is passed over in silence."""

from __future__ import annotations

from slth.theory import Bound

FIGURES: dict[str, str] = {
    "otsuka2025.head_width": "attention_error",
    "otsuka2025.value_width": "attention_error",
    "otsuka2025.measured_error": "attention_error",
    "xiong2023.candidates": "perturbed",
    "xiong2023.weight": "perturbed",
    "natale2024.overparameterisation": "density",
    "kumar2026.success": "quantised",
    "kumar2026.candidates": "quantised",
    "dacunha2023.structured.candidates": "structured_error",
}
"""Bounds that a paper figure measures."""

RELATIVES: dict[str, str] = {
    "becchetti2022.fixed_size": "becchetti2022.candidates",
    "derived.second_moment.candidates": "derived.second_moment.probability",
    "derived.uniform.candidates": "derived.uniform.failure",
    "derived.structured.counting": "derived.structured.counting_error",
    "orseau2020.neurons": "pensia2020.width",
    "pensia2020.network.width": "pensia2020.width",
    "pensia2020.layer.width": "pensia2020.width",
    "pensia2020.bilinear.width": "pensia2020.width",
    "natale2024.weight": "natale2024.amplified",
    "natale2024.simplified": "natale2024.amplified",
    "natale2024.equivariant": "natale2024.amplified",
    "ferbach2023.width": "dacunha2022.candidates",
    "burkholz2022b.channels": "burkholz2022a.width",
    "gadhikar2023.width": "burkholz2022a.width",
    "gadhikar2023.factor": "gadhikar2023.copies",
    "xiong2023.width": "xiong2023.candidates",
    "kumar2025.width": "kumar2025.candidates",
    "kumar2025.shallow_width": "kumar2025.candidates",
    "otsuka2025.block_attention_width": "otsuka2025.head_width",
    "otsuka2025.block_dense_width": "pensia2020.width",
    "sharing2025.shared": "lueker1998.candidates",
    "sharing2025.separate": "lueker1998.candidates",
}
"""Bounds of which the random part is that of another bound, and the rest a sum over the weights of a network."""

REASONS: dict[str, str] = {
    "natale2024.candidates": "its success probability is a positive constant that nobody has stated",
    "burkholz2022a.problems": "a count of subset sums that enters a logarithm, with exponents left open",
    "becchetti2022.size": "arithmetic: the size in the statement of becchetti2022.fixed_size",
    "derived.amplification.batches": "arithmetic: (1 - p)^r <= delta",
    "derived.structured.tolerance": "arithmetic: a sum of c0 d^2 errors",
    "pensia2020.network.error": "arithmetic: a product of errors of layers",
    "pensia2020.kept": "arithmetic: a sum over weights",
    "vafa2025.difference": "conditional on the hardness of lattice problems, for all algorithms: not to be tried",
    "mallarapu2025.difference": "of all algorithms of a degree: not to be tried",
    "ferre2026.neurons": "of all subnetworks of hidden neurons, with an unspecified constant: not tried",
    "xiong2023.failure": "its premise contains an unspecified constant: nothing is claimed for any n",
    "xiong2023.network_failure": "its premise contains an unspecified constant: nothing is claimed for any n",
    "kumar2025.failure": "below 1 only for n of millions, with an unspecified constant: not testable at this size",
    "malach2020.active": "arithmetic: a count of weights",
    "malach2020.factor": "an order in the abstract without the dependence on error and probability",
    "diffenderfer2021.width": "binary sources: their construction is not part of this package yet",
    "sreenivasan2022.width": "binary sources: their construction is not part of this package yet",
    "sreenivasan2022.depth": "binary sources: their construction is not part of this package yet",
    "meet_in_the_middle.sums": "a count of operations: the figure solver_time shows time and memory",
    "schroeppel.sums": "a count of numbers in memory: the figure solver_time shows time and memory",
}
"""What else there is to say."""

DIRECTIONS = {
    "identity": "an identity or a definition: its unit tests compare both sides",
    "estimate": "a model or an asymptotic order: it claims nothing that a trial could violate",
    "necessary": "counting over all subnetworks of a source and all targets at the same time: not tried",
}

SIZES: dict[str, dict[str, float]] = {
    "dacunha2023.structured.channels": {"kernel": 3, "outputs": 8, "inputs": 1, "eps": 0.1, "layers": 1},
    "dacunha2023.structured.layer_channels": {"kernel": 3, "outputs": 8, "inputs": 1, "eps": 0.1},
    "malach2020.width": {"d": 10, "layers": 2, "eps": 0.1, "delta": 0.1},
    "malach2020.overhead": {"m": 200, "eps": 0.1},
}
"""Small instances at which these ask for more than can be built."""


def why_untestable(bound: Bound) -> str:
    """Say why a bound without a check is not tried."""
    key = bound.key
    if key in SIZES:
        shown = ", ".join(f"{name} = {value:g}" for name, value in SIZES[key].items())
        return f"not testable at this size: needs {bound(**SIZES[key], constant=1.0):.2g} at {shown} and C = 1"
    if key in FIGURES:
        return f"measured by the figure {FIGURES[key]}"
    if key in RELATIVES:
        return f"not tried as a whole; its random part is that of {RELATIVES[key]}"
    if key in REASONS:
        return REASONS[key]
    return DIRECTIONS.get(bound.direction, "no check has been written yet")
