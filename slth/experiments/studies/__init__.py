"""What the tables of the paper figures are computed by: one module a question.

A study is a function ``study(cell, *, seed, context) -> rows``: ``cell`` is one choice from the grid of a
specification, ``seed`` an integer that belongs to (experiment's seed, cell, replicate) alone, and ``rows`` a list of
flat mappings from column to number, text or None. A probability is given as the columns ``successes`` and ``trials``.
Columns whose names end in ``seconds`` hold times; all others depend on cell and seed alone, on any machine.
"""

STUDIES: dict[str, str] = {
    "attention-error": "slth.experiments.studies.attention_error:attention_error",
    "best-error": "slth.experiments.studies.best_error:best_error",
    "covered-fraction": "slth.experiments.studies.covered_fraction:covered_fraction",
    "density": "slth.experiments.studies.density:density",
    "differencing": "slth.experiments.studies.differencing:differencing",
    "interval-coverage": "slth.experiments.studies.interval_coverage:interval_coverage",
    "lenet-weights": "slth.experiments.studies.lenet_weights:lenet_weights",
    "pensia-mnist": "slth.experiments.studies.pensia_mnist:pensia_mnist",
    "perturbed": "slth.experiments.studies.perturbed:perturbed",
    "quantised": "slth.experiments.studies.quantised:quantised",
    "vector-success": "slth.experiments.studies.vector_success:vector_success",
    "widths": "slth.experiments.studies.widths:widths",
}
"""Name in a specification to "module:function"; imported when it runs."""
