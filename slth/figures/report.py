"""``report.html``: one file, no script, nothing loaded from anywhere, the same bytes for the same record."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from slth import __version__
from slth.figures import conv_figures, ticket_figures
from slth.figures.style import to_svg
from slth.files import dumps, plain, write_text
from slth.jobs.attention import AttentionLayerRecord
from slth.jobs.conv_record import ConvLayerRecord
from slth.jobs.record import TicketRecord

DENSE_TEMPLATE, CONV_TEMPLATE, ATTENTION_TEMPLATE = "report.html.j2", "conv_report.html.j2", "attention_report.html.j2"


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
    loader = PackageLoader("slth.figures", "templates")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=loader
    )
    environment.filters |= {"count": _count, "significant": _significant, "percent": _percent, "size": _size}
    return environment.get_template(_template(record)).render(
        record=record,
        summary=plain(record.summary),
        layers=[layer.row() for layer in record.layers],
        pictures=_pictures(record),
        provenance=dumps(record.provenance, indent=1),
        version=__version__,
    )


def _template(record: TicketRecord) -> str:
    kinds = {ConvLayerRecord: CONV_TEMPLATE, AttentionLayerRecord: ATTENTION_TEMPLATE}
    return kinds.get(type(record.layers[0]), DENSE_TEMPLATE)


def _pictures(record: TicketRecord) -> dict[str, str]:
    """SVG text of every picture of the report, by the name that the template uses."""
    drawn = {
        "accuracy": (ticket_figures.accuracy_figure(record), "Test accuracy of target and ticket on each class"),
        "outputs": (
            ticket_figures.output_figure(record),
            "Difference of outputs on the test set, inside the certified band",
        ),
        "certificate": (
            ticket_figures.certificate_figure(record),
            "Sampled, attacked, certified and norm-bounded output error on a logarithmic axis",
        ),
        "size": (ticket_figures.size_figure(record), "Bits for each target weight, ticket and bounds"),
    }
    more = {CONV_TEMPLATE: _conv_pictures, DENSE_TEMPLATE: _dense_pictures}.get(_template(record))
    drawn |= {} if more is None else more(record)
    return {name: to_svg(drawing, name=name, description=text) for name, (drawing, text) in drawn.items()}


def _dense_pictures(record: TicketRecord) -> dict[str, tuple[Figure, str]]:
    pictures = {
        "errors": (
            ticket_figures.error_figure(record),
            "Histograms of weight errors in each layer beside their prediction",
        )
    }
    for number, layer in enumerate(record.layers):
        pictures[f"mask{number}"] = ticket_figures.mask_figure(layer), f"Mask of layer {layer.path}"
    return pictures


def _conv_pictures(record: TicketRecord) -> dict[str, tuple[Figure, str]]:
    pictures = {
        "errors": (conv_figures.entry_error_figure(record.layers), "Histograms of the errors of kernel entries"),
        "kernels": (conv_figures.kernel_figure(record.layers[0]), "Kernels of the first layer, target and ticket"),
    }
    for number, layer in enumerate(record.layers):
        text = f"Scales of the kept channels of layer {layer.went.path}"
        pictures[f"channels{number}"] = conv_figures.channel_figure(layer), text
    return pictures


def _count(value: float) -> str:
    return f"{value:,}"


def _significant(value: float | str | None) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:.3g}"


def _percent(value: float) -> str:
    return f"{100.0 * value:.2f} %"


def _size(value: int) -> str:
    return f"{value:,} B" if value < 10_000 else f"{value / 1000.0:,.1f} kB"
