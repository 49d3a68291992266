"""The main figures of a campaign in sentences, for people who read no tables."""

from __future__ import annotations

from collections.abc import Iterator

from reports.report import Figure, Report


def in_words(report: Report) -> str:
    """Return what a campaign did, as somebody would read it aloud; figures that are not counted are left out."""
    return " ".join(_sentences(report.figures))


def _sentences(figures: dict[str, Figure]) -> Iterator[str]:
    def known(name: str) -> bool:
        return figures[name].numerator is not None

    delivered, whole = figures["delivered"], figures["complained"].denominator or 0
    if known("delivered"):
        of = "" if delivered.denominator is None else f" of {delivered.denominator:,} accepted"
        yield f"{delivered.numerator:,}{of} mails were delivered{_share(delivered)}."
    elif known("accepted"):
        reason = "the rest is hidden" if delivered.standing == "hidden" else "nobody reports how many were delivered"
        yield f"{figures['accepted'].numerator:,} mails were accepted; {reason}."
    if not whole:
        return
    if known("seen_reading"):
        yield f"At least {_people(figures['seen_reading'])} read it{_share(figures['seen_reading'])}."
    for name in ("read_estimated", "read_estimated_pooled"):
        if name in figures and (wide := figures[name].wide):
            yield (
                f"Counting readers who leave no trace, probably about {figures[name].numerator:,} read it"
                f"{_share(figures[name])}; anything from {wide[0] * whole:,.0f} to {wide[1] * whole:,.0f} is plausible."
            )
            break
    if known("clicked"):
        yield f"{_people(figures['clicked'])} followed a link{_share(figures['clicked'])}."
        if machine := figures["clicked_machine"].numerator:
            yield f"In {machine:,} other mails a scanner followed links; these are not counted as people."
    leaving = [
        f"{_people(figures[name])} {what}"
        for name, what in (("unsubscribed", "unsubscribed"), ("complained", "reported it as spam"))
        if known(name)
    ]
    if leaving:
        yield f"{' and '.join(leaving)}."


def _people(figure: Figure) -> str:
    return f"{figure.numerator:,} {'person' if figure.numerator == 1 else 'people'}"


def _share(figure: Figure) -> str:
    return "" if figure.rate is None else f" ({figure.rate:.1%})".replace("%", " %")
