"""Notes on a campaign's figures: anything that a reader must know first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from daisychain.clock import shown
from lists.lists import OF_ONE_PERSON
from reports.tallies import LATE, Tallies

_OF_ONE_PERSON = re.compile(rf"@|\b({'|'.join(OF_ONE_PERSON)})\b")


def notes_on(tallies: Tallies) -> Iterator[str]:
    """Yield what a reader must know before reading the figures."""
    campaign, people, intake = tallies.campaign, tallies.people, tallies.intake
    last = f"the last event arrived {shown(intake.newest_at)}" if intake.newest_at else "no event has arrived yet"
    if not people["accepted"]:
        yield ("The provider has accepted nobody's mail, so there are no rates.")
    elif not people["reached"]:
        yield ("No mail is known to have arrived, so there are no rates of people delivered.")
    if tallies.late:
        yield (
            f"Partly known: there is a final report on {tallies.word:,} of {people['accepted']:,} accepted mails "
            f"({tallies.word / people['accepted']:.1%}), {LATE.seconds // 3600} hours or more after sending; {last}. "
            "Look at `daisychain doctor`: reports may not get through to us."
        )
    if campaign.of_campaign_id is not None:
        yield (
            f"This campaign follows up campaign {campaign.of_campaign_id}, whose report counts the people of both "
            "together, each once."
        )
    if campaign.segment:
        # A report is handed on to readers who may see nobody's name or address.
        named = _OF_ONE_PERSON.search(campaign.segment)
        question = "a segment that names people" if named else f"the segment {campaign.segment}"
        yield f"It went to {question}: {campaign.segment_people or 0:,} people when they were written down."
    if intake.pending:
        yield (
            "New opens and clicks have not been compared with each other yet, so scanners among them may count as "
            f"people. A worker does it within minutes, `daisychain events classify {campaign.id}` does it now."
        )
    if intake.rules_changed_at and intake.rule_set != intake.earlier_rule_set:
        yield (
            f"The rules changed: since {shown(intake.rules_changed_at)} opens and clicks are classified by rule set "
            f"{intake.rule_set}, before by {intake.earlier_rule_set}. Don't compare with figures exported before."
        )
    if tallies.counted:
        yield (
            f"{tallies.counted:,} of {tallies.ledger.intended:,} people are counted without persons: their opens and "
            "clicks are in these figures, and nobody's can be looked up. Follow-ups by reading leave them out."
        )
    if tallies.list_tracking:
        yield (
            f"The list's tracking has changed: by now it is {tallies.list_tracking}. This campaign was sent with "
            f"opens {campaign.opens}, clicks {campaign.clicks}, and is counted that way."
        )
    if tallies.elsewhere:
        yield (
            f"{tallies.elsewhere:,} people read the mail although the ledger does not have it as accepted; they are in "
            f"no rate. `daisychain campaign status {campaign.id}` shows them."
        )
