"""The figures of one campaign: each with its numerator, denominator, definition, source, time and interval.

One function makes a figure for screen, file and notebook. A figure that was not tracked reads "not tracked", and one
that nobody could have reported to us "not known"; neither is ever 0 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from reports.estimates import LEAST_IN_BOTH, MOVED, Nets, estimate_readers
from reports.link_clicks import LinkClicks
from reports.report import LEDGER, Figure, LinkFigures, Standing
from reports.tallies import Tallies, tally

OWN_PAGES = "own pages"
OF_DELIVERED = "of those delivered"
OF_ACCEPTED = "of those accepted less those bounced or dropped, as deliveries are not reported, or not all of them"
JOINED = (
    "Links of two languages count as one if both emails have equally many links and these have the same place, "
    "or else if they lead to the same address."
)
OWN_VALUES = "it holds a member's own value, so it can't lead through a page that does not know the person"
RETURNED = (
    "accepted", "delivered", "bounced_hard", "bounced_soft", "dropped", "no_word", "complained", "unsubscribed",
)  # fmt: skip
# From the one that says most to the one that says least.
_STANDINGS: tuple[Standing, ...] = ("known", "partly known", "not known", "not tracked")
# What each share of people is called, and which people are counted.
SHARES: Mapping[str, tuple[str, str]] = {
    "excluded": ("Excluded", "excluded at the freeze or before their batch was sent, each with a reason"),
    "waiting": ("Waiting", "not tried yet, or in flight"),
    "accepted": ("Accepted", "whose mail the provider accepted"),
    "failed": ("Failed", "refused by the provider permanently"),
    "uncertain": ("Uncertain", "whose mail may or may not have been accepted"),
    "delivered": ("Delivered", "whose mail the receiving server accepted and did not bounce permanently (it may be in "
                  "a spam folder); reading, a complaint or an unsubscribe proves it too, a scanner does not"),
    "bounced_hard": ("Bounced (hard)", "whose address refuses mail permanently"),
    "bounced_soft": ("Bounced (soft)", "whose mail was refused temporarily, and not delivered since"),
    "dropped": ("Dropped", "whose mail the provider accepted and then did not send"),
    "no_word": ("No word yet", "about whose mail nothing final is reported"),
    "complained": ("Complained", "who reported the mail as spam (mailbox providers count otherwise)"),
    "unsubscribed": ("Unsubscribed", "who unsubscribed by this mail"),
    "seen_reading": ("Seen reading", "who opened the mail or followed a link, if that is counted and can be seen (a "
                     "certain lower bound: readers who load no images, or read at Apple, leave no trace unless they "
                     "click)"),
    "opened_human": ("Opened by a person", "whose mail program fetched the pixel as a person's does"),
    "clicked": ("Clicked (click rate)", "who followed a link other than the one to unsubscribe; scanners are not "
                "people"),
    "opened_any": ("Fetched by anything", "whose pixel a person or a program fetched (no upper bound: readers who load "
                   "no images are not among them)"),
    "opened_machine": ("Fetched by programs only", "whose pixel only programs fetched, before anybody could read"),
    "opened_unknown": ("Fetched, reader unknown", "whose pixel was fetched, but never by a program that gave its name"),
    "clicked_machine": ("Links followed by scanners only", "whose links programs followed, and no person"),
    "clicked_not_told_apart": ("- of them, scanner or person", "among these who may have clicked: within five minutes "
                               "of delivery, where a scanner guards their organisation's mail"),
    "clicked_unknown": ("Clicked, reader unknown", "whose links were followed only by programs without a name, or who "
                        "followed only what is no link of the mail"),
}  # fmt: skip


def main_figures(tallies: Tallies) -> dict[str, Figure]:
    """Return the figures of a campaign without its estimates, by name."""
    return named(FigureMaker(tallies).every())


def returned(connection: Connection, campaign_id: int) -> list[Figure]:
    """Return what came back of a campaign: the people accepted, by fate, and what readers objected.

    Raises StateError if there is nothing to report.
    """
    made = FigureMaker(tally(connection, campaign_id))
    return [figure for figure in (*made.out(), *made.back()) if figure.name in RETURNED]


def named(figures: Iterable[Figure]) -> dict[str, Figure]:
    """Return figures by name."""
    return {figure.name: figure for figure in figures}


class FigureMaker:
    """Makes figures of one campaign's tallies: their source, denominator and time."""

    def __init__(self, tallies: Tallies) -> None:
        self.tallies, self.people = tallies, tallies.people
        self.provider = f"{tallies.campaign.provider} webhook"
        self.reported: Standing = "known" if tallies.provider_reported else "not known"
        if tallies.late:
            self.reported = "partly known"
        self.opens, self.opens_source = self._tracking(tallies.campaign.opens, "own pixel")
        self.clicks, self.clicks_source = self._tracking(tallies.campaign.clicks, "own redirect")
        self.of_reached = OF_DELIVERED if tallies.of_delivered else OF_ACCEPTED

    def _tracking(self, mode: str, own: str) -> tuple[Standing, str]:
        if mode == "off":
            return "not tracked", "none"
        # Our own pages can always report; a provider counts only after it has reported something. Where it counts, our
        # pages count the people who have not agreed that their own reading is recorded.
        if mode == "own" or self.tallies.all_counted:
            return "known", own
        if self.tallies.counted and self.reported == "not known":
            return "partly known", f"{own}, {self.provider}"
        return self.reported, f"{own}, {self.provider}" if self.tallies.counted else self.provider

    def figure(
        self, name: str, label: str, numerator: int, denominator: int | None, definition: str, source: str,
        standing: Standing = "known", note: str = "",
    ) -> Figure:  # fmt: skip
        """Make a figure, without its number if that is not known."""
        known = standing in ("known", "partly known")
        if known and denominator == 0:
            note = note or "no rate, as it would be of nobody"
        number, as_of = numerator if known else None, self.tallies.as_of
        return Figure(name, label, number, denominator, definition, source, as_of, standing, note)

    def share(self, name: str, source: str, standing: Standing, of: str = "reached") -> Figure:
        """Make a figure of the people counted as `name`."""
        (label, words), whole = SHARES[name], self.of_reached if of == "reached" else f"of those {of}"
        people = self.people
        return self.figure(name, label, people[name], people[of], f"People {words}, {whole}.", source, standing)

    def every(self) -> list[Figure]:
        """Return all figures but the estimates, in reading order."""
        return [*self.out(), *self.back(), *self.reading()]

    def out(self) -> list[Figure]:
        """Return the ledger: the people intended, and the parts that add up to them."""
        ledger, parts = self.tallies.ledger, ("excluded", "waiting", "accepted", "failed", "uncertain")
        whole, sums = ledger.intended, ledger.sums()
        return [
            self.figure("intended", "Intended", whole, None, "People in the audience when it was frozen.", LEDGER),
            *(self.figure(name, SHARES[name][0], sums[name], whole, f"People {SHARES[name][1]}, of those intended.",
                          LEDGER) for name in parts),
        ]  # fmt: skip

    def back(self) -> list[Figure]:
        """Return the way back, whose first five figures add up to the people accepted, and what readers objected."""
        source, reported = self.provider, self.reported
        delivered: Standing = reported if self.tallies.delivery_reported else "not known"
        fates = {"delivered": delivered, "bounced_hard": reported, "bounced_soft": reported, "dropped": reported,
                 "no_word": delivered}  # fmt: skip
        leaving = f"{OWN_PAGES}, {source}" if self.tallies.provider_reported else OWN_PAGES
        return [
            *(self.share(name, source, standing, "accepted") for name, standing in fates.items()),
            self.share("complained", source, reported),
            self.share("unsubscribed", leaving, "known"),
        ]

    def reading(self) -> list[Figure]:
        """Return who read it: the certain lower bound first, then its parts, then what no person did."""
        opens, clicks = (self.opens_source, self.opens), (self.clicks_source, self.clicks)
        tracked = [each for each in (opens, clicks) if each[1] != "not tracked"] or [opens]
        sources = ", ".join(dict.fromkeys(source for source, _ in tracked))
        seen = min((standing for _, standing in tracked), key=_STANDINGS.index)
        return [
            self.share("seen_reading", sources, seen),
            self.share("opened_human", *opens),
            self.share("clicked", *clicks),
            self.figure("click_to_open", "Clicked of seen reading (click-to-open rate)", self.people["clicked"],
                        self.people["seen_reading"], "People who followed a link, of people seen reading.", sources,
                        self._both),
            *(self.share(name, *opens) for name in ("opened_any", "opened_machine", "opened_unknown")),
            *(self.share(name, *clicks) for name in ("clicked_machine", "clicked_not_told_apart", "clicked_unknown")),
        ]  # fmt: skip

    @property
    def _both(self) -> Standing:
        """The standing of what needs opens and clicks."""
        return max(self.opens, self.clicks, key=_STANDINGS.index)

    def estimates(self, pool: Nets, campaigns: int) -> list[Figure]:
        """Return the estimates of how many people read it, by the clickers of this campaign and of several."""
        own, reached = self.tallies.nets, self.people["reached"]
        words = (
            f"People who read the mail, seen or not, {self.of_reached}. Openers and clickers are two nets for the same "
            "readers: what share of the clickers was seen to open is the share of all readers that was. The 95 % "
            f"interval is that of chance, the wide one holds if unseen readers click {MOVED * 100:.0f} % less or more "
            "often than seen ones."
        )

        def estimated(name: str, label: str, nets: Nets, how: str = "") -> Figure:
            estimate = estimate_readers(own, nets, reached) if self._both == "known" else None
            standing: Standing = "not known" if self._both == "known" and not estimate else self._both
            readers = estimate.readers if estimate else 0
            figure = self.figure(name, label, readers, reached, words, self.opens_source, standing)
            if estimate and reached:
                sampling, wide = ((low / reached, high / reached) for low, high in (estimate.sampling, estimate.wide))
                return replace(figure, note=estimate.words + how, sampling=sampling, wide=wide)
            need = f"needs {LEAST_IN_BOTH} people who both opened and clicked; {nets.both:,} did{how}"
            return replace(figure, note=need) if self._both == "known" else figure

        alone = estimated("read_estimated", "Readers, estimated", own)
        if campaigns < 2:
            return [alone]
        label = f"Readers, estimated with the last {campaigns} campaigns"
        how = f", with the clickers of the last {campaigns} campaigns from this sender"
        return [alone, estimated("read_estimated_pooled", label, pool, how)]

    def link(self, link: LinkClicks) -> LinkFigures:
        """Return the figures of one link."""
        joined = f" {JOINED}" if self.tallies.languages else ""
        clicks = f"How often people followed the link.{joined}"
        clickers = f"People who followed the link, {self.of_reached}.{joined}"
        standing, note = self.clicks, ""
        if link.own_values and self.tallies.counted and standing != "not tracked":
            standing, note = "not tracked" if self.tallies.all_counted else "partly known", OWN_VALUES
        counted = self.clicks_source, standing, note
        people, reached = min(link.clickers, self.people["clicked"]), self.people["reached"]
        return LinkFigures(
            link.number, link.text, link.url,
            self.figure("link_clicks", "Clicks", link.clicks, None, clicks, *counted),
            self.figure("link_clickers", "Clickers", people, reached, clickers, *counted),
            link.language,
        )  # fmt: skip
