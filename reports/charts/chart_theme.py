"""The one look of all charts, on light and dark screens.

A chart is drawn once, in the light colours. Its style sheet replaces each by its dark one if the reader's screen is
dark; so no two light colours may be equal. Colours of series differ in lightness too, as some readers see no hue
(checked with the simulations of Machado, Oliveira and Fernandes, 2009).
"""

from __future__ import annotations

from typing import Any

VERSION = 3  # of everything that decides how a chart looks: another one draws all charts again

FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"
INK, MUTED, GRID = "#23312d", "#56625d", "#e2dac9"
SEEN, CLICKED = "#0b6e8f", "#c2570d"
# Each state or fate of a person, in the order of the ledger's bar.
FATES = {
    "delivered": "#0b6e8e", "accepted": "#0b6e8d", "no_word": "#8cb9c9", "bounced_soft": "#e3b45f",
    "bounced_hard": "#a33b1f", "dropped": "#7a5195", "uncertain": "#d6c11e", "failed": "#5a2330",
    "waiting": "#c9c2b2", "excluded": "#78827d", "hidden": "#b3aca0",
}  # fmt: skip
DARK = {
    INK: "#e8ece6", MUTED: "#a9b5ae", GRID: "#33423e", SEEN: "#6cc4e0", CLICKED: "#f5a45c",
    FATES["delivered"]: "#4fb3d3", FATES["accepted"]: "#4fb3d4", FATES["no_word"]: "#2f6f84",
    FATES["bounced_soft"]: "#e3b460", FATES["bounced_hard"]: "#f08a6c", FATES["dropped"]: "#b48fd0",
    FATES["uncertain"]: "#e8d94f", FATES["failed"]: "#d5778c", FATES["waiting"]: "#6b6659",
    FATES["excluded"]: "#9aa59f", FATES["hidden"]: "#55605b",
}  # fmt: skip

STYLE = "@media screen and (prefers-color-scheme: dark) { %s }" % " ".join(  # noqa: UP031 - braces are CSS's
    f'[fill="{light}"] {{ fill: {dark} }} [stroke="{light}"] {{ stroke: {dark} }}' for light, dark in DARK.items()
)


def configuration() -> dict[str, Any]:
    """Return Vega-Lite's configuration; see https://vega.github.io/vega-lite/docs/config.html."""
    text = {"labelFont": FONT, "titleFont": FONT, "labelColor": INK, "titleColor": MUTED, "labelFontSize": 13}
    axis = {"gridColor": GRID, "domainColor": GRID, "tickColor": GRID, "titleFontWeight": "normal"}
    return {
        "aria": False,  # the table beside it says it better, in a tenth of the bytes
        "background": None, "font": FONT, "view": {"stroke": None},
        # A chart is as wide as it was asked for, with its axes.
        "autosize": {"type": "fit", "contains": "padding"}, "padding": 4,
        "axis": {**text, **axis, "titleFontSize": 13, "labelLimit": 260},
        "legend": {**text, "orient": "top", "title": None, "labelLimit": 300, "symbolSize": 120,
                   "columnPadding": 28},
        "title": {"font": FONT, "fontSize": 16, "color": INK, "anchor": "start", "offset": 12},
        "text": {"font": FONT, "fontSize": 13, "fill": INK},
    }  # fmt: skip
