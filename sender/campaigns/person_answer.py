"""Did this person get a campaign's mail? The answer in sentences, why, and what can be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from daisychain.clock import shown
from daisychain.errors import InputError
from lists.addresses import require_address
from lists.audience import PAUSED, RESTRICTED, SUPPRESSED, UNSUBSCRIBED
from lists.members import describe_person
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.timeline import AttemptEntry, EventEntry, NotInAudience, Timeline, TimelineEntry, read_timeline
from sender.delivery.campaign_states import CANCELLED

SUPPRESSED_LATE = "suppressed_late"
# What a person did, which proves that the mail was there.
_COME_BACK = "Only they can come back. If they ask for it, keep that wish as evidence and subscribe them again."
_LIFT = "If the reason is gone and they ask for mail, an admin can lift that, with a reason."
_PAUSE_ENDS = "The pause ends by itself, and they can end it by the link in the footer of any of our mails."
WITHOUT_PERSON = "Opens and clicks are counted without persons, so nothing shows whether they read it."
_BY_PERSON = ("clicked", "complained", "unsubscribed")


@dataclass(frozen=True)
class PersonAnswer:
    """Whether somebody got it: in a word, why in sentences, and what can be done.

    `timeline` is None for somebody who is not in the campaign's audience.
    """

    short: str
    sentences: list[str]
    advice: list[str]
    timeline: Timeline | None


def did_they_get_it(connection: Connection, campaign_id: int, email: str) -> PersonAnswer:
    """Answer for one address; raises InputError if it is no address, StateError if there is no such campaign."""
    require_address(email)
    campaign = find_campaign(connection, campaign_id)
    try:
        timeline = read_timeline(connection, campaign_id, email)
    except NotInAudience:
        return PersonAnswer("No", *_not_in_audience(connection, campaign, email.strip()), None)
    short, sentences, advice = _OF_STATE[timeline.state](timeline)
    assert campaign.frozen_at is not None
    written = f"{_name(timeline)} was written down {shown(campaign.frozen_at)}."
    return PersonAnswer(short, [written, *sentences], advice, timeline)


Answer = tuple[str, list[str], list[str]]


def _name(timeline: Timeline) -> str:
    return str(timeline.values.get("first_name") or timeline.address or "This person")


def _accepted(timeline: Timeline) -> Answer:
    told = [entry for entry in timeline.entries if isinstance(entry, EventEntry)]
    events = {entry.what: entry for entry in told if not entry.by_machine}
    scanned = [entry for entry in told if entry.by_machine]
    taken = [entry for entry in timeline.entries if isinstance(entry, AttemptEntry)]
    sentences = [f"{_provider(timeline)} accepted the mail {shown(taken[-1].at)}."] if taken else []
    if timeline.reason:
        sentences.append(f"It was {timeline.reason}.")
    bounce, delivered = events.get("bounced"), events.get("delivered")
    read = [events[what] for what in _BY_PERSON if what in events]
    if delivered:
        sentences.append(f"It was delivered {shown(delivered.at)}.")
    sentences += [_did(entry) for entry in read]
    if bounce and not read and (not delivered or bounce.at >= delivered.at or bounce.words.startswith("hard")):
        hard = bounce.words.startswith("hard")
        sentences.append(
            f"It came back {shown(bounce.at)}: {bounce.words.removeprefix('hard').removeprefix('soft').strip()}"
        )
        advice = (
            "Ask them for another address." if hard else "Their server refused it for now; a later mail may arrive."
        )
        return "No", sentences, [advice]
    if "rejected" in events and not delivered:
        text = f"{_provider(timeline)} did not send it: {events['rejected'].words or 'no reason given'}."
        return "No", [*sentences, text], ["Look at the provider's own suppression list, and ask the person."]
    if timeline.without_person:
        sentences.append(WITHOUT_PERSON)
    if not delivered and not read and not scanned:
        return "Probably", [*sentences, "Nothing has been reported since."], ["Ask them to look in their spam folder."]
    if not read and not timeline.without_person:
        sentences.append("Nobody opened it that we know of." if "opened" not in events else "It was opened.")
    if scanned:
        sentences.append(f"A scanner or a mail program looked at it {shown(scanned[-1].at)}, which is no person.")
    return "Yes", sentences, [] if read else ["If they can't find it, it may be in their spam folder."]


def _did(entry: TimelineEntry) -> str:
    did = {
        "clicked": "A link in it was followed",
        "complained": "It was reported as spam",
        "unsubscribed": "They unsubscribed by it",
    }
    return f"{did[entry.what]} {shown(entry.at)}."


def _waiting(timeline: Timeline) -> Answer:
    campaign = timeline.campaign
    if campaign.state == "paused":
        why = (
            f"The campaign is paused: {campaign.pause_reason}." if campaign.pause_reason else "The campaign is paused."
        )
        return "Not yet", [why], ["They are mailed if somebody resumes the campaign."]
    tried = any(isinstance(entry, AttemptEntry) for entry in timeline.entries)
    return "Not yet", ["Their mail was tried, and is retried." if tried else "Their turn has not come yet."], []


def _excluded(timeline: Timeline) -> Answer:
    left, suppressed = _last(timeline, "left the list"), _last(timeline, "suppressed")
    if timeline.reason == CANCELLED:
        return "No", ["The campaign was cancelled before their turn came."], ["A new campaign can go to them."]
    if timeline.reason == UNSUBSCRIBED or (timeline.reason == SUPPRESSED_LATE and left and not suppressed):
        since = f" {shown(left.at)} ({left.words})" if left else ""
        return "No", [f"They had left the list{since}."], [_COME_BACK]
    if timeline.reason == RESTRICTED:
        return "No", ["They had asked that their data be kept and not used."], ["Only they can ask for mail again."]
    if timeline.reason == PAUSED:
        return "No", ["They had asked for a pause of three months."], [_PAUSE_ENDS]
    since = f" since {shown(suppressed.at)}: {suppressed.words}" if suppressed else ""
    late = ", after they were written down" if timeline.reason == SUPPRESSED_LATE else ""
    if timeline.reason not in (SUPPRESSED, SUPPRESSED_LATE):
        return "No", [f"They were excluded: {timeline.reason}."], []
    return "No", [f"No list may mail their address{late}{since}."], [_LIFT]


def _failed(timeline: Timeline) -> Answer:
    sentence = f"{_provider(timeline)} refused the mail: {timeline.reason or 'no reason given'}."
    return "No", [sentence], ["Look at the address. When the cause is gone, failed people can be retried."]


def _uncertain(timeline: Timeline) -> Answer:
    sentence = f"{_provider(timeline)}'s answer was lost, so they may or may not have been mailed."
    return (
        "Not known",
        [sentence],
        ["Ask the person. Nobody is mailed again until somebody decides about uncertain people."],
    )


_OF_STATE = {
    "accepted": _accepted, "waiting": _waiting, "excluded": _excluded, "failed": _failed, "uncertain": _uncertain,
}  # fmt: skip


def _provider(timeline: Timeline) -> str:
    return {"sendgrid": "SendGrid", "smtp": "The mail server"}.get(timeline.campaign.provider, "The outbox")


def _last(timeline: Timeline, what: str) -> TimelineEntry | None:
    return next((entry for entry in reversed(timeline.entries) if entry.what == what), None)


def _not_in_audience(connection: Connection, campaign: CampaignRecord, email: str) -> tuple[list[str], list[str]]:
    """Return why somebody is not written down, what is known of them on this list and others, and what can be done."""
    if campaign.is_to_contacts:
        sentence = f"This went to contacts of organisations; it was not sent to {email}."
        return [sentence], ["Look at the contacts of their organisation. One who is excluded leaves no address here."]
    begun = [] if campaign.frozen_at else [f"Nobody is written down yet: the campaign is {campaign.state}."]
    try:
        person = describe_person(connection, email)
    except InputError:
        advice = "Look for how they may have written it: another address, a typing mistake."
        return [*begun, f"Nobody here has the address {email}."], [advice]
    this = next((each for each in person["lists"] if each["list"] == campaign.list_name), None)
    left = this is not None and this["state"] == "unsubscribed"
    suppressed = [f"No list may mail their address since {shown(each['at'])}: {each['reason']}."
                  for each in person["suppressed"]]  # fmt: skip
    begun += _not_written(person["lists"], this, campaign, email)
    if suppressed or left:
        return [*begun, *suppressed], [_LIFT if suppressed else _COME_BACK]
    if this is None:
        return begun, [f"If they want it, put them onto {campaign.list_name}, with what that rests on."]
    if campaign.frozen_at is None:
        return [*begun, f"{email} is on {campaign.list_name}, and gets it if that stays so."], []
    return begun, ["A later campaign to the list reaches them, if they are on it by then and may be mailed."]


def _not_written(
    lists: list[dict[str, Any]], this: dict[str, Any] | None, campaign: CampaignRecord, email: str
) -> Iterator[str]:
    if this is None:
        on = ", ".join(each["list"] for each in lists if each["state"] == "subscribed") or "no list"
        yield f"{email} was never on {campaign.list_name}, to which this campaign goes, and is on {on} now."
        return
    if campaign.frozen_at and campaign.of_campaign_id is not None:
        yield f"This campaign went to some people of campaign {campaign.of_campaign_id}; {email} is not one of them."
    elif campaign.frozen_at:
        yield f"This campaign's people were written down {shown(campaign.frozen_at)}."
        yield f"{email} came onto {campaign.list_name} {shown(this['joined_at'])}."
    if this["state"] == "unsubscribed":
        yield f"They left the list {shown(this['left_at'])} ({this['left_how']})."
