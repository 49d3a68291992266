"""A chart: its data, as it is drawn and as a table of the same numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from reports.charts.chart_theme import VERSION

if TYPE_CHECKING:
    import altair as alt

# The widths that charts are drawn for, in px: letters keep their size on a phone.
WIDTHS = {"wide": 640, "narrow": 320}


@dataclass(frozen=True)
class Chart:
    """The content of one chart: `rows` are drawn; `table` has a text for each of `columns`, for people who can't
    see it.

    `missing` says why there is nothing to draw; empty if there is.
    """

    name: str
    title: str
    caption: str
    columns: tuple[str, ...]
    table: list[tuple[str, ...]]
    rows: list[dict[str, Any]] = field(default_factory=list)
    missing: str = ""
    marks: list[dict[str, Any]] = field(default_factory=list)  # drawn behind the rows, such as notes on days

    def key(self, form: str) -> str:
        """Return the same text for the same drawing, `form` being one of `WIDTHS` or "png"."""
        shown = [VERSION, self.name, form, self.title if form == "png" else "", self.rows, *self.marks]
        return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def data_of(chart: Chart) -> Any:
    """Return what a chart draws, for altair."""
    import altair as alt

    return alt.Data(values=chart.rows)  # type: ignore[no-untyped-call]


def names_axis(room: int) -> alt.Axis:
    """Return an axis of names that begin at the left edge: readers' fonts may be wider than those drawn with."""
    import altair as alt

    return alt.Axis(ticks=False, domain=False, labelAlign="left", labelPadding=room, labelLimit=room - 12)
