"""The figures of one campaign: each with its numerator, denominator, definition, source, time and interval.

One function makes a figure for screen, file and notebook. A figure that was not tracked reads "not tracked", and one
that nobody could have reported to us "not known"; neither is ever 0 %.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection

from reports.intervals import wilson
from reports.link_clicks import LinkClicks
from reports.tallies import Tallies, tally

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "daisychain.report/1"

Standing = Literal["known", "not tracked", "not known"]

LEDGER = "ledger"
OWN_PAGES = "own pages"
COLUMNS = (
    "figure", "label", "standing", "numerator", "denominator", "rate", "rate_low", "rate_high", "definition", "source",
    "as_of",
)  # fmt: skip
OF_DELIVERED = "of those delivered"
JOINED = (
    "Links of two languages count as one if both emails have equally many links and these have the same place, "
    "or else if they lead to the same address."
)
OF_ACCEPTED = "of those accepted less those bounced, as no delivery was reported"


@dataclass(frozen=True)
class Figure:
    """One figure. `denominator` is None for a plain count; `numerator` is None unless its standing is "known"."""

    name: str
    label: str
    numerator: int | None
    denominator: int | None
    definition: str
    source: str
    as_of: datetime
    standing: Standing = "known"

    @property
    def rate(self) -> float | None:
        """Return the share of 1; None for a plain count, an unknown figure, and a share of nobody."""
        if self.numerator is None or not self.denominator or self.numerator > self.denominator:
            return None
        return self.numerator / self.denominator

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % confidence interval as shares of 1; None for the ledger's sums, which are no sample."""
        if self.source == LEDGER or self.rate is None or self.numerator is None or self.denominator is None:
            return None
        return wilson(self.numerator, self.denominator)

    def row(self) -> dict[str, Any]:
        """Return the figure by the names of columns, for frames and files."""
        cells = (
            self.name, self.label, self.standing, self.numerator, self.denominator, self.rate,
            *(self.interval or (None, None)), self.definition, self.source, self.as_of,
        )  # fmt: skip
        return dict(zip(COLUMNS, cells, strict=True))


@dataclass(frozen=True)
class LinkFigures:
    """One link: its place in the email (None: clicks that match no link), clicks, and clickers.

    `language` is set if only that language has the link.
    """

    number: int | None
    text: str
    url: str
    clicks: Figure
    clickers: Figure
    language: str = ""


@dataclass(frozen=True)
class Report:
    """The figures of one campaign, in reading order; also by language if it has several."""

    campaign_id: int
    campaign: str
    state: str
    as_of: datetime
    figures: dict[str, Figure]
    links: list[LinkFigures] = field(default_factory=list)
    languages: dict[str, dict[str, Figure]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Figure:
        return self.figures[name]

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each figure of the whole campaign."""
        return [figure.row() for figure in self.figures.values()]

    def language_rows(self) -> list[dict[str, Any]]:
        """Return a row for each language and figure; none if there is only one language."""
        return [
            {"language": language, **figure.row()}
            for language, figures in self.languages.items()
            for figure in figures.values()
        ]

    def link_rows(self) -> list[dict[str, Any]]:
        """Return two rows for each link, `clicks` and `clickers`, with its number, text, URL and language."""
        return [
            {
                "link": link.number,
                "link_text": link.text,
                "link_url": link.url,
                "language": link.language,
                **figure.row(),
            }
            for link in self.links
            for figure in (link.clicks, link.clickers)
        ]

    def frame(self) -> pd.DataFrame:
        """Return `rows` as a frame, whose `.attrs["definition"]` has the definitions by name."""
        return _frame(self.rows())

    def language_frame(self) -> pd.DataFrame:
        """Return `language_rows` as a frame."""
        return _frame(self.language_rows(), "language")

    def link_frame(self) -> pd.DataFrame:
        """Return `link_rows` as a frame."""
        return _frame(self.link_rows(), "link", "link_text", "link_url", "language").astype({"link": "Int64"})


def figures(connection: Connection, campaign_id: int) -> Report:
    """Return all figures of a campaign as of now; raises StateError if there is nothing to report."""
    tallies = tally(connection, campaign_id)
    made = _Maker(tallies)
    return Report(
        campaign_id=campaign_id,
        campaign=tallies.campaign.name,
        state=tallies.campaign.state,
        as_of=tallies.as_of,
        figures=_every(made),
        links=[_link(made, link, bool(tallies.languages)) for link in tallies.links],
        languages={language: _every(_Maker(part)) for language, part in tallies.languages.items()},
    )


def _every(made: _Maker) -> dict[str, Figure]:
    return {figure.name: figure for figure in (*_out(made), *_back(made), *_opens(made), *_clicks(made))}


class _Maker:
    """Makes figures of one campaign's tallies: their source, denominator and time."""

    def __init__(self, tallies: Tallies) -> None:
        self.ledger, self.people = tallies.ledger, tallies.people
        self.as_of = tallies.as_of
        provider = tallies.campaign.provider
        self.provider = f"{provider} webhook"
        self.leaving = f"{OWN_PAGES}, {self.provider}" if tallies.provider_reported else OWN_PAGES
        self.reported: Standing = "known" if tallies.provider_reported else "not known"
        self.opens, self.opens_source = self._tracking(tallies.campaign.opens, "own pixel")
        self.clicks, self.clicks_source = self._tracking(tallies.campaign.clicks, "own redirect")
        self.delivered: Standing = "known" if tallies.delivery_reported else "not known"
        if tallies.delivery_reported:
            self.reached, self.of_reached = self.people.arrived, OF_DELIVERED
        else:
            self.reached, self.of_reached = self.ledger.accepted - self.people.bounced, OF_ACCEPTED

    def _tracking(self, mode: str, own: str) -> tuple[Standing, str]:
        if mode == "off":
            return "not tracked", "none"
        # Our own pages can always report; a provider counts only after it has reported something.
        return ("known", own) if mode == "own" else (self.reported, self.provider)

    def figure(
        self,
        name: str,
        label: str,
        numerator: int,
        denominator: int | None,
        definition: str,
        source: str,
        standing: Standing = "known",
    ) -> Figure:
        known = standing == "known"
        return Figure(name, label, numerator if known else None, denominator, definition, source, self.as_of, standing)


def _out(made: _Maker) -> list[Figure]:
    ledger = made.ledger
    parts = (
        ("excluded", "Excluded", "excluded at the freeze or before their batch was sent, each with a reason"),
        ("waiting", "Waiting", "not tried yet, or in flight"),
        ("accepted", "Accepted", "whose mail the provider accepted"),
        ("failed", "Failed", "refused by the provider permanently"),
        ("uncertain", "Uncertain", "whose mail may or may not have been accepted"),
    )
    sums = ledger.sums()
    return [
        made.figure("intended", "Intended", ledger.intended, None,
                    "People in the audience when it was frozen.", LEDGER),
        *(
            made.figure(name, label, sums[name], ledger.intended, f"People {words}, of those intended.", LEDGER)
            for name, label, words in parts
        ),
    ]  # fmt: skip


def _back(made: _Maker) -> list[Figure]:
    people, accepted = made.people, made.ledger.accepted

    def reported(name: str, label: str, numerator: int, words: str, standing: Standing = made.reported) -> Figure:
        return made.figure(
            name, label, numerator, accepted, f"People {words}, of those accepted.", made.provider, standing
        )

    return [
        reported(
            "delivered", "Delivered", people.arrived,
            "whose mail the receiving server accepted and did not bounce permanently (it may be in a spam folder); "
            "an open or a click proves it too", made.delivered,
        ),
        reported("dropped", "Dropped", people.dropped, "whose mail the provider accepted and then did not send"),
        reported("bounced_hard", "Bounced (hard)", people.hard_bounced, "whose address refuses mail permanently"),
        reported("bounced_soft", "Bounced (soft)", people.soft_bounced,
             "whose mail was refused temporarily; some may have got it later"),
        made.figure("complained", "Complained", people.complained, made.reached,
                    f"People who reported the mail as spam, {made.of_reached}; mailbox providers count otherwise.",
                    made.provider, made.reported),
        made.figure("unsubscribed", "Unsubscribed", people.unsubscribed, made.reached,
                    f"People who unsubscribed by this mail, {made.of_reached}.", made.leaving),
    ]  # fmt: skip


def _opens(made: _Maker) -> list[Figure]:
    people = made.people
    kinds = (
        ("opened_human", "Opened, at least", people.opened_human,
         "People whose mail program fetched the pixel as a person's does "
         "(a lower bound: readers without images are not seen)"),
        ("opened_any", "Opened, at most", people.opened,
         "People whose pixel a person or a program fetched (an upper bound: some programs fetch it unread)"),
        ("opened_machine", "Opened by programs only", people.opened_machine,
         "People whose pixel only programs fetched, before the person could read"),
        ("opened_unknown", "Opened, reader unknown", people.opened_unknown,
         "People whose pixel was fetched, but never by a program that gave its name"),
    )  # fmt: skip
    return [
        made.figure(name, label, count, made.reached, f"{words}, {made.of_reached}.", made.opens_source, made.opens)
        for name, label, count, words in kinds
    ]


def _clicks(made: _Maker) -> list[Figure]:
    people = made.people
    both: Standing = made.clicks if made.opens == "known" else made.opens
    return [
        made.figure(
            "clicked", "Clicked (click rate)", people.clicked, made.reached,
            f"People who followed a link other than the one to unsubscribe, {made.of_reached}.",
            made.clicks_source, made.clicks,
        ),
        made.figure(
            "click_to_open", "Clicked of opened (click-to-open rate)", people.clicked_and_opened, people.opened_human,
            "People who opened (at least) and followed a link, of people who opened (at least).",
            made.clicks_source, both,
        ),
    ]  # fmt: skip


def _link(made: _Maker, link: LinkClicks, several: bool) -> LinkFigures:
    joined = f" {JOINED}" if several else ""
    clicks = f"How often the link was followed, without recognised programs.{joined}"
    clickers = f"People who followed the link, {made.of_reached}.{joined}"
    counted = made.clicks_source, made.clicks
    return LinkFigures(
        link.number, link.text, link.url,
        made.figure("link_clicks", "Clicks", link.clicks, None, clicks, *counted),
        made.figure("link_clickers", "Clickers", link.clickers, made.reached, clickers, *counted),
        link.language,
    )  # fmt: skip


def _frame(rows: list[dict[str, Any]], *places: str) -> pd.DataFrame:
    """Return a frame of `rows`; its second and further columns are `places`, which say what a figure is about."""
    import pandas as pd  # a quarter of a second, which only those who want a frame should wait for

    frame = pd.DataFrame(rows, columns=[COLUMNS[0], *places, *COLUMNS[1:]])
    # People are whole numbers, and some of them are not known.
    frame = frame.astype({"numerator": "Int64", "denominator": "Int64"})
    frame = frame.astype(dict.fromkeys(("rate", "rate_low", "rate_high"), "Float64"))
    frame.attrs["definition"] = {row["figure"]: row["definition"] for row in rows}
    return frame
