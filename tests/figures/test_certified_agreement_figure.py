"""The certified agreement curve shows the shares and errors of its table."""

from __future__ import annotations

import pytest

from slth.figures.certified_agreement import certified_agreement_figure


def rows(**column):
    return [
        {"radius": radius, "certified_margin": certified, "attack_margin": attacked, "certified_error": error,
         "attack_error": error / 2, **column}
        for radius, certified, attacked, error in (
            (0.0, 1.0, 1.0, 1.0), (0.0, 1.0, 1.0, 3.0), (1 / 255, -1.0, 1.0, 4.0), (1 / 255, 1.0, 1.0, 8.0))
    ]  # fmt: skip


def lines(axes):
    return [(one.get_xdata().tolist(), one.get_ydata().tolist()) for one in axes.lines if one.get_linestyle() != "None"]


def test_shares_and_medians_are_drawn():
    shares, errors = certified_agreement_figure(rows()).axes
    assert ([0.0, 1.0], [1.0, 0.5]) in lines(shares)
    assert ([0.0, 1.0], [1.0, 1.0]) in lines(shares)
    assert ([0.0, 1.0], [2.0, 6.0]) in lines(errors)
    assert ([0.0, 1.0], [1.0, 3.0]) in lines(errors)


@pytest.mark.parametrize("column", ["channels", "candidates"])
def test_each_ticket_of_a_table_has_its_lines(column):
    drawing = certified_agreement_figure([*rows(**{column: 2000}), *rows(**{column: 10000})])
    (legend,) = drawing.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert [name.split(" = ")[1] for name in told] == [
        "2,000, proved", "2,000, attacked", "10,000, proved", "10,000, attacked"]  # fmt: skip


def test_tickets_of_both_kinds_have_their_lines():
    kinds = [*rows(channels=50, candidates=""), *rows(channels="", candidates=20)]
    (legend,) = certified_agreement_figure(kinds).legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told == ["channels n = 50, proved", "channels n = 50, attacked", "candidates = 20, proved",
                    "candidates = 20, attacked"]  # fmt: skip


@pytest.mark.parametrize(("factor", "plain"), [(1.0, False), (0.2, True)])
def test_errors_of_one_size_have_plain_numbers_beside_them(factor, plain):
    table = [{**row, "certified_error": 2.0 + factor * row["certified_error"], "attack_error": 2.0} for row in rows()]
    table += [] if plain else [{**table[0], "certified_error": 90.0}] * 3
    drawing = certified_agreement_figure(table)
    drawing.canvas.draw()
    _, errors = drawing.axes
    told = [text.get_text() for text in errors.get_yticklabels(which="both") if text.get_text()]
    assert told
    assert any("10^" in text for text in told) is not plain
