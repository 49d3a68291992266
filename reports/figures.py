"""The figures of one campaign: each with its numerator, denominator, definition, source, time and interval.

One function makes a figure for screen, file and notebook. A figure that was not tracked reads "not tracked", and one
that nobody could have reported to us "not known"; neither is ever 0 %.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sqlalchemy import Connection

from daisychain import clock
from reports.breakdown import NOT_GIVEN, REST, Breakdown
from reports.curve import duration, steps_of
from reports.estimates import LEAST_IN_BOTH, MOVED, Nets, estimate_readers
from reports.link_clicks import LinkClicks, count_links
from reports.notes import notes_on
from reports.people_counts import count_people, people_in
from reports.report import HOUR, LANGUAGE, LEDGER, CurveStep, Figure, LinkFigures, Parts, Report, Standing
from reports.staff_notes import read_notes
from reports.tallies import Tallies, pooled_nets, tally
from reports.together import Together
from sender.mailbox_providers import OTHER

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


def figures(connection: Connection, campaign_id: int) -> Report:
    """Return the figures of a campaign; raises StateError if there is nothing to report."""
    return report_of(connection, tally(connection, campaign_id))


def report_of(connection: Connection, tallies: Tallies, breakdown: Breakdown | None = None) -> Report:
    """Return the figures of a campaign, also over time and by its parts if its `breakdown` is given."""
    made = _Maker(tallies)
    every = _every(made)
    every |= {figure.name: figure for figure in _estimates(made, *pooled_nets(connection, tallies))}
    together = breakdown.together if breakdown else Together()
    every |= {figure.name: figure for figure in _together(made, together)}
    return Report(
        campaign_id=tallies.campaign.id,
        campaign=tallies.campaign.name,
        state=tallies.campaign.state,
        as_of=tallies.as_of,
        last_event_at=tallies.intake.newest_at,
        rule_set=tallies.intake.rule_set,
        notes=list(notes_on(tallies)),
        figures=every,
        links=[_link(made, link, bool(tallies.languages)) for link in count_links(connection, tallies.campaign)],
        parts=(_parts(made, breakdown) if breakdown else {}) | _languages(tallies),
        curve=_curve(made, breakdown) if breakdown else [],
        broken_down_at=breakdown.counted_at if breakdown else None,
        sent_at=tallies.sent_at,
        staff_notes=read_notes(connection, tallies.campaign.id),
        few=frozenset(f"together_{name}" for name in together.few),
    )


def returned(connection: Connection, campaign_id: int) -> list[Figure]:
    """Return what came back of a campaign: the people accepted, by fate, and what readers objected.

    Raises StateError if there is nothing to report.
    """
    made = _Maker(tally(connection, campaign_id))
    return [figure for figure in (*_out(made), *_back(made)) if figure.name in RETURNED]


def main_figures(tallies: Tallies) -> dict[str, Figure]:
    """Return the figures of a campaign without its estimates, by name."""
    return _every(_Maker(tallies))


def _every(made: _Maker) -> dict[str, Figure]:
    return {figure.name: figure for figure in (*_out(made), *_back(made), *_reading(made))}


class _Maker:
    """Makes figures of one campaign's tallies: their source, denominator and time."""

    def __init__(self, tallies: Tallies) -> None:
        self.tallies, self.ledger, self.people = tallies, tallies.ledger, tallies.people
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
        has_number = standing in ("known", "partly known")
        if has_number and denominator == 0:
            note = note or "no rate, as it would be of nobody"
        return Figure(
            name, label, numerator if has_number else None, denominator, definition, source, self.tallies.as_of,
            standing, note,
        )  # fmt: skip

    def share(self, name: str, label: str, words: str, source: str, standing: Standing, of: str = "reached") -> Figure:
        """Make a figure of the people counted as `name`."""
        whole = {"reached": self.of_reached, "accepted": "of those accepted"}.get(of, f"of people {of}")
        return self.figure(
            name, label, self.people[name], self.people[of], f"People {words}, {whole}.", source, standing
        )


def _languages(tallies: Tallies) -> dict[str, Parts]:
    parts = {language: _every(_Maker(part)) for language, part in tallies.languages.items()}
    return {LANGUAGE: parts} if parts else {}


def _parts(made: _Maker, breakdown: Breakdown) -> dict[str, Parts]:
    """Return the figures of each part of each dimension, the largest first and the rest last, and by hour of day."""
    found: dict[str, Parts] = {}
    for dimension, parts in breakdown.groups.items():
        by_size = sorted(parts.items(), key=lambda item: (item[0] in _LAST, -people_in(item[1])))
        found[dimension] = {part: _part(made.tallies, facts) for part, facts in by_size}
    return found | {HOUR: _hours(made, breakdown)}


_LAST = (OTHER, NOT_GIVEN, REST)


def _part(tallies: Tallies, facts: Counter[int]) -> dict[str, Figure]:
    whole = people_in(facts)
    people = count_people(whole, facts, reported=tallies.of_delivered)
    made = _Maker(replace(tallies, people=people))
    accepted = made.figure("accepted", "Accepted", whole, None,
                           "People whose mail the provider accepted.", LEDGER)  # fmt: skip
    return {figure.name: figure for figure in (accepted, *_back(made), *_reading(made))}


def _hours(made: _Maker, breakdown: Breakdown) -> Parts:
    whole = {figure.name: figure for figure in _reading(made)}

    def figure(of: str, name: str, label: str, hour: int) -> Figure:
        number = None if whole[of].numerator is None else breakdown.hours[name][hour]
        definition = f"{label} in this hour of the day ({clock.home_zone().key}), of all people counted by {{}}."
        words = definition.format(f"“{whole[of].label}”")
        return replace(whole[of], name=name, label=label, numerator=number, denominator=whole[of].numerator,
                       definition=words)  # fmt: skip

    return {
        f"{hour:02}:00": {
            "first_read": figure("seen_reading", "first_read", "People first seen reading", hour),
            "first_clicked": figure("clicked", "first_clicked", "People who clicked first", hour),
        }
        for hour in range(24)
    }


def _curve(made: _Maker, breakdown: Breakdown) -> list[CurveStep]:
    whole = {figure.name: figure for figure in _reading(made)}

    def figure(name: str, people: int, seconds: int | None) -> Figure:
        within = "so far" if seconds is None else f"within {duration(seconds)} of the sending of their own mail"
        definition = whole[name].definition.replace("People who", f"People who, {within},", 1)
        number = None if whole[name].numerator is None else people
        return replace(whole[name], name=f"curve_{name}", numerator=number, definition=definition)

    return [
        CurveStep(seconds, **{name: figure(name, people, seconds) for name, people in counts.items()})
        for seconds, counts in steps_of(breakdown)
    ]


def _together(made: _Maker, together: Together) -> list[Figure]:
    """Return what people did with this campaign or a follow-up, each person counted once."""
    if not together.follow_ups:
        return []
    whole = {figure.name: figure for figure in (*_back(made), *_reading(made))}
    which = f"this campaign or a follow-up ({', '.join(map(str, together.follow_ups))})"

    def figure(name: str, label: str, words: str, of: str, standing: Standing, source: str) -> Figure:
        return made.figure(f"together_{name}", f"{label}, with follow-ups", together.people[name],
                           together.people[of] if of else None, f"People {words} of {which}, each counted once.",
                           source, standing)  # fmt: skip

    def read(name: str, label: str, words: str) -> Figure:
        own = whole[name]
        if together.joined:
            return figure(name, label, words, "reached", own.standing, own.source)
        unknown = figure(name, label, words, "reached", "not known", own.source)
        return replace(unknown, note="reading is counted without persons, so who read both mails is unknown")

    return [
        figure("accepted", "Accepted", "whose mail the provider accepted", "", "known", LEDGER),
        figure("reached", "Reached", "taken to be reached by a mail", "accepted",
               whole["delivered"].standing if made.tallies.of_delivered else "known", made.provider),
        read("seen_reading", "Seen reading", "seen reading a mail"),
        read("clicked", "Clicked", "who followed a link"),
        figure("unsubscribed", "Unsubscribed", "who unsubscribed by a mail", "reached", "known",
               whole["unsubscribed"].source),
    ]  # fmt: skip


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
    """Return the way back, whose first five figures add up to the people accepted, and what readers objected."""
    tallies, source = made.tallies, made.provider
    delivered: Standing = made.reported if tallies.delivery_reported else "not known"
    leaving = f"{OWN_PAGES}, {source}" if tallies.provider_reported else OWN_PAGES
    return [
        made.share("delivered", "Delivered", "whose mail the receiving server accepted and did not bounce permanently "
                   "(it may be in a spam folder); reading, a complaint or an unsubscribe proves it too, a scanner does "
                   "not", source, delivered, "accepted"),
        made.share("bounced_hard", "Bounced (hard)", "whose address refuses mail permanently", source, made.reported,
                   "accepted"),
        made.share("bounced_soft", "Bounced (soft)", "whose mail was refused temporarily, and not delivered since",
                   source, made.reported, "accepted"),
        made.share("dropped", "Dropped", "whose mail the provider accepted and then did not send", source,
                   made.reported, "accepted"),
        made.share("no_word", "No word yet", "about whose mail nothing final is reported", source, delivered,
                   "accepted"),
        made.share("complained", "Complained", "who reported the mail as spam (mailbox providers count otherwise)",
                   source, made.reported),
        made.share("unsubscribed", "Unsubscribed", "who unsubscribed by this mail", leaving, "known"),
    ]  # fmt: skip


def _reading(made: _Maker) -> list[Figure]:
    """Return who read it: the certain lower bound first, then its parts, then what no person did."""
    opens, clicks = (made.opens_source, made.opens), (made.clicks_source, made.clicks)
    tracked = [each for each in (opens, clicks) if each[1] != "not tracked"] or [opens]
    sources = ", ".join(dict.fromkeys(source for source, _ in tracked))
    seen = sources, min((standing for _, standing in tracked), key=_STANDINGS.index)
    both = sources, max(made.opens, made.clicks, key=_STANDINGS.index)
    return [
        made.share("seen_reading", "Seen reading", "who opened the mail or followed a link, if that is counted and can "
                   "be seen (a certain lower bound: readers who load no images, or read at Apple, leave no "
                   "trace unless they click)", *seen),
        made.share("opened_human", "Opened by a person", "whose mail program fetched the pixel as a person's does",
                   *opens),
        made.share("clicked", "Clicked (click rate)", "who followed a link other than the one to unsubscribe; "
                   "scanners are not people", *clicks),
        made.figure("click_to_open", "Clicked of seen reading (click-to-open rate)", made.people["clicked"],
                    made.people["seen_reading"], "People who followed a link, of people seen reading.",
                    *both),
        made.share("opened_any", "Fetched by anything", "whose pixel a person or a program fetched (no upper bound: "
                   "readers who load no images are not among them)", *opens),
        made.share("opened_machine", "Fetched by programs only", "whose pixel only programs fetched, before anybody "
                   "could read", *opens),
        made.share("opened_unknown", "Fetched, reader unknown", "whose pixel was fetched, but never by a program that "
                   "gave its name", *opens),
        made.share("clicked_machine", "Links followed by scanners only", "whose links programs followed, and no person",
                   *clicks),
        made.share("clicked_not_told_apart", "- of them, scanner or person", "among these who may have clicked: within "
                   "five minutes of delivery, where a scanner guards their organisation's mail", *clicks),
        made.share("clicked_unknown", "Clicked, reader unknown", "whose links were followed only by programs without "
                   "a name, or who followed only what is no link of the mail", *clicks),
    ]  # fmt: skip


def _estimates(made: _Maker, pool: Nets, campaigns: int) -> list[Figure]:
    """Return the estimates of how many people read it, by the clickers of this campaign and of several."""
    standing = max(made.opens, made.clicks, key=_STANDINGS.index)
    own, reached = made.tallies.nets, made.people["reached"]
    words = (
        "People who read the mail, seen or not, {}. Openers and clickers are two nets for the same readers: what share "
        "of the clickers was seen to open is the share of all readers that was. The 95 % interval is that of chance, "
        f"the wide one holds if unseen readers click {MOVED * 100:.0f} % less or more often than seen ones."
    ).format(made.of_reached)
    of = (
        ("read_estimated", "Readers, estimated", own, ""),
        ("read_estimated_pooled", f"Readers, estimated with the last {campaigns} campaigns", pool,
         f", with the clickers of the last {campaigns} campaigns from this sender"),
    )  # fmt: skip
    found = []
    for name, label, nets, how in of[: 2 if campaigns > 1 else 1]:
        estimate = estimate_readers(own, nets, reached) if standing == "known" else None
        figure = made.figure(name, label, estimate.readers if estimate else 0, reached, words, made.opens_source,
                             standing if standing != "known" or estimate else "not known")  # fmt: skip
        if estimate and reached:
            figure = replace(
                figure, note=estimate.words + how, sampling=_shares(estimate.sampling, reached),
                wide=_shares(estimate.wide, reached),
            )  # fmt: skip
        elif standing == "known":
            need = f"needs {LEAST_IN_BOTH} people who both opened and clicked; {nets.both:,} did"
            figure = replace(figure, note=need + how)
        found.append(figure)
    return found


def _shares(counts: tuple[float, float], whole: int) -> tuple[float, float]:
    return counts[0] / whole, counts[1] / whole


def _link(made: _Maker, link: LinkClicks, several: bool) -> LinkFigures:
    joined = f" {JOINED}" if several else ""
    clicks = f"How often people followed the link.{joined}"
    clickers = f"People who followed the link, {made.of_reached}.{joined}"
    standing, note = made.clicks, ""
    if link.own_values and made.tallies.counted and standing != "not tracked":
        standing = "not tracked" if made.tallies.all_counted else "partly known"
        note = OWN_VALUES
    counted = made.clicks_source, standing, note
    return LinkFigures(
        link.number, link.text, link.url,
        made.figure("link_clicks", "Clicks", link.clicks, None, clicks, *counted),
        made.figure("link_clickers", "Clickers", min(link.clickers, made.people["clicked"]), made.people["reached"],
                    clickers, *counted),
        link.language,
    )  # fmt: skip
