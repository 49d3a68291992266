"""`daisychain campaign send`: the summary, the question, the delivery, and the exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click

from commands.campaigns.campaign_tables import emit_status, say_outbox, show_summary, watch_ledger
from commands.console import answers, progress, say
from daisychain.clock import shown
from daisychain.errors import InputError, StateError
from daisychain.installation import Installation
from daisychain.processes import StopFlag, set_by_signals
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sender.campaigns.campaign_record import CampaignRecord
    from sender.campaigns.plans import Plan
    from sender.campaigns.status import CampaignStatus

# Exit codes of `campaign send`, for scripts; 0 is everybody accepted or excluded.
UNFINISHED_BUSINESS, PAUSED, STOPPED = 3, 4, 5


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--yes", is_flag=True, help="Send without asking, unless it repeats another campaign or has warnings.")
@click.option("--repeat", is_flag=True, help="Don't ask if people get the same within a day.")
@click.option("--with-warnings", is_flag=True, help="Don't ask about overridden errors and new warnings.")
@click.option("--now", "instead", is_flag=True, help="Send a scheduled campaign now, not at its time.")
@click.option("--detach", is_flag=True, help="Leave the delivery to `daisychain serve` or `daisychain worker`.")
@click.option("--without-approval", metavar="REASON", help="Send it without a second person; your reason is kept.")
@click.option("--as-created", is_flag=True, help="Send the draft as it was created, even if its document has changed.")
@click.option(
    "--at", metavar="TIME", help='Send it at this time: "2026-12-01 09:30 Europe/London"; moves a scheduled one.'
)
@click.option("--hold", metavar="SPAN", help="Wait before the first request, such as 10m, to leave time to cancel.")
@click.option("--canary", type=click.IntRange(1), metavar="N", help="Send to this many people first, and watch.")
@click.option("--wait", metavar="SPAN", help="How long to watch the canary before the rest follows; default: 30m.")
@click.option("--per-minute", type=click.IntRange(1), metavar="N", help="At most this many people a minute.")
@click.option("--between", metavar="HOURS", help="Only in these hours: 08:00-20:00, London time unless a zone follows.")
@click.option("--max-bounces", type=click.FloatRange(0, 100), metavar="PERCENT", help="Pause above this; default: 5.")
@click.option(
    "--max-complaints", type=click.FloatRange(0, 100), metavar="PERCENT", help="Pause above this; default: 0.3."
)
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Batches at once in each process."
)
@click.option("--processes", type=click.IntRange(1, 64), help="Default: one a core, if there is enough to do.")
@answers(
    "campaign send 3",
    'campaign send 3 --at "2026-12-01 09:30 Europe/London"',
    "campaign send 3 --now",
    "campaign send 3 --canary 50 --wait 30m --per-minute 600",
)
def send(
    installation: Installation, /, id_: int, yes: bool, repeat: bool, with_warnings: bool, instead: bool, detach: bool,
    without_approval: str | None, as_created: bool, concurrency: int, processes: int | None, format_: str,
    max_bounces: float | None, max_complaints: float | None, **said: Any,
) -> None:  # fmt: skip
    """Send a draft, schedule or move it, or continue a campaign that was paused or interrupted.

    Exits with 0 if everybody was accepted or excluded, 3 if people failed or are uncertain, 4 if it was paused
    or cancelled, 5 if this command was stopped (Ctrl-C, SIGTERM) before the end.
    """
    from daisychain.database import database_now
    from partners.hand_out_links import hand_out_links
    from sender.alerts import notify
    from sender.campaigns import approvals
    from sender.campaigns.campaign_record import find_campaign
    from sender.campaigns.plans import Plan, in_words
    from sender.delivery import confirmed_places
    from sender.launching.schedule import keep_plan, require_unplanned, schedule
    from sender.upkeep import foreground

    plan = Plan(**said, most_bounces=max_bounces, most_complaints=max_complaints)
    if instead and plan.at:
        raise InputError("--now and --at do not go together.")
    answers = {"--yes": yes, "--repeat": repeat, "--with-warnings": with_warnings, "--now": instead}
    with installation.database.engine.connect() as connection:
        found = find_campaign(connection, id_)
        if found.state == "cancelled":
            raise StateError(f"Campaign {id_} was cancelled.", hint="Create a new one: daisychain campaign create")
        require_unplanned(found, plan)
        approvers = _approvers(installation, connection)
        now = instead or (found.state == "scheduled" and not plan.at)
        # At the desk a draft's time is chosen before somebody approves it.
        timed = bool(plan.at or (found.state == "draft" and found.starts_at and not instead and not plan.hold))
        if without_approval is None and found.frozen_at is None:
            columns: dict[str, Any] = plan.columns(database_now(connection))
            planned = replace(found, **columns | ({"starts_at": None} if now else {}))
            approvals.require_approved(connection, installation.settings, planned, approvers)
        asked = look_first(installation, connection, found, plan, answers, as_created=as_created)
    if asked:
        confirm(*asked)  # without a connection: nothing is locked while a person thinks
    confirmed_places.require_here(installation.database)
    with installation.database.engine.begin() as connection:
        found = keep_plan(connection, found, plan)
        if without_approval is not None and found.frozen_at is None:
            let_go(connection, replace(found, starts_at=None) if now else found, without_approval)
        if timed:
            schedule(connection, installation.settings, id_, who=acting_user(), approvers=approvers)
    stop = StopFlag()
    begin = partial(foreground.start, installation.database, id_, who=acting_user(), now=now, approvers=approvers)
    if timed:
        say(f"Scheduled for {in_words(found)['the time']}. `daisychain serve` or `worker` must be running then.")
    elif detach:
        begin()
    else:
        work: dict[str, Any] = {"concurrency": concurrency, "processes": processes, "late_values": hand_out_links}
        signals = set_by_signals(stop, then=_say_stopping, second_breaks_off=True)
        with foreground.crew(installation.database, id_, **work) as helpers:
            begin()
            with progress() as bar, notify.alerting(installation.database), signals, warnings_said():
                foreground.work_until_over(
                    installation.database, id_, helpers=helpers, watch=watch_ledger(bar), stop=stop, **work
                )
    end_with(installation, id_, format_, stop)


def end_with(installation: Installation, campaign_id: int, format_: str, stop: StopFlag) -> NoReturn:
    """Show the status of a campaign that was worked on, and end with its exit code."""
    from sender.campaigns.status import campaign_status

    with installation.database.engine.connect() as connection:
        answer = campaign_status(connection, campaign_id)
    emit_status(answer, format_)
    say_outbox(installation, answer.campaign.provider, campaign_id)
    stopped = stop.is_set() and answer.campaign.state == "sending"
    if stopped:
        say(f"Stopped; nothing is in flight. Continue with: daisychain campaign send {campaign_id}")
    sys.exit(STOPPED if stopped else exit_code(answer))


def _approvers(installation: Installation, connection: Connection) -> set[int]:
    """Return the accounts that may approve, if a send may need it: accounts take a while to load."""
    if installation.settings.approval == "off":
        return set()
    from accounts.staff import ids_with

    return ids_with(connection, "campaigns.approve")


def let_go(connection: Connection, planned: CampaignRecord, because: str) -> None:
    """Override the approval of a campaign as it is planned; it is kept with the campaign and in the audit log."""
    from accounts.audit import record_command
    from sender.campaigns import approvals

    approvals.override(connection, planned, who=acting_user(), because=because)
    record_command(connection, acting_user(), "campaign send --without-approval", f"campaign {planned.id}")


def look_first(
    installation: Installation, connection: Connection, found: CampaignRecord, plan: Plan,
    answers: Mapping[str, bool], *, as_created: bool,
) -> tuple[str, list[str]] | None:  # fmt: skip
    """Check that it may be sent, and show what is about to happen; raises our errors.

    Returns the question to ask, and the options that answer it; None if all of them are among the `answers`.
    """
    from daisychain.database import database_now
    from sender.campaigns import drafts
    from sender.campaigns.plans import is_planned
    from sender.launching.summary import summarise
    from sender.providers.open_provider import open_provider

    if found.state != "finished":
        provider = open_provider(found.provider, installation.settings)
        provider.check(found.from_address, drafts.links_of(connection, found.id))
        if found.state in ("draft", "scheduled"):
            provider.reach()
    if found.state != "draft" and not is_planned(found):
        return _unanswered("Continue sending it now?", ["--yes"] if found.state == "paused" else [], answers)
    now = database_now(connection)
    warnings = drafts.require_unchanged(connection, found) if found.state == "draft" and not as_created else []
    summary = summarise(connection, installation.settings, found, plan.columns(now).get("starts_at", now))
    show_summary(summary, warnings)
    needed = ["--yes"]
    if summary.repeats:
        needed.append("--repeat")
    if found.state == "draft" and (summary.overrides or warnings):
        needed.append("--with-warnings")
    when = f"at {plan.at}" if plan.at else "now"
    if found.state == "draft" and found.starts_at and not (plan.at or plan.hold or answers["--now"]):
        when = f"at its time, {shown(found.starts_at)}"
    if is_planned(found) and found.starts_at and not plan.at and not answers["--now"]:
        if found.state == "paused" and found.starts_at > now:
            when = "then"
        else:
            needed.append("--now")
    planned = f"It is scheduled for {shown(found.starts_at)}. " if is_planned(found) and found.starts_at else ""
    return _unanswered(f"{planned}Send it to {summary.people:,} people {when}?", needed, answers)


def _unanswered(question: str, needed: list[str], answers: Mapping[str, bool]) -> tuple[str, list[str]] | None:
    return None if all(answers[option] for option in needed) else (question, needed)


def confirm(question: str, options: Collection[str] = ("--yes",)) -> None:
    """Ask the person at the terminal; raises StateError if there is none, click.Abort if they say no."""
    if not sys.stdin.isatty():
        hint = f"Add {' '.join(options)} to do it without asking."
        raise StateError(f"Nothing was done, as there is no terminal to ask at: {question}", hint=hint)
    click.confirm(question, abort=True, err=True)


def exit_code(found: CampaignStatus) -> int:
    """Return the exit code of `campaign send` for a status."""
    state, ledger = found.campaign.state, found.ledger
    if state in ("paused", "cancelled"):
        return PAUSED
    forgotten = state == "finished" and ledger.waiting
    return UNFINISHED_BUSINESS if ledger.failed or ledger.uncertain or forgotten else 0


@contextmanager
def warnings_said() -> Iterator[None]:
    """Say on stderr what delivery logs as a warning: while the database is away, answers are kept and it goes on."""
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: say(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("daisychain.delivery")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def _say_stopping() -> None:
    say("Stopping: what is in flight comes to its end first.")
