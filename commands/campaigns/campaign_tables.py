"""Tables of the commands about campaigns: the list, the summary before a send, the status, a person's timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from commands.campaigns import as_json
from commands.console import emit, say, show_line, show_table
from daisychain.clock import home_zone, shown

if TYPE_CHECKING:
    from rich.progress import Progress

    from daisychain.installation import Installation
    from newsletters.checks import Finding
    from sender.campaigns.campaign_record import CampaignRecord, CampaignRow
    from sender.campaigns.status import CampaignStatus, PlanProgress
    from sender.campaigns.timeline import Timeline
    from sender.campaigns.waiting_reason import WaitingReason
    from sender.delivery.ledger import Ledger
    from sender.launching.summary import Summary


def show_summary(summary: Summary, warnings: Iterable[Finding]) -> None:
    """Show what is about to be sent, on stderr, with the `warnings` that are new since it was created."""
    campaign = summary.campaign
    decided = f" (decided by {campaign.tracking_decided_by}: {campaign.tracking_because})"
    for name, value in {
        "Campaign": f"{campaign.id} {campaign.name}",
        "From": f"{campaign.from_name} <{campaign.from_address}>",
        "Reply-To": campaign.reply_to or "the same",
        "List": f"{campaign.list_name}: {summary.people:,} people, {summary.excluded:,} excluded",
        **({"Segment": f"{campaign.segment}{summary.left_out}"} if campaign.segment else {}),
        "Provider": campaign.provider,
        **({"Left out": summary.not_followed} if summary.not_followed else {}),
        "Reading": summary.reading + (decided if campaign.tracking_decided_by else ""),
        "Links to": campaign.public_url,
        **dict(_sample_lines(summary)),
    }.items():
        say(f"  {name:<13}{value}")
    for override in summary.overrides:
        say(f"  {'Overridden':<13}{override.text}")
    for warning in warnings:
        say(f"  {'New warning':<13}{warning.code}: {warning.place}: {warning.message}")
    for repeat in summary.repeats:
        say(f"  {'Repeat':<13}{repeat.text}")


def _sample_lines(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield how it reads for one person; in several languages, a line each."""
    if len(summary.samples) == 1:
        yield "Subject", summary.samples[0].subject
        yield "For example", summary.samples[0].address or "nobody"
        return
    for sample in summary.samples:
        others = ", including all whose language is not here" if sample.language == summary.fallback else ""
        example = f" (for example {sample.address})" if sample.address else ""
        yield f"In {sample.language}", f"{sample.people:,} people{others}: {sample.subject}{example}"


def show_campaigns(rows: Iterable[CampaignRow]) -> None:
    """Show the list of campaigns; planned times are in this installation's zone."""
    columns = ("id", "name", "state", "list", "people", "planned for")
    show_table(columns, map(_cells, rows))


def _cells(row: CampaignRow) -> list[object]:
    state = row.state if row.progress is None else f"{row.state}, {int(row.progress * 100)} %"
    planned = f"{row.starts_at.astimezone(home_zone()):%Y-%m-%d %H:%M}" if row.starts_at else ""
    return [row.id, row.name, state, row.list_name, row.intended or "", planned]


def say_outbox(installation: Installation, provider: str, campaign_id: int) -> None:
    """Say where the mails are that the outbox wrote, if it is the provider and wrote any."""
    from sender.providers.outbox import FOLDER

    folder = installation.settings.home / FOLDER / str(campaign_id)
    if provider == "outbox" and folder.exists():
        say(f"The outbox sends nothing. The mails are files in {folder}")


def emit_status(found: CampaignStatus, format_: str, **more: object) -> None:
    """Put a campaign's status on stdout: as a table for people, or with `more` as JSON for scripts."""
    emit({**as_json.status(found), **more}, format_, lambda: show_status(found))


def show_status(found: CampaignStatus) -> None:
    """Show the ledger, its sum, and what to do next."""
    campaign, ledger = found.campaign, found.ledger
    reason = f" ({campaign.pause_reason})" if campaign.pause_reason else ""
    show_line(f"Campaign {campaign.id} {campaign.name}: {campaign.state}{reason}")
    verdict = "balances" if ledger.balances else f"DOES NOT BALANCE: {ledger.intended:,} were frozen"
    parts = [
        ("waiting", ledger.waiting, f"{ledger.in_flight:,} in flight" if ledger.in_flight else ""),
        ("excluded", ledger.excluded, _reasons(ledger.excluded_by)),
        ("accepted", ledger.accepted, ""),
        ("failed", ledger.failed, _reasons(ledger.failed_by)),
        ("uncertain", ledger.uncertain, ""),
    ]
    show_table(("", "people", ""), [*parts, ("= intended", sum(part[1] for part in parts), verdict)])
    if any(part.intended for part in found.languages.values()):
        columns = ("intended", "waiting", "excluded", "accepted", "failed", "uncertain")
        languages = ((language, part.sums()) for language, part in found.languages.items())
        show_table(
            ("language", *columns), ([language, *(sums[name] for name in columns)] for language, sums in languages)
        )
    if ledger.uncertain:
        show_line(
            f"{ledger.uncertain:,} people may or may not have got it. When you know, or have waited for events:\n"
            f"daisychain campaign resolve {campaign.id} --send-again|--count-as-accepted --because WHY"
        )
    if campaign.state == "paused":
        show_line(f"When the cause is fixed: daisychain campaign send {campaign.id}")
    if found.wait:
        show_line(f"{found.wait.text}.")
    if campaign.segment:
        fulfilled = "" if campaign.segment_people is None else f" ({campaign.segment_people:,} people at the freeze)"
        show_line(f"Segment: {campaign.segment}{fulfilled}")
    for override in found.overrides:
        show_line(f"Overridden: {override.text}")
    for line in _plan_lines(found.plan, campaign):
        show_line(line)


def _reasons(people: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(people.items()))


def _plan_lines(plan: PlanProgress, campaign: CampaignRecord) -> Iterator[str]:
    """Yield a line for everything that the plan still holds back."""
    if plan.begins_at and campaign.frozen_at:
        yield f"It starts at {shown(plan.begins_at)}; until then: daisychain campaign cancel {campaign.id}"
    elif plan.begins_at:
        yield f"It is scheduled for {shown(plan.begins_at)}."
        yield f"To move it: daisychain campaign send {campaign.id} --at TIME"
        yield f"To make it a draft again: daisychain campaign unschedule {campaign.id}"
    if plan.canary_until:
        until = shown(plan.canary_until)
        yield f"It waits: the first {plan.canary_people:,} are watched until {until}; then the rest follows."
    elif plan.canary_out:
        yield f"{plan.canary_people:,} people go first; the rest waits for them."
    if plan.held:
        yield f"{plan.held:,} batches are held back by its plan."


def watch_ledger(bar: Progress) -> Callable[[Ledger, WaitingReason | None], None]:
    """Return a function that moves the bar with a ledger and shows why it waits; without a terminal, in a line."""
    task = bar.add_task("Sending", total=None)
    said = ""

    def watch(ledger: Ledger, wait: WaitingReason | None) -> None:
        nonlocal said
        total = ledger.intended - ledger.excluded
        text = wait.text if wait else ""
        bar.update(task, total=total, completed=total - ledger.waiting, description=text or "Sending")
        if bar.disable and text not in ("", said):
            say(f"{text}.")
        said = text

    return watch


def show_timeline(found: Timeline) -> None:
    """Show one person's state in a campaign, then everything that happened, in order."""
    reason = f" ({found.reason})" if found.reason else ""
    from sender.campaigns.person_answer import WITHOUT_PERSON

    show_line(f"{found.address} in campaign {found.campaign.id}: {found.state}{reason}")
    if found.without_person:
        show_line(WITHOUT_PERSON)
    rows = [[shown(entry.at, seconds=True), entry.what, entry.words] for entry in found.entries]
    show_table(("when", "what", ""), rows)
