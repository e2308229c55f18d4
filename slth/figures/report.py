"""``report.html``: one file, no script, nothing loaded from anywhere, the same bytes for the same record."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from slth import __version__
from slth.experiments.files import dumps, plain, write_text
from slth.experiments.record import TicketRecord
from slth.figures import ticket_figures
from slth.figures.style import to_svg

TEMPLATE = "report.html.j2"


def write_report(record: TicketRecord, path: Path) -> Path:
    """Write the report of one ticket.

    Parameters
    ----------
    record : TicketRecord
    path : Path
        File to write; its folder is created where missing.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    write_text(path, render_report(record))
    return path


def render_report(record: TicketRecord) -> str:
    """Give the report of one ticket as HTML text.

    Parameters
    ----------
    record : TicketRecord

    Returns
    -------
    str
    """
    template = resources.files("slth.figures").joinpath("templates", TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"count": _count, "significant": _significant, "percent": _percent, "size": _size}
    return environment.from_string(template).render(
        record=record,
        summary=plain(record.summary),
        layers=[layer.row() for layer in record.layers],
        pictures=_pictures(record),
        provenance=dumps(record.provenance, indent=1),
        version=__version__,
    )


def _pictures(record: TicketRecord) -> dict[str, str]:
    """SVG text of every picture of the report, by the name that the template uses."""
    pictures = {
        "accuracy": to_svg(
            ticket_figures.accuracy_figure(record),
            name="accuracy",
            description="Test accuracy of target and ticket on each class",
        ),
        "outputs": to_svg(
            ticket_figures.output_figure(record),
            name="outputs",
            description="Difference of outputs on the test set, inside the certified band",
        ),
        "errors": to_svg(
            ticket_figures.error_figure(record),
            name="errors",
            description="Histograms of weight errors in each layer beside their prediction",
        ),
        "certificate": to_svg(
            ticket_figures.certificate_figure(record),
            name="certificate",
            description="Sampled, attacked, certified and norm-bounded output error on a logarithmic axis",
        ),
        "size": to_svg(
            ticket_figures.size_figure(record),
            name="size",
            description="Bits for each target weight, ticket and bounds",
        ),
    }
    for number, layer in enumerate(record.layers):
        pictures[f"mask{number}"] = to_svg(
            ticket_figures.mask_figure(layer), name=f"mask{number}", description=f"Mask of layer {layer.path}"
        )
    return pictures


def _count(value: float) -> str:
    return f"{value:,}"


def _significant(value: float | str | None) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:.3g}"


def _percent(value: float) -> str:
    return f"{100.0 * value:.2f} %"


def _size(value: int) -> str:
    return f"{value:,} B" if value < 10_000 else f"{value / 1000.0:,.1f} kB"
